"""Training on a host with a GPU: an environment of its own, never that of an engine."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.resources.directory import Directory
from magnusctl.resources.package import Package
from magnusctl.roles import python, storage
from magnusctl.roles.context import Context
from magnusctl.state import Resource


def resources(context: Context) -> Iterator[Resource]:
    """Who trains, where adapters go, and PyTorch with what trains in four bits."""
    yield from storage.folders(context)
    # Triton compiles at run time.
    for name in ("gcc", "libc6-dev"):
        yield Package(package=name)
    yield Directory(
        path=f"/var/lib/{storage.TRAINS}",
        mode="0750",
        owner=storage.TRAINS,
        group=storage.MODELS,
        after=(f"user:{storage.TRAINS}",),
    )
    yield from python.uv(context)
    yield from python.environment(context, "train", context.variables.training.lock)

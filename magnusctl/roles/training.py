"""Training on a host with a GPU: an environment of its own, never that of an engine."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.resources.user import User
from magnusctl.roles import python, storage
from magnusctl.roles.context import Context
from magnusctl.state import Resource


def resources(context: Context) -> Iterator[Resource]:
    """Who trains, where adapters go, and PyTorch with what trains in four bits."""
    yield from storage.folders(context)
    yield User(
        user=storage.TRAINS,
        home=f"/var/lib/{storage.TRAINS}",
        shell="/usr/sbin/nologin",
        comment="magnusctl training",
        groups=(storage.MODELS,),
        system=True,
        after=(f"group:{storage.MODELS}",),
    )
    yield from python.uv(context)
    yield from python.environment(context, "train", context.variables.training.lock)

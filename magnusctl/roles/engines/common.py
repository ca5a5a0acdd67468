"""What the units of all engines are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from magnusctl.inventory.budgets import models_of
from magnusctl.inventory.models import Served
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.roles import cuda, storage
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import Restarts, has_backoff, unit
from magnusctl.roles.ports import listen_address
from magnusctl.state import Resource

LIBEXEC = "/opt/magnus/libexec"
HELPERS = ("wait-addr", "wait-http")
NUMBERS = {"wait_address_s": 60, "wait_http_s": 840, "open_files": 65536, "stop_s": 90}


MARGIN_S = 120
"""What a step may take beyond the start of its unit, so that the unit itself says why it failed."""


def helpers(context: Context) -> Iterator[Resource]:
    """The programs that a unit waits with."""
    for name in HELPERS:
        yield File(
            path=f"{LIBEXEC}/{name}",
            content=context.render(f"inference/{name}.j2"),
            mode="0755",
            group=context.root_group,
            validator="shell",
        )


def gpu_nodes(context: Context) -> Iterator[Resource]:
    """The device files of the cards, made before an engine starts."""
    if not context.host.hardware.gpus:
        return
    text = context.render("daemon/gpu-nodes.service.j2")
    yield from unit("magnus-gpu-nodes", text, after=waits_for(context))


def configuration(context: Context, engine: str) -> Iterator[Resource]:
    """The folder of an engine's configuration."""
    yield Directory(path="/etc/magnus", group=context.root_group)
    yield Directory(path=f"/etc/magnus/{engine}", group=context.root_group)


def waits_for(context: Context) -> tuple[str, ...]:
    """What must be right before an engine starts: a driver that agrees with its library."""
    return (f"reboot:{cuda.BOOT}",) if "cuda" in context.host.roles else ()


def unit_values(context: Context) -> dict[str, Any]:
    """What every unit's template is given."""
    gpus = context.host.hardware.gpus
    return {
        **NUMBERS,
        "restarts": Restarts(),
        "steps": has_backoff(context),
        "folder": storage.folder_of(context),
        "host_address": listen_address(context),
        "gpu": bool(gpus),
        "gpus": range(len(gpus)),
        "memory_max": None,
        "cpus": "",
    }


def cores_of(context: Context) -> Mapping[str, str]:
    """The CPUs of each service, as ranges: the first ones are the reserve, and no two share one.

    Ollama is one service for all of its models; each model of another engine is one by itself.
    """
    wanted: dict[str, int] = {}
    for name, served in models_of(context.inventory, context.name).items():
        key = "ollama" if served.engine == "ollama" else name
        wanted[key] = wanted.get(key, 0) + (served.cores or 0)
    ranges, first = {}, context.variables.inference.reserve.cores
    for key, count in wanted.items():
        if count:
            ranges[key] = f"{first}-{first + count - 1}" if count > 1 else str(first)
            first += count
    return ranges


def memory_of(*models: Served) -> int | None:
    """Bytes of RAM that a service of some models may take; None where one says nothing."""
    sizes = [served.memory for served in models if served.resident]
    if not sizes or any(size is None for size in sizes):
        return None
    mib = 1024**2
    return sum(size or 0 for size in sizes) // mib * mib

"""What else than memory decides whether a host can serve a model, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from magnusctl.catalogue.entries import Artifact
from magnusctl.fit.planner import Fit
from magnusctl.inventory.budgets import models_of
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.select import variables_of
from magnusctl.inventory.serving import ENGINES
from magnusctl.placement.asked import Wanted
from magnusctl.placement.sites import Site, system_of

GB = 10**9


@dataclass(frozen=True)
class Filter:
    """One condition; `passed` is None where it cannot be told, which keeps nothing out but for
    memory."""

    name: str
    passed: bool | None
    why: str


def of_host(
    inventory: Inventory, site: Site, wanted: Wanted, size: float | None, *, present: bool
) -> Iterator[Filter]:
    """The conditions of a host that have nothing to do with memory."""
    yield _role(inventory, site)
    yield _system(inventory, site)
    yield _disk(inventory, site, wanted, size, present=present)
    yield _undisturbed(inventory, site, wanted)


def of_format(wanted: Wanted, site: Site, artifact: Artifact | None) -> Filter:
    """Whether the engine reads a form of the model."""
    if artifact is not None:
        return Filter("format", True, f"{site.engine} reads {artifact.quant}")
    asked = f" as {wanted.quant}" if wanted.quant else ""
    return Filter("format", False, f"{site.engine} reads no form of {wanted.entry.name}{asked}")


def of_memory(fit: Fit | None, unknown: str = "") -> Filter:
    """Whether it fits into the memory, and with its context into the model."""
    if fit is None or fit.limit is None:
        return Filter("memory", None, unknown or "how much memory the device has is not known")
    if fit.fits:
        return Filter("memory", True, f"{_gib(fit.limit.usable - fit.needed)} left")
    if fit.needed <= fit.limit.usable:
        return Filter("memory", False, "the context is longer than the model's own")
    return Filter("memory", False, f"short by {_gib(fit.needed - fit.limit.usable)}")


def _role(inventory: Inventory, site: Site) -> Filter:
    serves = "inference" in inventory.hosts[site.host].roles
    why = "it has the role inference" if serves else "it has not the role inference"
    return Filter("role", serves, why)


def _system(inventory: Inventory, site: Site) -> Filter:
    host = inventory.hosts[site.host]
    needs = ENGINES.get(site.engine)
    if needs and needs != system_of(host):
        return Filter("os", False, f"{site.engine} needs {needs}, and it is {host.os}")
    return Filter("os", True, host.os)


def _disk(
    inventory: Inventory, site: Site, wanted: Wanted, size: float | None, *, present: bool
) -> Filter:
    """The disk that is for models, or the one to boot from; a share of it stays free."""
    disks = inventory.hosts[site.host].hardware.disks
    if present:
        return Filter("disk", True, "its files are there")
    if not disks or not size:
        return Filter("disk", None, "no disk is declared" if not disks else "its size is not known")
    disk = min(disks, key=lambda disk: disk.purpose != "models")
    share = 100 - variables_of(inventory, site.host).storage.min_free_percent
    own = {one.name for one in wanted.declared_on(site.host)}
    others = models_of(inventory, site.host).items()
    room = disk.size * share / 100 - sum(m.size or 0 for name, m in others if name not in own)
    why = f"{size / GB:.0f} of {max(room, 0) / GB:.0f} GB on {disk.name}"
    return Filter("disk", size <= room, why)


def _undisturbed(inventory: Inventory, site: Site, wanted: Wanted) -> Filter:
    host = inventory.hosts[site.host]
    if any(wanted.declared_on(site.host)):
        return Filter("undisturbed", True, "it is declared there")
    if host.protected:
        return Filter("undisturbed", False, "it is protected: what disturbs it needs consent")
    why = (
        f"it is frozen at times: {', '.join(host.freeze)}" if host.freeze else "nothing forbids it"
    )
    return Filter("undisturbed", True, why)


def _gib(size: float) -> str:
    return f"{size / 1024**3:.1f} GiB"

"""What hosts serve now, asked of those that could take a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from magnusctl.deploying import recorded
from magnusctl.deploying.prepare import asked, context_of
from magnusctl.errors import InputError, MagnusError
from magnusctl.fleet import Fleet
from magnusctl.inventory.findings import nearest
from magnusctl.parallel import each
from magnusctl.releases.standing import Standing


def hosts_of(fleet: Fleet, host: str | None) -> list[str]:
    """The host that is named, else all that serve models. Raises InputError."""
    hosts = fleet.inventory.hosts
    if host is not None and host not in hosts:
        hint = nearest(host, hosts) or f"Hosts: {', '.join(hosts)}"
        raise InputError(f"there is no host '{host}'", hint=hint)
    found = [name for name in hosts if "inference" in hosts[name].roles and host in (None, name)]
    if not found:
        hint = "Add the role inference, and an engine, to a host of the inventory."
        raise InputError(f"{host or 'no host'} serves no models", hint=hint)
    return found


def standings(
    fleet: Fleet,
    inventory: Path,
    host: str | None,
    observed: Path | None = None,
    told: Callable[[str, str], None] = lambda host, text: None,
) -> Mapping[str, Standing]:
    """What each of them said; who said nothing is told of, and left out.

    Raises the first failure where none said anything.
    """
    names = hosts_of(fleet, host)
    if observed is not None:
        return {name: recorded.standing_in(observed, name) for name in names}

    found = _asked(fleet, inventory, names)
    said = {name: one for name, one in found.items() if isinstance(one, Standing)}
    for name, failed in found.items():
        if isinstance(failed, MagnusError):
            failed.host = failed.host or name
            if not said:
                raise failed
            told(name, f"left out: {failed.message}")
    return said


def standings_of(fleet: Fleet, inventory: Path, names: list[str]) -> Mapping[str, Standing]:
    """What some hosts said; who said nothing is not among them."""
    found = _asked(fleet, inventory, names)
    return {name: one for name, one in found.items() if isinstance(one, Standing)}


def _asked(fleet: Fleet, inventory: Path, names: list[str]) -> Mapping[str, Standing | MagnusError]:
    def work(name: str) -> Standing:
        return asked(context_of(fleet, inventory, name), fleet.machine(name))

    return each(names, work, fleet.workers)

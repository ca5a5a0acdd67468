"""What an inventory says of time and protection, and what of it cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from importlib.resources import files

from magnusctl.inventory.findings import nearest
from magnusctl.inventory.load import Problem, place
from magnusctl.inventory.marks import Document, Path
from magnusctl.inventory.model import Host, Inventory
from magnusctl.inventory.windows import Window


@cache
def time_zones() -> frozenset[str]:
    """The names of the IANA list: the same on every machine, whatever its own list holds."""
    return frozenset(files("tzdata").joinpath("zones").read_text().split())


def problems(document: Document, inventory: Inventory) -> Iterator[Problem]:
    """Windows that never are, and hosts that name windows which nobody declares."""
    for name, window in inventory.windows.items():
        yield from _window(document, name, window)
    for pattern, host in inventory.hosts.items():
        for use, names in (("freeze", host.freeze), ("maintenance", host.maintenance)):
            yield from _named(document, ("hosts", pattern, use), names, inventory)
        yield from _contradictions(document, pattern, host)


def _window(document: Document, name: str, window: Window) -> Iterator[Problem]:
    path: Path = ("windows", name)
    zone = window.timezone
    if zone not in time_zones():
        hint = nearest(zone, time_zones()) or "names are of the IANA list, as Australia/Sydney"
        message = f"'timezone': there is no time zone '{zone}'"
        yield Problem(message, place(document, (*path, "timezone")), hint, len(zone))
    if window.begins == window.ends:
        message = f"window {name} ends when it begins, at {window.ends}"
        hint = "a whole day is from '00:00' to '24:00'"
        yield Problem(message, place(document, (*path, "to")), hint, len(window.ends))
    yield from _twice(document, (*path, "days"), name, window.days)
    yield from _twice(document, (*path, "holidays"), name, window.holidays)


def _twice(
    document: Document, path: Path, window: str, values: Sequence[str | date]
) -> Iterator[Problem]:
    for index, value in enumerate(values):
        if value in values[:index]:
            mark = place(document, (*path, index))
            yield Problem(f"window {window} names {value} twice", mark, "", len(str(value)))


def _named(
    document: Document, path: Path, names: Sequence[str], inventory: Inventory
) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in inventory.windows:
            message = f"host {path[1]} names the window '{name}', which does not exist"
            known = ", ".join(inventory.windows) or "none are declared"
            hint = nearest(name, inventory.windows) or f"windows: {known}"
            yield Problem(message, place(document, (*path, index)), hint, len(name))


def _contradictions(document: Document, pattern: str, host: Host) -> Iterator[Problem]:
    path: Path = ("hosts", pattern)
    for index, name in enumerate(host.maintenance):
        if name in host.freeze:
            message = f"window {name} freezes {pattern}, so it cannot open it for maintenance"
            yield Problem(message, place(document, (*path, "maintenance", index)), "", len(name))
    if host.protected_services and not host.protected:
        message = f"{pattern} has protected services, so it is protected"
        hint = "leave 'protected' out, or empty 'protected_services'"
        yield Problem(message, place(document, (*path, "protected")), hint, len("false"))

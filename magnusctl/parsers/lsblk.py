"""The block devices of a host: `lsblk -J`, or lsblk as a table or as pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import count, decimal, documents, refusal, switch, words
from magnusctl.parsers.lsblk_table import rows

_UNITS = {unit: 1024**power for power, unit in enumerate("BKMGTPE")}
_DEEPEST = 20


@dataclass(frozen=True)
class Device:
    """`size_bytes` is rounded as lsblk did where it printed a unit; `size` is as printed."""

    name: str
    type: str | None = None
    size_bytes: int | None = None
    mountpoints: tuple[str, ...] = ()
    fstype: str | None = None
    label: str | None = None
    model: str | None = None
    rota: bool | None = None
    children: tuple[Device, ...] = ()
    uuid: str | None = None
    serial: str | None = None
    transport: str | None = None
    removable: bool | None = None
    read_only: bool | None = None
    size: int | str | None = None


def parse(text: str) -> tuple[Device, ...]:
    """The devices at the top, each with those that are parts of it."""
    for document in documents(text):
        if isinstance(document, dict) and isinstance(document.get("blockdevices"), list):
            return _devices(document["blockdevices"])
    return _devices(rows(text))


def _devices(entries: object, depth: int = 0) -> tuple[Device, ...]:
    """The entries that have a name; nothing deeper than any stack of devices goes."""
    listed = entries if isinstance(entries, list) and depth < _DEEPEST else []
    return tuple(
        _device({str(key).lower(): value for key, value in entry.items()}, depth)
        for entry in listed
        if isinstance(entry, dict) and words(entry.get("name"))
    )


def _device(entry: Mapping[str, Any], depth: int) -> Device:
    """One entry, whichever version of lsblk wrote it."""
    size = entry.get("size")
    return Device(
        name=str(entry["name"]).strip(),
        type=words(entry.get("type")),
        size_bytes=size_of(size),
        mountpoints=_mountpoints(entry),
        fstype=words(entry.get("fstype")),
        label=words(entry.get("label")),
        model=words(entry.get("model")),
        rota=switch(entry.get("rota")),
        children=_devices(entry.get("children"), depth + 1),
        uuid=words(entry.get("uuid")),
        serial=words(entry.get("serial")),
        transport=words(entry.get("tran")),
        removable=switch(entry.get("rm")),
        read_only=switch(entry.get("ro")),
        size=size if isinstance(size, int) else words(size),
    )


def size_of(cell: object) -> int | None:
    """Bytes of 274877906944, "274877906944", "238.5G" or "1,8T"; None for any other cell."""
    number = count(cell)
    if number is not None or not isinstance(cell, str):
        return number
    match = re.fullmatch(r"\s*(\d{1,20}(?:[.,]\d{1,9})?)\s?([BKMGTPE])(?:iB)?\s*", cell)
    value = decimal(match[1]) if match else None
    return None if match is None or value is None else round(value * _UNITS[match[2]])


def _mountpoints(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a device is mounted; older versions tell one place, newer ones a list."""
    told = entry.get("mountpoints")
    places = told if isinstance(told, list) else [told or entry.get("mountpoint")]
    return tuple(place for place in map(words, places) if place)


def every(devices: tuple[Device, ...]) -> Iterator[Device]:
    """The devices and all that are parts of them."""
    for one in devices:
        yield one
        yield from every(one.children)


def _plain(one: Device) -> Facts:
    """A device as plain values, its parts by name."""
    values = {**vars(one), "mountpoints": [*one.mountpoints]}
    return {**values, "children": [child.name for child in one.children]}


def facts(text: str) -> Facts:
    """Names at the top; name and printed size of the disks; all that is told, by name."""
    found = parse(text)
    known = [*every(found)]
    return {
        "devices": [one.name for one in found],
        "disks": [[one.name, one.size] for one in found if one.type == "disk"],
        "mountpoints": {one.name: [*one.mountpoints] for one in known if one.mountpoints},
        "by_name": {one.name: _plain(one) for one in known},
        "error": None if found else refusal(text),
    }

"""An inventory in words, as JSON and as a graph."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator, Mapping

from magnusctl.inventory.model import Host, Inventory
from magnusctl.inventory.select import variables_of
from magnusctl.inventory.units import format_bits_per_second, format_bytes
from magnusctl.inventory.validate import warnings


def checked(inventory: Inventory, counts: Mapping[str, int], file: str, *, json: bool) -> str:
    """What `inventory check` says of an inventory that is right."""
    notes = warnings(inventory)
    if json:
        document = {
            "schema": 1,
            "type": "inventory-check",
            "file": file,
            "resources": dict(counts),
            "warnings": notes,
        }
        return json_module.dumps(document, sort_keys=True)
    total = sum(counts.values())
    found = {"host": len(counts), "link": len(inventory.links), "resource": total}
    told = [f"{number} {noun}{'' if number == 1 else 's'}" for noun, number in found.items()]
    lines = [f"{file}: {', '.join(told)}: ok"]
    return "\n".join([*(f"warning: {note}" for note in notes), *lines])


def as_json(inventory: Inventory) -> str:
    """Everything as understood: ranges expanded, variables merged, units as numbers."""
    document = inventory.model_dump(mode="json", exclude_none=True)
    for name, group in inventory.groups.items():
        own = group.variables.model_dump(mode="json", exclude_unset=True)
        document["groups"][name]["variables"] = own
    for name in inventory.hosts:
        document["hosts"][name]["groups"] = inventory.groups_of(name)
        document["hosts"][name]["variables"] = variables_of(inventory, name).model_dump(mode="json")
    document = {"schema": 1, "type": "inventory", **document}
    return json_module.dumps(document, indent=1, sort_keys=True)


def as_text(inventory: Inventory) -> str:
    """A line or two for every host, then the links and windows."""
    lines = [f"cluster {inventory.cluster}"]
    width = max(len(name) for name in inventory.hosts) + 2
    for name, host in inventory.hosts.items():
        lines.append(f"{name:<{width}}{host.os:<14}{', '.join(host.roles) or 'no roles'}")
        lines += [f"{'':<{width}}{text}" for text in _facts(inventory, name, host)]
    if inventory.links:
        lines.append("links")
    for name, link in inventory.links.items():
        ends = " – ".join(f"{host} {end.address}" for host, end in link.ends.items())
        speed = format_bits_per_second(link.speed)
        lines.append(f"  {name:<12} {link.kind} {speed} mtu {link.mtu}   {ends}")
    return "\n".join([*lines, *_windows(inventory)])


def _windows(inventory: Inventory) -> Iterator[str]:
    if inventory.windows:
        yield "windows"
    for name, window in inventory.windows.items():
        hours = f"{window.begins}–{window.ends} {window.timezone}"
        note = f"   {window.note}" if window.note else ""
        yield f"  {name:<12} {' '.join(window.days)} {hours}{note}"


def _facts(inventory: Inventory, name: str, host: Host) -> Iterator[str]:
    where = "this machine" if host.connection == "local" else f"ssh {host.address or name}"
    marks = [where, *(["protected"] if host.protected else []), host.location, host.engine or ""]
    groups = inventory.groups_of(name)
    marks += [f"groups {', '.join(groups)}"] if groups else []
    marks += [f"freeze {', '.join(host.freeze)}"] if host.freeze else []
    marks += [f"maintenance {', '.join(host.maintenance)}"] if host.maintenance else []
    yield ", ".join(mark for mark in marks if mark)
    hardware = host.hardware
    parts = [hardware.cpu, f"{hardware.cores} cores" if hardware.cores else ""]
    parts += [f"{format_bytes(hardware.memory)} memory"] if hardware.memory else []
    parts += [f"{gpu.name} {format_bytes(gpu.memory)}" for gpu in hardware.gpus]
    parts += [f"{disk.name} {format_bytes(disk.size)}" for disk in hardware.disks]
    shown = ", ".join(part for part in parts if part)
    if shown:
        yield shown


def graph(inventory: Inventory) -> str:
    """A Mermaid graph of hosts and links."""
    ids = {name: f"h{number}" for number, name in enumerate(inventory.hosts)}
    lines = ["graph LR"]
    for name, host in inventory.hosts.items():
        engine = f"<br/>{host.engine}" if host.engine else ""
        lines.append(f'  {ids[name]}["{name}<br/>{host.os}{engine}"]')
    for name, link in inventory.links.items():
        one, two = link.ends
        speed = format_bits_per_second(link.speed)
        lines.append(f'  {ids[one]} ---|"{name}: {speed}"| {ids[two]}')
    return "\n".join(lines)

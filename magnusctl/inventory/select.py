"""Which hosts are meant, and what each of them is once its groups are counted in."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from magnusctl.errors import InputError
from magnusctl.inventory.model import Group, Host, Inventory
from magnusctl.inventory.ranges import address_of, expand
from magnusctl.inventory.specs import Resources
from magnusctl.inventory.units import PARSED
from magnusctl.inventory.variables import Variables


def select(inventory: Inventory, pattern: str, what: str = "--limit") -> list[str]:
    """Hosts for `rtx3090,@gpu,edge-*,!linode`, in the order of the inventory.

    Raises InputError for a part that matches nothing.
    """
    chosen: set[str] = set()
    dropped: set[str] = set()
    for part in (piece.strip() for piece in pattern.split(",")):
        into = dropped if part.startswith("!") else chosen
        into |= _matching(inventory, part.removeprefix("!"))
    if dropped and not chosen:
        chosen = set(inventory.hosts)
    hosts = [host for host in inventory.hosts if host in chosen - dropped]
    if not hosts:
        raise InputError(f"no host is left by {what} '{pattern}'")
    return hosts


def _matching(inventory: Inventory, part: str) -> set[str]:
    if part.startswith("@"):
        group = inventory.groups.get(part[1:])
        if group is None:
            known = ", ".join(f"@{name}" for name in inventory.groups) or "none"
            raise InputError(f"there is no group '{part}'", hint=f"Groups: {known}")
        return set(group.hosts)
    found = _in_range(inventory, part) or set(fnmatch.filter(inventory.hosts, part))
    if not found:
        raise InputError(f"no host matches '{part}'", hint=f"Hosts: {', '.join(inventory.hosts)}")
    return found


def _in_range(inventory: Inventory, part: str) -> set[str]:
    """The hosts of `gpu[02:03]`, as the inventory writes it; nothing for any other pattern."""
    try:
        named = {name for name, number in expand(part) if number}
    except ValueError:
        return set()
    return named & set(inventory.hosts)


def expand_ranges(inventory: Inventory) -> Inventory:
    """Every host and every group member under a name of its own."""
    hosts = {
        name: _numbered(host, number)
        for pattern, host in inventory.hosts.items()
        for name, number in expand(pattern)
    }
    groups = {name: _expanded(group) for name, group in inventory.groups.items()}
    return inventory.model_copy(update={"hosts": hosts, "groups": groups})


def _numbered(host: Host, number: str) -> Host:
    if not number or not host.address:
        return host
    return host.model_copy(update={"address": address_of(host.address, number)})


def _expanded(group: Group) -> Group:
    names = tuple(name for pattern in group.hosts for name, _ in expand(pattern))
    return group.model_copy(update={"hosts": names})


def variables_of(inventory: Inventory, host: str) -> Variables:
    """A host's variables. Precedence, lowest first: the defaults, those of all, of each group in
    the order of the inventory, of the host. Mappings merge key by key; lists and plain values
    replace."""
    layers = [
        inventory.variables,
        *(inventory.groups[group].variables for group in inventory.groups_of(host)),
        inventory.hosts[host].variables,
    ]
    merged: dict[str, Any] = Variables.model_validate({}).model_dump()
    for layer in layers:
        merged = _merge(merged, layer.model_dump(exclude_unset=True))
    return Variables.model_validate(merged, context=PARSED)


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def resources_of(inventory: Inventory, host: str) -> list[tuple[str, Resources]]:
    """The declared resources of a host's groups and of itself, each with who declares them."""
    groups = [(f"group {g}", inventory.groups[g].resources) for g in inventory.groups_of(host)]
    return [*groups, (f"host {host}", inventory.hosts[host].resources)]

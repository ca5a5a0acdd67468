"""The network interfaces of a host as text: `ip addr`, also with -o, -s, -d, -br or -c."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from magnusctl.parsers import Facts
from magnusctl.parsers.ip_json import Interface, mac
from magnusctl.parsers.linux_cells import lines, refusal

_NAME = r"([^\s:@]{1,40})(?:@([^\s:]{1,40}))?"
_HEAD = re.compile(rf"\s*\d{{1,9}}:\s+{_NAME}:\s+<([^>]*)>\s+mtu\s+(\d{{1,9}})\s(.*)")
_ONE_LINE = re.compile(rf"\s*\d{{1,9}}:\s+{_NAME}\s+(inet6?\s.*)")
_STATES = "UP|DOWN|UNKNOWN|LOWERLAYERDOWN|DORMANT|NOTPRESENT|TESTING"
_STATE = re.compile(rf"\bstate ({_STATES})(?:\s|$)")
_BRIEF = re.compile(rf"\s*{_NAME}\s+({_STATES})(?:\s+(.*))?")
_ADDRESS = re.compile(r"\s*(inet6?)\s+([0-9A-Fa-f:.]{2,45})(?:/(\d{1,3}))?\s+(.*\bscope\s.*)")
_LINK = re.compile(r"\s*link/(\S{1,30})(?:\s+(\S{1,80}))?")


def parse(text: str) -> Mapping[str, Interface]:
    """The interfaces by name, in their order; the part of a name behind @ is the parent."""
    found: dict[str, Interface] = {}
    last: str | None = None
    # With -o a backslash stands where a line would end.
    every = [part for whole in lines(text) for part in whole.split("\\")]
    for at, line in enumerate(every, 1):
        if head := _HEAD.fullmatch(line):
            if at == len(every) and not _STATE.search(line):
                break
            last = head[1]
            found[last] = _headed(head, found.get(last))
        elif one := _ONE_LINE.fullmatch(line):
            last = one[1]
            found[last] = _with_address(found.get(last) or Interface(last, parent=one[2]), one[3])
        elif brief := _BRIEF.fullmatch(line):
            last = None
            found[brief[1]] = _brief(brief, found.get(brief[1]))
        elif last:
            found[last] = _with_address(_with_link(found[last], line), line)
    return found


def _headed(head: re.Match[str], known: Interface | None) -> Interface:
    """The first line of an interface, which may have been seen with -o before."""
    state = _STATE.search(head[5])
    return replace(
        known or Interface(head[1]),
        operstate=state[1] if state else None,
        mtu=int(head[4]),
        flags=tuple(head[3].split(",")),
        parent=head[2],
    )


def _with_link(one: Interface, line: str) -> Interface:
    """The interface with the address of its hardware."""
    match = _LINK.match(line)
    return replace(one, mac=mac(match[2])) if match else one


def _with_address(one: Interface, line: str) -> Interface:
    """The interface with one more address; a peer's prefix is that of the address."""
    match = _ADDRESS.fullmatch(line)
    if not match:
        return one
    peer = re.match(r"peer \S{1,50}/(\d{1,3})", match[4])
    prefix = match[3] or (peer[1] if peer else None)
    if prefix is None:
        return one
    address = f"{match[2]}/{prefix}"
    if match[1] == "inet":
        return replace(one, ipv4=(*one.ipv4, address))
    return replace(one, ipv6=(*one.ipv6, address))


def _brief(brief: re.Match[str], known: Interface | None) -> Interface:
    """A row of `ip -br addr` or `ip -br link`."""
    cells = (brief[4] or "").split()
    addresses = [cell for cell in cells if re.fullmatch(r"[0-9A-Fa-f:.]{2,45}/\d{1,3}", cell)]
    flags = next((cell[1:-1] for cell in cells if re.fullmatch(r"<\S{1,300}>", cell)), "")
    return replace(
        known or Interface(brief[1]),
        operstate=brief[3],
        parent=brief[2],
        mac=next(filter(None, map(mac, cells)), known.mac if known else None),
        ipv4=tuple(cell for cell in addresses if ":" not in cell),
        ipv6=tuple(cell for cell in addresses if ":" in cell),
        flags=tuple(flags.split(",")) if flags else known.flags if known else (),
    )


def full_name(one: Interface) -> str:
    """The name as ip prints it, as macvlan0@eth0."""
    return f"{one.name}@{one.parent}" if one.parent else one.name


def facts(text: str) -> Facts:
    """Names as printed, and what is told of each under the name alone; `mtu` is text.

    `up` are those whose state is told as UP: old versions of ip print none.
    """
    found = parse(text)
    if not found:
        return {"error": refusal(text), "interfaces": [], "up": [], "mtu": {}}
    every = [*found.values()]
    return {
        "interfaces": [full_name(one) for one in every],
        "up": [full_name(one) for one in every if one.operstate == "UP"],
        "mtu": {one.name: str(one.mtu) for one in every if one.mtu is not None},
        "state": {one.name: one.operstate for one in every},
        "mac": {one.name: one.mac for one in every},
        "ipv4": {one.name: [*one.ipv4] for one in every},
        "ipv6": {one.name: [*one.ipv6] for one in every},
    }

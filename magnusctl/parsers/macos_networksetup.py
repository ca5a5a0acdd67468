"""`networksetup`: the addresses of a service, and the lists of ports and services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, integer, plain_lines

_CONFIG = re.compile(r"\s{0,40}([A-Z][A-Za-z ]{2,40}?) Configuration")
_NUMBERED = re.compile(r"\s{0,40}\((\*|[0-9]{1,4})\) (\S.{0,120})")
_PORT_OF = re.compile(r"\s{0,40}\(Hardware Port: (.{1,120}?), Device: ?([^,()]{0,30})\)")
_DEVICE = re.compile(r"[A-Za-z][A-Za-z_]{0,14}[0-9]{1,4}(?:\.[0-9]{1,4})?")
_IPV4 = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_MTU = re.compile(r"Active MTU: ([0-9]{1,6}) \(Current Setting: ([0-9]{1,6})\)")
_REFUSED = re.compile(r"is not a recognized|Unable to find|could not be found|Error obtaining")
_DISABLED = "An asterisk (*) denotes that a network service is disabled."
_NOTHING = {"", "none", "(null)", "(none)", "n/a"}


@dataclass(frozen=True)
class Info:
    """The addresses of a service: config is as it is set, as Manual or DHCP."""

    config: str | None = None
    ip: str | None = None
    mask: str | None = None
    router: str | None = None
    ipv6: str | None = None
    mac: str | None = None


@dataclass(frozen=True)
class Port:
    """A hardware port and the device behind it."""

    name: str
    device: str
    mac: str | None = None


@dataclass(frozen=True)
class Service:
    """A network service; port and device are None in the plain list."""

    name: str
    enabled: bool
    port: str | None = None
    device: str | None = None


def parse_info(text: str) -> Info:
    """The answer of `networksetup -getinfo SERVICE`."""
    lines = plain_lines(text)
    pairs = _pairs(lines)
    config = next(filter(None, map(_CONFIG.fullmatch, lines)), None)
    told = {key: None if value.lower() in _NOTHING else value for key, value in pairs.items()}
    hardware = (value for key, value in told.items() if re.fullmatch(r"\S{1,20} (ID|Address)", key))
    return Info(
        config[1] if config else None,
        _address(told.get("IP address")),
        _address(told.get("Subnet mask")),
        _address(told.get("Router")),
        told.get("IPv6"),
        next((value for value in hardware if value and value.count(":") == 5), None),
    )


def parse_ports(text: str) -> tuple[Port, ...]:
    """The list of `networksetup -listallhardwareports`."""
    return tuple(_ports(plain_lines(text)))


def parse_services(text: str) -> tuple[Service, ...]:
    """The list of -listnetworkserviceorder, or of -listallnetworkservices."""
    lines = plain_lines(text)
    return tuple(_ordered(lines)) or tuple(_named(lines))


def parse(text: str) -> Info | tuple[Port, ...] | tuple[Service, ...]:
    """Whichever of the answers it is."""
    return parse_ports(text) or parse_services(text) or parse_info(text)


def facts(text: str) -> Facts:
    """The facts of every kind of answer; ports is a map from device to port."""
    lines = plain_lines(text)
    info, ports, services = parse_info(text), parse_ports(text), parse_services(text)
    mtu = _MTU.search(text)
    return {
        **{name: getattr(info, name) for name in Info.__dataclass_fields__},
        "ports": {port.device: port.name for port in ports} or None,
        "macs": {port.device: port.mac for port in ports} or None,
        "services": len(services) if services else None,
        "names": [service.name for service in services] or None,
        "disabled": [one.name for one in services if not one.enabled] if services else None,
        "devices": {one.name: one.device for one in services} or None,
        "mtu": int(mtu[1]) if mtu else None,
        "mtu_setting": int(mtu[2]) if mtu else None,
        **_media(lines),
        "error": _error(lines),
    }


def _pairs(lines: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.strip().partition(":")
        if colon:
            pairs.setdefault(key.strip(), value.strip())
    return pairs


def _address(value: str | None) -> str | None:
    return value if _IPV4.fullmatch(value or "") else None


def _ports(lines: list[str]) -> Iterator[Port]:
    name = ""
    for at, line in enumerate(lines):
        key, _, value = line.strip().partition(": ")
        if key == "Hardware Port":
            name = value.strip()
        elif key == "Device" and name and _DEVICE.fullmatch(value.strip()):
            after = lines[at + 1].strip() if at + 1 < len(lines) else ""
            mac = after.removeprefix("Ethernet Address:").strip()
            yield Port(name, value.strip(), mac if mac.count(":") == 5 else None)
            name = ""


def _ordered(lines: list[str]) -> Iterator[Service]:
    for line, after in pairwise(lines):
        service, port = _NUMBERED.fullmatch(line), _PORT_OF.fullmatch(after)
        if service and port:
            enabled = service[1] != "*" and not service[2].startswith("*")
            name = service[2].removeprefix("*").strip()
            yield Service(name, enabled, port[1], port[2].strip() or None)


def _named(lines: list[str]) -> Iterator[Service]:
    """The names below the heading; a star before a name is no part of it."""
    plain = [line.strip() for line in lines]
    if _DISABLED not in plain:
        return
    for name in plain[plain.index(_DISABLED) + 1 :]:
        if not name or _NUMBERED.match(name):
            return
        yield Service(name.removeprefix("*").strip(), not name.startswith("*"))


def _media(lines: list[str]) -> Facts:
    """The answer of -getmedia."""
    pairs = _pairs(lines)
    both = "Current" in pairs and "Active" in pairs
    return {
        "media_setting": pairs["Current"] or None if both else None,
        "media_active": pairs["Active"] or None if both else None,
        "vlans": [tag for tag in (integer(line.partition("Tag: ")[2]) for line in lines) if tag],
    }


def _error(lines: list[str]) -> str | None:
    refused = (line.strip() for line in lines if _REFUSED.search(line))
    return next(refused, None) or complaint(lines, "networksetup")

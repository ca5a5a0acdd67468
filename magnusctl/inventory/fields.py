"""The field types of an inventory: names and texts with a grammar of their own."""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from magnusctl.inventory.ranges import expand

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def octal_mode(value: object) -> object:
    """Four octal digits as text. Raises ValueError for anything else."""
    if isinstance(value, int) and re.fullmatch(r"[0-7]{3,4}", str(value)):
        raise ValueError(f"a mode is quoted octal: write '{value:0>4}', with the quotes")
    if not isinstance(value, str) or not re.fullmatch(r"[0-7]{4}", value):
        raise ValueError("a mode is four octal digits in quotes, as '0644'")
    return value


def _single_line(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("a control character or newline is not allowed here")
    return value


def plain_path(value: str) -> str:
    """An absolute path without detours. Raises ValueError for anything else."""
    if not value.startswith("/"):
        raise ValueError("expected an absolute path")
    # One thing has one name: what can cut a host off is known by it.
    if value != "/" and not {"", ".", ".."}.isdisjoint(value[1:].split("/")):
        raise ValueError("expected a plain path, without '..', '.', '//' or '/' at its end")
    return _single_line(value)


def _host(value: str, what: str = "a host name") -> str:
    if len(value) > 63:
        raise ValueError(f"{what} has at most 63 characters")
    if not _HOST.fullmatch(value):
        raise ValueError(
            f"{what} has letters, digits, '.', '_' and '-', and starts and ends with none of "
            "those signs"
        )
    return value


def _label(value: str) -> str:
    return _host(value, "a name")


def _host_pattern(value: str) -> str:
    for name, _ in expand(value):
        _host(name)
    return value


def _address(value: str) -> str:
    if ":" in value or re.fullmatch(r"[0-9.]+", value):
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            port = re.fullmatch(r"[^:]+:[0-9]+", value)
            hint = " | the port goes into 'port'" if port else ""
            raise ValueError(f"'{value}' is not an IP address{hint}") from None
    return _host(value.replace("{n}", "0")) and value


def _interface(value: str) -> str:
    try:
        interface = ipaddress.IPv4Interface(value)
    except ValueError:
        raise ValueError("expected an IPv4 address with its prefix, as '10.0.0.2/24'") from None
    if "/" not in value:
        raise ValueError(f"the prefix is missing: write it as '{value}/24'")
    network = interface.network
    if network.prefixlen < 31 and interface.ip == network.network_address:
        raise ValueError(f"{interface.ip} is the network itself, not an address in it")
    if network.prefixlen < 31 and interface.ip == network.broadcast_address:
        raise ValueError(f"{interface.ip} is the broadcast address of {network}")
    return str(interface)


def _network(value: str) -> str:
    try:
        return str(ipaddress.IPv4Network(value))
    except ValueError:
        raise ValueError("expected an IPv4 network, as '10.0.0.0/24', or an address") from None


def _forwards(value: str) -> str:
    for part in value.split(","):
        first, _, last = part.partition("-")
        if last and int(last) < int(first):
            raise ValueError(f"'{part}' runs backwards: write it as '{last}-{first}'")
    return value


def _date(value: object) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("expected a date, as '2026-12-25'")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"no calendar has the day {value}") from None


def matching(pattern: str, wanted: str) -> AfterValidator:
    """A check that all of a text matches; `wanted` says so in words."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"expected {wanted}")
        return value

    return AfterValidator(check)


Mode = Annotated[
    str, BeforeValidator(octal_mode), WithJsonSchema({"type": "string", "pattern": "^[0-7]{4}$"})
]
Line = Annotated[str, AfterValidator(_single_line)]
AbsolutePath = Annotated[str, AfterValidator(plain_path)]
HostName = Annotated[str, AfterValidator(_host)]
Comment = Annotated[Line, matching("[^:]*", "a comment without ':', which ends it in passwd")]
Label = Annotated[str, AfterValidator(_label)]
HostPattern = Annotated[str, AfterValidator(_host_pattern)]
Address = Annotated[str, AfterValidator(_address)]
Interface = Annotated[str, AfterValidator(_interface)]
Clock = Annotated[
    str,
    matching(
        r"([01][0-9]|2[0-3]):[0-5][0-9]",
        "a time of day with two digits each, '00:00' to '23:59'",
    ),
]
ClockEnd = Annotated[
    str, matching(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", "a time of day, '00:00' to '24:00'")
]
Date = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Port = Annotated[int, Field(ge=1, le=65535)]
Mac = Annotated[
    str,
    matching(
        r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", "a MAC address in small letters, as 'a0:36:9f:12:34:56'"
    ),
]
Network = Annotated[str, AfterValidator(_network)]
Sha256 = Annotated[str, matching(r"[0-9a-f]{64}", "a SHA-256: 64 digits and letters a to f")]
Url = Annotated[
    str,
    matching(r"(https?://|file:///)[A-Za-z0-9._~:/?#@!$&()*+,;=%\[\]-]+", "a URL, as 'https://…'"),
]
Cpus = Annotated[
    str,
    matching(
        r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*",
        "CPUs by number, in quotes, as '2-7' or '0,4-5'",
    ),
    AfterValidator(_forwards),
]
Version = Annotated[str, matching(r"[A-Za-z0-9.+:~*_-]+", "a version, as '12.6' or '580.*'")]
Device = Annotated[str, matching(r"[A-Za-z][A-Za-z0-9_.-]{0,14}", "an interface name, as 'en0'")]
UserName = Annotated[str, matching(r"[a-z_][a-z0-9_-]{0,31}", "a user or group name, as 'magnus'")]
LoginName = Annotated[str, matching(r"[A-Za-z_][A-Za-z0-9._@\\-]*", "a login name, as 'me'")]
GroupName = Annotated[
    str, matching(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", "a group name: letters, digits, '_' and '-'")
]
Member = Annotated[
    str, matching(r"@login|[a-z_][a-z0-9_-]{0,31}", "a user name, or '@login' for whoever logs in")
]
PackageName = Annotated[str, matching(r"[a-z0-9][a-z0-9+.@_-]*", "a package name, as 'iperf3'")]
Unit = Annotated[str, matching(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*", "a unit name, as 'chrony'")]
SysctlKey = Annotated[
    str, matching(r"[a-z0-9_]+(\.[A-Za-z0-9_-]+)+", "a key, as 'net.core.rmem_max'")
]
PublicKey = Annotated[
    str,
    matching(
        r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-\S+)"
        r" [A-Za-z0-9+/]+=*( [^\x00-\x1f]*)?",
        "one line of a public key file, as 'ssh-ed25519 AAAA… you@laptop'",
    ),
]

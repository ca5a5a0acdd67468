"""The field types of an inventory: names and texts with a grammar of their own."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from magnusctl.inventory.ranges import expand

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def _octal(value: object) -> object:
    if isinstance(value, int) and re.fullmatch(r"[0-7]{3,4}", str(value)):
        raise ValueError(f"a mode is quoted octal: write '{value:0>4}', with the quotes")
    if not isinstance(value, str) or not re.fullmatch(r"[0-7]{4}", value):
        raise ValueError("a mode is four octal digits in quotes, as '0644'")
    return value


def _single_line(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("a control character or newline is not allowed here")
    return value


def _path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("expected an absolute path")
    if "/../" in f"{value}/" or "//" in value or (value.endswith("/") and value != "/"):
        raise ValueError("expected a plain path, without '..', '//' or '/' at its end")
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


def _matching(pattern: str, wanted: str) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"expected {wanted}")
        return value

    return AfterValidator(check)


Mode = Annotated[
    str, BeforeValidator(_octal), WithJsonSchema({"type": "string", "pattern": "^[0-7]{4}$"})
]
Line = Annotated[str, AfterValidator(_single_line)]
AbsolutePath = Annotated[str, AfterValidator(_path)]
HostName = Annotated[str, AfterValidator(_host)]
Comment = Annotated[Line, _matching("[^:]*", "a comment without ':', which ends it in passwd")]
Label = Annotated[str, AfterValidator(_label)]
HostPattern = Annotated[str, AfterValidator(_host_pattern)]
Address = Annotated[str, AfterValidator(_address)]
Interface = Annotated[str, AfterValidator(_interface)]
Port = Annotated[int, Field(ge=1, le=65535)]
Mac = Annotated[
    str,
    _matching(
        r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", "a MAC address in small letters, as 'a0:36:9f:12:34:56'"
    ),
]
Device = Annotated[str, _matching(r"[A-Za-z][A-Za-z0-9_.-]{0,14}", "an interface name, as 'en0'")]
UserName = Annotated[str, _matching(r"[a-z_][a-z0-9_-]{0,31}", "a user or group name, as 'magnus'")]
LoginName = Annotated[str, _matching(r"[A-Za-z_][A-Za-z0-9._@\\-]*", "a login name, as 'me'")]
GroupName = Annotated[
    str, _matching(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", "a group name: letters, digits, '_' and '-'")
]
Member = Annotated[
    str, _matching(r"@login|[a-z_][a-z0-9_-]{0,31}", "a user name, or '@login' for whoever logs in")
]
PackageName = Annotated[str, _matching(r"[a-z0-9][a-z0-9+.@_-]*", "a package name, as 'iperf3'")]
Unit = Annotated[
    str, _matching(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*", "a unit name, as 'chrony'")
]
SysctlKey = Annotated[
    str, _matching(r"[a-z0-9_]+(\.[A-Za-z0-9_-]+)+", "a key, as 'net.core.rmem_max'")
]
PublicKey = Annotated[
    str,
    _matching(
        r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-\S+)"
        r" [A-Za-z0-9+/]+=*( [^\x00-\x1f]*)?",
        "one line of a public key file, as 'ssh-ed25519 AAAA… you@laptop'",
    ),
]

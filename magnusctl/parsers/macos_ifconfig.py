"""`ifconfig` of macOS: links, their rates and their addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, plain_lines, rate_bps

_HEAD = re.compile(r"\s{0,40}([A-Za-z][\w.-]{0,30}): flags=[0-9a-fA-F]{1,16}<([^>]{0,400})>(.*)")
_MTU = re.compile(r"\bmtu ([0-9]{1,9})\b")
_IPV4 = re.compile(
    r"inet ((?:[0-9]{1,3}\.){3}[0-9]{1,3})"
    r"(?:/([0-9]{1,2})| (?:--> \S{1,40} )?netmask (\S{7,15}))(?: |$)"
)
_BROADCAST = re.compile(r"broadcast ((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?: |$)")
_IPV6 = re.compile(r"inet6 ([0-9a-fA-F:.]{2,45}(?:%\S{1,30})?) (?:--> \S{1,60} )?prefixlen [0-9]")
_ETHER = re.compile(r"(?:ether|lladdr) ((?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2})")
_MEMBER = re.compile(r"member: (\S{1,30}) flags=")
_CHOSEN = re.compile(r".{1,80}? \((.{1,80})\)")
_OPTIONS = re.compile(r"(\S.{0,80}?)\s{1,9}<([^>]{0,80})>")
_BASE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,2})?)\s?([GM]?)\s?base", re.IGNORECASE)
_STATUS = {"active", "inactive", "no carrier", "associated", "unknown"}


@dataclass(frozen=True)
class Interface:
    """A network interface; what its lines do not tell is None, or empty.

    media is what is in use, as `10Gbase-T`, else what is configured; bps is its rate in bit/s, and
    None where the words of the media have none, as of Wi-Fi. duplex is full or half, mtu in bytes.
    netmask and prefix belong to the first address.
    """

    name: str
    status: str | None = None
    media: str | None = None
    bps: int | None = None
    duplex: str | None = None
    mtu: int | None = None
    ipv4: tuple[str, ...] = ()
    netmask: str | None = None
    members: tuple[str, ...] = ()
    prefix: int | None = None
    broadcast: str | None = None
    ipv6: tuple[str, ...] = ()
    mac: str | None = None
    flags: tuple[str, ...] = ()


def parse(text: str) -> Mapping[str, Interface]:
    """The interfaces by name, in the order of the output."""
    return {block[0][0]: _interface(*block) for block in _blocks(plain_lines(text))}


def facts(text: str) -> Facts:
    """The names, and under each name the facts of its interface; its first IPv4 address is ipv4."""
    interfaces = parse(text)
    return {
        "error": complaint(plain_lines(text), "ifconfig"),
        "interfaces": list(interfaces),
        **{name: _facts(one) for name, one in interfaces.items()},
    }


def _facts(one: Interface) -> Facts:
    return {
        "status": one.status,
        "media": one.media,
        "bps": one.bps,
        "duplex": one.duplex,
        "mtu": one.mtu,
        "ipv4": one.ipv4[0] if one.ipv4 else None,
        "ipv4s": list(one.ipv4),
        "netmask": one.netmask,
        "prefix": one.prefix,
        "broadcast": one.broadcast,
        "ipv6": list(one.ipv6),
        "members": list(one.members),
        "ether": one.mac,
        "flags": list(one.flags),
        "up": "UP" in one.flags,
    }


def _blocks(lines: list[str]) -> Iterator[tuple[tuple[str, str, str], list[str]]]:
    head: tuple[str, str, str] | None = None
    block: list[str] = []
    for line in lines:
        match = _HEAD.match(line)
        if match:
            if head:
                yield head, block
            head, block = (match[1], match[2], match[3]), []
        else:
            block.append(line.strip())
    if head:
        yield head, block


def _interface(head: tuple[str, str, str], lines: list[str]) -> Interface:
    name, flags, rest = head
    # A long heading may be wrapped before its mtu.
    mtu = _MTU.search(rest) or (_MTU.match(lines[0]) if lines else None)
    media, duplex, status = _media(lines)
    addresses = list(filter(None, map(_IPV4.match, lines)))
    prefix = _prefix(addresses[0]) if addresses else None
    cast = next(filter(None, map(_BROADCAST.search, lines)), None)
    ether = next(filter(None, map(_ETHER.match, lines)), None)
    rate = next((line for line in lines if line.startswith("link rate: ")), None)
    return Interface(
        name,
        status,
        media,
        _bps(media) or rate_bps(rate),
        duplex,
        int(mtu[1]) if mtu else None,
        tuple(match[1] for match in addresses),
        _dotted(prefix),
        tuple(match[1] for match in map(_MEMBER.match, lines) if match),
        prefix,
        cast[1] if cast else None,
        tuple(match[1] for match in map(_IPV6.match, lines) if match),
        ether[1] if ether else None,
        tuple(filter(None, flags.split(","))),
    )


def _media(lines: list[str]) -> tuple[str | None, str | None, str | None]:
    """The media, duplex and status; an old ifconfig prints them in one line."""
    media = duplex = status = None
    for line in lines:
        words, _, behind = line.partition(" status: ")
        if words.startswith("media: "):
            media, duplex = _medium(words.removeprefix("media: ").strip())
        said = behind or (line.removeprefix("status: ") if line.startswith("status: ") else "")
        status = said.strip() if said.strip() in _STATUS else status
    return media, duplex, status


def _medium(words: str) -> tuple[str | None, str | None]:
    """Of `autoselect (1000baseT <full-duplex>)` the media in brackets, which is in use."""
    if words.count("(") != words.count(")") or words.count("<") != words.count(">"):
        return None, None
    chosen = _CHOSEN.fullmatch(words)
    inner = chosen[1].strip() if chosen else words
    match = _OPTIONS.fullmatch(inner)
    options = match[2] if match else ""
    duplex = next((mode for mode in ("full", "half") if f"{mode}-duplex" in options), None)
    return (match[1] if match else inner) or None, duplex


def _bps(media: str | None) -> int | None:
    match = _BASE.match(media or "")
    if not match:
        return None
    return round(float(match[1]) * (10**9 if match[2] in ("G", "g") else 10**6))


def _prefix(address: re.Match[str]) -> int | None:
    if address[2]:
        return int(address[2]) if int(address[2]) <= 32 else None
    mask = address[3]
    if re.fullmatch(r"0x[0-9a-fA-F]{8}", mask):
        bits = f"{int(mask, 16):032b}"
    elif re.fullmatch(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}", mask):
        bits = "".join(f"{int(part):08b}" for part in mask.split("."))
    else:
        return None
    ones = bits.rstrip("0")
    return len(ones) if len(bits) == 32 and "0" not in ones else None


def _dotted(prefix: int | None) -> str | None:
    if prefix is None:
        return None
    bits = (0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF
    return ".".join(str(bits >> shift & 255) for shift in (24, 16, 8, 0))

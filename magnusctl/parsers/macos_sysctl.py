"""`sysctl` of macOS: the names asked for and their values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, decimal, in_units, integer, plain_lines

_LINE = re.compile(r"\s{0,40}([A-Za-z][\w%-]{0,60}(?:\.[\w%-]{1,80}){1,8})(?::(?!\S)| ?=)\s?(.*)")
_SWAP = re.compile(
    r"total = ([0-9.,]{1,20})([KMGT])\s{1,9}used = ([0-9.,]{1,20})([KMGT])"
    r"\s{1,9}free = ([0-9.,]{1,20})([KMGT])"
)
_NO_OID = re.compile(r"sysctl: (?:unknown oid|top level name) '?([^'\s]{1,120})'?")
_MEGABYTES = {"K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0**2}
_SWAP_PARTS = ("total", "used", "free")
_ARM_TYPE = 0x0100000C
_USUAL = (
    *("hw.model", "hw.memsize", "hw.ncpu", "hw.logicalcpu", "hw.physicalcpu"),
    *("machdep.cpu.brand_string", "machdep.cpu.core_count"),
    *("iogpu.wired_limit_mb", "iogpu.dynamic_lwm"),
)


def parse(text: str) -> Mapping[str, str]:
    """The values by name; of a value that was just set, the new one."""
    matches = (_LINE.fullmatch(line) for line in plain_lines(text))
    return {match[1]: _new((match[2] or "").strip()) for match in matches if match}


def facts(text: str) -> Facts:
    """Each value by its name, an integer as a number; memory in GiB, swap in MiB."""
    values, lines = parse(text), plain_lines(text)
    unknown = [match[1] for match in map(_NO_OID.match, lines) if match]
    return {
        **dict.fromkeys(_USUAL),
        **{name: _plain(value) for name, value in values.items()},
        "apple_silicon": apple_silicon(values),
        "memory_gib": in_units(integer(values.get("hw.memsize")), 2**30),
        **_swap(text),
        "unknown_oids": unknown,
        "error": complaint(lines, "sysctl"),
    }


def apple_silicon(values: Mapping[str, str]) -> bool | None:
    """Whether it is a Mac of Apple silicon; None if none of the values tells."""
    brand = values.get("machdep.cpu.brand_string", "")
    # Under Rosetta the vendor is GenuineIntel and the brand is VirtualApple.
    if brand.startswith(("Apple ", "VirtualApple")) or values.get("hw.optional.arm64") == "1":
        return True
    if values.get("hw.machine") == "arm64" or values.get("hw.cputype") == str(_ARM_TYPE):
        return True
    told = ("machdep.cpu.vendor", "hw.cputype", "hw.machine")
    return False if brand or any(values.get(name) for name in told) else None


def _new(value: str) -> str:
    before, arrow, after = value.partition(" -> ")
    return after.strip() if arrow and integer(before) is not None else value


def _plain(value: str) -> object:
    count = integer(value)
    return value if count is None else count


def _swap(text: str) -> Facts:
    match = _SWAP.search(text)
    cells = zip(match.groups()[::2], match.groups()[1::2], strict=True) if match else ()
    sizes = [_megabytes(number, unit) for number, unit in cells] or [None] * 3
    return {
        **{f"swap_{name}_mb": size for name, size in zip(_SWAP_PARTS, sizes, strict=True)},
        "swap_encrypted": "(encrypted)" in text[match.end() :][:40] if match else None,
    }


def _megabytes(number: str, unit: str) -> float | None:
    # sysctl prints the decimals of the user's language.
    value = decimal(number)
    return None if value is None else value * _MEGABYTES[unit]

"""Words that several tools of macOS share: sizes, rates, settings and complaints."""

from __future__ import annotations

import re
from collections.abc import Iterable

from magnusctl.parsers.cells import lines_of

_ANSI = re.compile(r"\x1b\[[0-9;?]{0,24}[A-Za-z]")
_WHOLE = re.compile(r"[-+]?[0-9]{1,20}")
_DECIMAL = re.compile(r"[0-9]{0,18}(?:[.,][0-9]{1,9})?")
_SIZE = re.compile(r"([0-9]{1,15}(?:[.,][0-9]{1,6})?)\s?([KMGTP])i?B?(?![A-Za-z])")
_RATE = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,6})?)\s?([KMGT])b(?:/s|ps|it/s)")
_STEPS = "KMGTP"


def plain_lines(text: str) -> list[str]:
    """The lines of an output without colours."""
    return lines_of(_ANSI.sub("", text).lstrip("\ufeff"))


def integer(value: object) -> int | None:
    """The value of a cell that is wholly an integer, as a number of JSON or as text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**20 else None
    plain = value.strip()
    return int(plain) if _WHOLE.fullmatch(plain) else None


def decimal(text: str) -> float | None:
    """The value of a cell that is wholly a number, with a point or a comma."""
    plain = text.strip()
    if not plain or not _DECIMAL.fullmatch(plain):
        return None
    return float(plain.replace(",", "."))


def tidy(value: float) -> int | float:
    """A whole number as an int, any other rounded to three places."""
    return int(value) if value == int(value) else round(value, 3)


def size_bytes(text: str | None) -> int | None:
    """The bytes of `16 GB` or `1.8Ti`; memory counts in powers of 1024 under both spellings."""
    match = _SIZE.search(text or "")
    if not match:
        return None
    return round(float(match[1].replace(",", ".")) * float(1024) ** (_STEPS.index(match[2]) + 1))


def in_units(size: int | None, unit: int) -> int | float | None:
    """A number of bytes in a larger unit."""
    return None if size is None else tidy(size / unit)


def rate_bps(text: str | None) -> int | None:
    """The bits per second of `40 Gb/s`; of `10 Gb/s x2` those of one lane."""
    match = _RATE.search(text or "")
    if not match:
        return None
    return round(float(match[1].replace(",", ".")) * float(1000) ** (_STEPS.index(match[2]) + 1))


def complaint(lines: Iterable[str], tool: str) -> str | None:
    """What a tool, its shell or sudo said instead of an answer."""
    for line in lines:
        plain = line.strip()
        if plain.startswith(f"{tool}: "):
            return plain.removeprefix(f"{tool}: ").strip() or None
        if plain.startswith(("Error: ", "** Error: ")):
            return plain.removeprefix("** ").removeprefix("Error: ").strip() or None
        if "command not found" in plain or plain.startswith("sudo: "):
            return plain
    return None

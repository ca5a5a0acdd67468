"""What all texts of nvidia-smi have in common: plain lines, amounts with a unit, switches."""

from __future__ import annotations

import re

from magnusctl.parsers.cells import lines_of, told

_ANSI = re.compile(r"\x1b\[[0-9;?]{0,16}[A-Za-z]")
# A longer number is no amount of anything, and int() refuses some thousands of digits.
_AMOUNT = re.compile(r"[-+]?\d{1,15}(?:\.\d{1,9}|,\d{1,2})?(?![\d.,])")
_VERSION = re.compile(r"\d{1,6}(?:\.\d{1,6}){1,3}")


def plain(text: str) -> str:
    """The text without colours, NUL bytes and a byte order mark."""
    return _ANSI.sub("", text.replace("\0", "").lstrip("\ufeff"))


def plain_lines(text: str) -> list[str]:
    """The lines of the plain text."""
    return lines_of(plain(text))


def amount(cell: str | None) -> float | None:
    """The number at the start of a cell, whatever the unit; a decimal comma is read too."""
    match = _AMOUNT.match(told(cell) or "")
    return float(match[0].replace(",", ".")) if match else None


def count(cell: str | None) -> int | None:
    """The whole number at the start of a cell, as 16 of `16x` and 59 of `59 C`."""
    value = amount(cell)
    return None if value is None else int(value)


def switched(cell: str | None) -> bool | None:
    """True for Enabled, On or Yes, False for their opposites."""
    word = (cell or "").strip().lower()
    return {"enabled": True, "on": True, "yes": True}.get(
        word, False if word in ("disabled", "off", "no") else None
    )


def version(cell: str | None) -> str | None:
    """The version at the start of a cell, without what drivers add behind it in brackets."""
    match = _VERSION.match((cell or "").strip())
    return match[0] if match else None

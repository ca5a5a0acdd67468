"""What the outputs of Linux tools have in common: colours, labels, errors, JSON documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from magnusctl.parsers.cells import lines_of

_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,40}[A-Za-z]|\x1b[()][0-9A-B]|\x1b\][^\x07\x1b]{0,200}\x07")
_OPENING = re.compile(r"^[ \t]*(?=[\[{])", re.MULTILINE)
_REFUSALS = (
    *("command not found", "no such file or directory", "permission denied", ": not found"),
    *("operation not permitted", "failed to connect to bus", "operation not supported"),
    *("no such device", "cannot open network namespace", "connection refused"),
    *("does not exist", "cannot find device", " is unknown, try", "invalid option"),
)
_MISSING_SYSTEMD = "not been booted with systemd"


def clean(text: str) -> str:
    """The text without colours, byte order mark and NUL."""
    plain = text.replace("\ufeff", "").replace("\0", "")
    return _COLOUR.sub("", plain) if "\x1b" in plain else plain


def lines(text: str) -> list[str]:
    """The lines of a cleaned text, without blanks behind."""
    return lines_of(clean(text))


def documents(text: str) -> Iterator[Any]:
    """The whole JSON documents of a text in their order; nothing of a document that is cut."""
    plain, at, decoder = clean(text), 0, json.JSONDecoder()
    while match := _OPENING.search(plain, at):
        try:
            value, at = decoder.raw_decode(plain, match.end())
        except (ValueError, RecursionError):
            return
        yield value


def count(text: object) -> int | None:
    """A cell that is a whole number and nothing else; None for any other."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    match = re.fullmatch(r"\s*(\d{1,20})\s*", text) if isinstance(text, str) else None
    return int(match[1]) if match else None


def decimal(text: str | None) -> float | None:
    """The number at the start of a cell, with a point or a comma; None for a cell without one."""
    match = re.match(r"\s*([-+]?\d{1,30}(?:[.,]\d{1,30})?)", text or "")
    return float(match[1].replace(",", ".")) if match else None


def label(line: str) -> tuple[str, str] | None:
    """The two halves of `Label : value`; None for a line without a label."""
    before, colon, after = line.replace("\uff1a", ":").partition(":")
    name = before.strip(" \t\xa0\u202f")
    return (name, after.strip()) if colon and name else None


def refusal(text: str) -> str | None:
    """The line that says that the tool could not answer; None where there is none."""
    for line in lines(text):
        lowered = line.lower()
        if _MISSING_SYSTEMD in lowered:
            return "not booted with systemd"
        if any(words in lowered for words in _REFUSALS):
            return line.strip()
    return None


def switch(value: object) -> bool | None:
    """True or False for the words with which tools say yes and no; None for any other."""
    word = str(value).strip().lower()
    return {"yes": True, "no": False, "on": True, "off": False, "true": True, "false": False,
            "1": True, "0": False, "active": True, "inactive": False}.get(word)  # fmt: skip


def words(value: object) -> str | None:
    """A JSON cell that is text with something in it; None for any other."""
    return value.strip() or None if isinstance(value, str) else None

"""Typed reading of JSON answers: a value of another kind than expected is as none at all."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from magnusctl.parsers.cells import json_of, lines_of

Record = Mapping[str, Any]

_STATUS = re.compile(r"HTTP/[0-9.]{1,3} ([0-9]{3})\b")
_OPENING = re.compile(r"^[ \t]{0,40}\{", re.MULTILINE)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")


def whole(value: object) -> int | None:
    """A whole number of 64 bits, also where it is written as 3.0."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -(2**63) <= value < 2**64 else None


def real(value: object) -> float | None:
    """A finite number as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def words(value: object) -> str | None:
    """A text that says something."""
    return value if isinstance(value, str) and value.strip() else None


def truth(value: object) -> bool | None:
    """A yes or no."""
    return value if isinstance(value, bool) else None


def simple(value: object) -> object:
    """A value that is no object: text, number, yes or no, or a list of these; else None."""
    if isinstance(value, list):
        return [None if isinstance(one, list | dict) else simple(one) for one in value]
    if isinstance(value, float):
        return real(value)
    return value if isinstance(value, str | int) else None


def record(value: object) -> Record:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def records(value: object) -> tuple[Record, ...]:
    """The objects of a list, or none."""
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def rounded(value: float | None, digits: int = 3) -> float | None:
    """A figure without the noise of its last digits."""
    return None if value is None else round(value, digits)


def plain(text: str) -> str:
    """A text without the colours of a terminal and without a byte order mark."""
    return _ESCAPES.sub("", text).removeprefix("\ufeff")


def matches(sign: re.Pattern[str], lines: list[str]) -> list[re.Match[str]]:
    """What a sign finds in lines; not where a value ends with the output: it may be cut there."""
    found = [(match, line) for line in lines if (match := sign.search(line))]
    open_end = lines[-1] if lines else ""
    return [
        match
        for match, line in found
        if line is not open_end or match.end(match.lastindex or 0) < len(line)
    ]


def body(text: str) -> tuple[int | None, str]:
    """The status and the body of what `curl -i` printed; no status where there are no headers."""
    status, rest = None, plain(text).lstrip()
    for _ in range(9):
        match = _STATUS.match(rest)
        if not match:
            break
        status = int(match[1])
        rest = "".join(re.split(r"\r?\n\r?\n", rest, maxsplit=1)[1:]).lstrip()
    return status, rest


def document(text: str) -> Any:
    """A whole JSON document, also behind the headers of `curl -i`."""
    return json_of(body(text)[1])


def documents(text: str) -> tuple[Record, ...]:
    """The objects that begin at the beginning of a line, among lines of other kinds."""
    clean, at = body(text)[1], 0
    found: list[Record] = []
    for match in islice(_OPENING.finditer(clean), 5000):
        if match.start() < at:
            continue
        try:
            one, at = json.JSONDecoder().raw_decode(clean, match.end() - 1)
        except (ValueError, RecursionError):
            continue
        found.append(one)
    return tuple(found)


def lines_of_json(text: str) -> tuple[Record, ...]:
    """The objects of an output that has one on each line; other lines are passed over."""
    found = (json_of(line) for line in lines_of(plain(text)) if line.lstrip().startswith("{"))
    return tuple(one for one in found if isinstance(one, dict))


def error_of(answer: object) -> str | None:
    """What went wrong: of `{"error": "..."}`, `{"error": {"message": ...}}`, `{"detail": ...}`."""
    told = record(answer)
    inner = told.get("error")
    if words(inner):
        return words(inner)
    if record(inner):
        return words(record(inner).get("message")) or words(record(inner).get("type"))
    if told.get("object") == "error":
        return words(told.get("message"))
    return words(told.get("detail"))

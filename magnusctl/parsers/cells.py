"""The small words of tools' outputs: numbers, units, and the many ways of saying nothing."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_UNTOLD = {
    *("", "n/a", "[n/a]", "-", "--", "none", "null", "unknown", "[unknown error]", "unknown!"),
    *("not supported", "[not supported]", "err!", "[not available]", "no limit"),
    *(
        "[requested functionality has been deprecated]",
        "requested functionality has been deprecated",
    ),
    *("[gpu requires reset]", "gpu requires reset", "[insufficient permissions]"),
}
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def told(text: str | None) -> str | None:
    """The words of a cell, or None where they only say that there are none."""
    plain = (text or "").strip()
    return None if plain.lower() in _UNTOLD else plain


def number(text: str | None) -> float | None:
    """The number at the start of a cell, as 23.5 of `23.5 W`; None for a cell without one."""
    match = _NUMBER.match((text or "").strip().lstrip("("))
    found = float(match[0]) if match else math.inf
    return found if math.isfinite(found) else None


def whole(text: str | None) -> int | None:
    """The whole number at the start of a cell; None for a cell without one."""
    match = re.match(r"[-+]?\d{1,30}(?!\d)", (text or "").strip().lstrip("("), re.ASCII)
    return int(match[0]) if match else None


def lines_of(text: str) -> list[str]:
    """The lines of an output, whatever ends them; without blanks behind."""
    return [line.rstrip() for line in re.split(r"\r\n|\r|\n", text)]


def json_of(text: str) -> Any:
    """A whole JSON document, or None: half a document tells nothing."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

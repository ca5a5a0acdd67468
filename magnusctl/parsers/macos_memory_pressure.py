"""`memory_pressure`, with or without -Q: how much of the memory is free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, plain_lines

_TOTAL = re.compile(
    r"The system has ([0-9]{1,20}) \(([0-9]{1,20}) pages with a page size of ([0-9]{1,9})\)"
)
_FREE = re.compile(r"System-wide memory free percentage:\s{0,9}([0-9]{1,3})%")
_COUNT = re.compile(r"\s*((?:Pages |Page|Swap)[a-z -]{2,40}):\s{0,40}([0-9]{1,19})")


@dataclass(frozen=True)
class Pressure:
    """Memory in bytes, its page size in bytes, the free part in percent, counts in pages."""

    total_bytes: int | None = None
    total_pages: int | None = None
    page_size: int | None = None
    free_percent: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


def parse(text: str) -> Pressure:
    """The totals of either form; the counts only of the long one."""
    total, free = _TOTAL.search(text), _FREE.search(text)
    found = (_COUNT.fullmatch(line) for line in plain_lines(text))
    return Pressure(
        int(total[1]) if total else None,
        int(total[2]) if total else None,
        int(total[3]) if total else None,
        int(free[1]) if free else None,
        {match[1].lower().replace(" ", "_"): int(match[2]) for match in found if match},
    )


def facts(text: str) -> Facts:
    """Bytes, page size and percentage, and each count as `pages_free`."""
    pressure = parse(text)
    return {
        **pressure.counts,
        "total_bytes": pressure.total_bytes,
        "total_pages": pressure.total_pages,
        "page_size": pressure.page_size,
        "free_percent": pressure.free_percent,
        "error": complaint(plain_lines(text), "memory_pressure"),
    }

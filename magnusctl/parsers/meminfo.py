"""The memory of a host: `/proc/meminfo`, whole or its lines picked with grep."""

from __future__ import annotations

import re
from collections.abc import Mapping

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import lines, refusal

_USUAL = ("MemTotal", "MemFree", "MemAvailable", "SwapTotal", "HugePages_Total", "Hugetlb")
_LINE = re.compile(
    r"\s*(?:/[^\s:]{1,200}:(?:\d{1,9}:)?)?((?:Node \d{1,4} )?[A-Za-z][\w()]{0,60}):"
    r"\s*(\d{1,20})(?:\s+(kB))?",
)


def parse(text: str) -> Mapping[str, int]:
    """Each label with its number: kB, or pages for HugePages_*, which have no unit."""
    found: dict[str, int] = {}
    for match in filter(None, (_LINE.fullmatch(line) for line in lines(text))):
        # Without its unit a size may be cut; only the counts of huge pages have none.
        if match[3] or "HugePages_" in match[1]:
            found.setdefault(match[1], int(match[2]))
    return found


def memory_bytes(values: Mapping[str, int], name: str = "MemTotal") -> int | None:
    """One of the sizes in bytes; None where the text does not have it."""
    return values[name] * 1024 if name in values else None


def facts(text: str) -> Facts:
    """The labels as they are, with their numbers; `error` where the file could not be read."""
    found = parse(text)
    return {**dict.fromkeys(_USUAL), **found} if found else {"error": refusal(text)}

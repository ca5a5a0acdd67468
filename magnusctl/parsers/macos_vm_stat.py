"""`vm_stat`, and `vm_stat SECONDS`: pages of memory by what they are used for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, plain_lines

_PAGE_SIZE = re.compile(r"\(page size of ([0-9]{1,9}) bytes\)")
# The full stop shows that the number is whole.
_COUNT = re.compile(r"\s*\"?([A-Za-z][A-Za-z -]{2,60})\"?:\s{0,60}([0-9]{1,20})\.\s*")
_CELL = re.compile(r"([0-9]{1,20})([KMG]?)")
_NAMES = {
    "wired down": "wired",
    "file-backed pages": "file_backed",
    "anonymous pages": "anonymous",
    "stored in compressor": "stored_in_compressor",
}
_COLUMNS = {
    **{"specul": "speculative", "spec": "speculative", "inac": "inactive", "wire": "wired"},
    **{"throttle": "throttled", "prgable": "purgeable", "faults": "translation_faults"},
    **{"copy": "copy_on_write", "0fill": "zero_filled", "zerofill": "zero_filled"},
    **{"reactive": "reactivated", "file-backed": "file_backed", "pageout": "pageouts"},
    **{"cmprssed": "stored_in_compressor", "cmprssor": "occupied_by_compressor"},
    **{"dcomprs": "decompressions", "comprs": "compressions"},
}


@dataclass(frozen=True)
class VmStat:
    """The page size in bytes, and counts in pages by names such as free, wired, swapouts."""

    page_size: int | None = None
    pages: Mapping[str, int] = field(default_factory=dict)


def parse(text: str) -> VmStat:
    """The counts since the start; of the table that repeats, its first row."""
    size, lines = _PAGE_SIZE.search(text), plain_lines(text)
    found = (_COUNT.fullmatch(line) for line in lines)
    pages = {_name(match[1]): int(match[2]) for match in found if match}
    return VmStat(int(size[1]) if size else None, pages or _first_row(lines))


def facts(text: str) -> Facts:
    """Each count under its short name, and those of pages also as `pages_free`."""
    stat = parse(text)
    whole = {f"pages_{name}": count for name, count in stat.pages.items()}
    told = dict.fromkeys(("free", "active", "inactive", "speculative", "wired", "purgeable"))
    told |= dict.fromkeys(("swapins", "swapouts", "pageins", "pageouts", "throttled"))
    return {
        **{f"pages_{name}": None for name in told},
        **told,
        **whole,
        **stat.pages,
        "page_size": stat.page_size,
        "error": complaint(plain_lines(text), "vm_stat"),
    }


def _name(label: str) -> str:
    short = label.strip().lower().removeprefix("pages ")
    return _NAMES.get(short, re.sub(r"[ -]+", "_", short))


def _first_row(lines: list[str]) -> dict[str, int]:
    for head, row in pairwise(lines):
        names, cells = head.split(), row.split()
        if names[:2] == ["free", "active"] and len(cells) == len(names):
            counts = zip(map(_column, names), map(_count, cells), strict=True)
            return {name: count for name, count in counts if count is not None}
    return {}


def _column(name: str) -> str:
    return _COLUMNS.get(name, name.replace("-", "_"))


def _count(cell: str) -> int | None:
    # vm_stat cuts a number that is too wide to its thousands: `505014K`.
    match = _CELL.fullmatch(cell)
    return int(match[1]) * 1000 ** ("KMG".index(match[2]) + 1 if match[2] else 0) if match else None

"""`df` of macOS in any of its units: how full the file systems are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, integer, plain_lines

_CELL = re.compile(r"-?([0-9]{1,20}(?:[.,][0-9]{1,3})?)([BKMGTPE]?)(i?)B?")
_PERCENT = re.compile(r"([0-9]{1,4})%|-")
_SCALE = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_BLOCK = re.compile(r"([0-9]{1,5})([KMG]?)-blocks", re.IGNORECASE)


@dataclass(frozen=True)
class Filesystem:
    """A row: sizes in bytes, and as they are printed; inodes as counts where printed in full."""

    source: str
    mount: str
    capacity_percent: int | None
    size_bytes: int | None
    used_bytes: int | None
    available_bytes: int | None
    size: str
    used: str
    available: str
    inodes_used: int | None = None
    inodes_free: int | None = None
    block_bytes: int | None = None
    """The unit of the printed sizes; None where each says its own, as `1.8Ti`."""


def parse(text: str) -> tuple[Filesystem, ...]:
    """The rows that are whole, under any number of headings."""
    return tuple(_rows(plain_lines(text)))


def facts(text: str) -> Facts:
    """All rows; `mount`, `size`, ... of the only row or of `/`, and `root_...` of `/`."""
    rows = parse(text)
    root = next((row for row in rows if row.mount == "/"), None)
    one = rows[0] if len(rows) == 1 else root
    return {
        "rows": len(rows) if rows else None,
        "filesystems": [{"filesystem": row.source} | _of(row) for row in rows],
        **(_of(one) if one else dict.fromkeys(("mount", "size", "avail", "capacity_percent"))),
        **_of_root(root),
        "error": complaint(plain_lines(text), "df"),
    }


def _rows(lines: list[str]) -> Iterator[Filesystem]:
    block: int | None = None
    typed, held = False, ""
    for line in lines:
        words = line.split()
        if words[:1] == ["Filesystem"]:
            block, typed, held = _block_bytes(words), words[1:2] == ["Type"], ""
            continue
        # Other systems' df puts a long name on a line of its own.
        row = _row(line, block) or _row(f"{held} {line}", block)
        held = "" if row else line
        if row:
            yield replace(row, source=row.source.rpartition(" ")[0].strip()) if typed else row


def _block_bytes(heading: list[str]) -> int | None:
    match = next(filter(None, map(_BLOCK.fullmatch, heading)), None)
    if not match:
        return None
    return int(match[1]) * _SCALE[match[2].upper()]


def _row(line: str, block: int | None) -> Filesystem | None:
    """Blanks may be in the first and the last column, so the percentage is what is looked for."""
    cells = list(re.finditer(r"\S+", line))
    words = [cell[0] for cell in cells]
    for at in range(4, len(words) - 1):
        if not _PERCENT.fullmatch(words[at]):
            continue
        if all(map(_CELL.fullmatch, words[at - 3 : at])):
            inodes = len(words) > at + 4 and not words[at + 1].startswith("/")
            mount = line[cells[at + 4 if inodes else at + 1].start() :]
            source = line[cells[0].start() : cells[at - 4].end()]
            row = _filesystem(source, mount, words[at - 3 : at + 1], block)
            used, free = map(integer, words[at + 1 : at + 3]) if inodes else (None, None)
            whole = mount.startswith("/")
            return replace(row, inodes_used=used, inodes_free=free) if whole else None
    return None


def _filesystem(source: str, mount: str, cells: list[str], block: int | None) -> Filesystem:
    size, used, available, capacity = cells
    return Filesystem(
        source,
        mount,
        integer(capacity.removesuffix("%")),
        _bytes(size, block),
        _bytes(used, block),
        _bytes(available, block),
        size,
        used,
        available,
        block_bytes=block,
    )


def _bytes(cell: str, block: int | None) -> int | None:
    match = _CELL.fullmatch(cell)
    if not match or cell.startswith("-"):
        return None
    if match[2]:
        power = "BKMGTPE".index(match[2])
        # -H counts in thousands and prints no `i`.
        step = 1024.0 if match[3] else 1000.0
        return round(float(match[1].replace(",", ".")) * step**power)
    return int(match[1]) * block if block and match[1].isdecimal() else None


def _printed(cell: str) -> object:
    count = integer(cell)
    return cell if count is None else count


def _unit(row: Filesystem) -> str | None:
    """How a key names the unit of a row: `512_blocks`."""
    block = row.block_bytes
    if not block:
        return None
    scaled = ((2**30, "g"), (2**20, "m"))
    name = next((f"{block // size}{mark}" for size, mark in scaled if block % size == 0), block)
    return f"{name}_blocks"


def _of(row: Filesystem) -> Facts:
    found: Facts = {
        "mount": row.mount,
        "size": _printed(row.size),
        "used": _printed(row.used),
        "avail": _printed(row.available),
        "capacity_percent": row.capacity_percent,
        "size_bytes": row.size_bytes,
        "used_bytes": row.used_bytes,
        "avail_bytes": row.available_bytes,
        "iused": row.inodes_used,
        "ifree": row.inodes_free,
    }
    unit = _unit(row)
    return found | (_in_blocks(row, unit) if unit else {})


def _in_blocks(row: Filesystem, unit: str, before: str = "") -> Facts:
    return {
        f"{before}{unit}": _printed(row.size),
        f"{before}used_{unit}": _printed(row.used),
        f"{before}available_{unit}": _printed(row.available),
    }


def _of_root(root: Filesystem | None) -> Facts:
    found: Facts = dict.fromkeys(("root_512_blocks", "root_available_512_blocks"))
    found |= dict.fromkeys(("root_size", "root_used", "root_avail", "root_capacity_percent"))
    if not root:
        return found
    unit = _unit(root)
    found["root_capacity_percent"] = root.capacity_percent
    if unit:
        return found | _in_blocks(root, unit, "root_")
    return found | {"root_size": root.size, "root_used": root.used, "root_avail": root.available}

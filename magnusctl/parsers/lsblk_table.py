"""The rows of lsblk where it was not asked for JSON: a table, or pairs with -P."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from magnusctl.parsers.linux_cells import lines

Row = dict[str, Any]
_PAIR = re.compile(r'([A-Z][A-Z0-9:%_-]{0,20})="([^"]{0,1000})"')
_BRANCH = re.compile(r"[\s│├└─|`-]{0,60}")
_NEEDED = ("maj:min", "size", "type")


def rows(text: str) -> list[Row]:
    """Rows with the names of their columns in lower case, those of parts under `children`."""
    every = [line.expandtabs() for line in lines(text)]
    pairs = [{key.lower(): value for key, value in _PAIR.findall(line)} for line in every]
    if any("name" in row for row in pairs):
        return [row for row in pairs if "name" in row]
    head = next((at for at, line in enumerate(every) if line.split()[:1] == ["NAME"]), None)
    return [] if head is None else _table(every[head], every[head + 1 :])


def _table(head: str, below: list[str]) -> list[Row]:
    """The rows of a table as a tree."""
    body: list[str] = []
    for line in below:
        if not line.strip():
            break
        body.append(line)
    names = [(word[0].lower(), word.start()) for word in re.finditer(r"\S+", head)]
    ends = _ends(head, body)
    top: list[Row] = []
    stack: list[tuple[int, list[Row]]] = [(-1, top)]
    last: Row = {}
    for line in body:
        cells = _cells(line, ends)
        row: Row = dict(zip((name for name, _ in names), cells, strict=True))
        mark, row["name"] = _branch(line[: ends[0]] if ends else line)
        if not row["name"]:
            _one_more_place(last, row)
        elif all(row[name] for name in _NEEDED if name in row):
            while stack[-1][0] >= mark:
                stack.pop()
            stack[-1][1].append(row)
            row["children"] = []
            stack.append((mark, row["children"]))
            last = row
    return top


def _ends(head: str, body: list[str]) -> list[int]:
    """Where each column but the last ends: the last place between two titles that no row fills."""
    ends = []
    for one, other in pairwise(re.finditer(r"\S+", head)):
        places = range(other.start() - 1, one.end() - 1, -1)
        free = (at for at in places if not any(line[at : at + 1].strip() for line in body))
        ends.append(next(free, other.start() - 1))
    return ends


def _cells(line: str, ends: list[int]) -> list[str]:
    """The cells of a row."""
    starts = [0, *ends]
    return [line[at:end].strip() for at, end in zip(starts, [*ends, len(line)], strict=True)]


def _branch(cell: str) -> tuple[int, str]:
    """How far a name is moved in, and the name without the branch before it."""
    mark = _BRANCH.match(cell)
    at = mark.end() if mark else 0
    return at, cell[at:].strip()


def _one_more_place(last: Row, row: Row) -> None:
    """Add a place where the device of the row before is mounted too."""
    place = row.get("mountpoints")
    if place and "mountpoints" in last:
        told = last["mountpoints"]
        last["mountpoints"] = [*(told if isinstance(told, list) else [told]), place]

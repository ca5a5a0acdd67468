"""nvidia-smi --query-...=... --format=csv, with or without a header and units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import told
from magnusctl.parsers.nvidia_smi_error import error_of
from magnusctl.parsers.nvidia_smi_text import plain_lines

_FIELD = re.compile(r"([a-z][A-Za-z0-9_.]{0,99})(?: \[([^\]]{1,20})\])?$")
_ALONE = {"name", "index", "count", "uuid", "serial", "pstate", "timestamp", "pid", "hostname"}
_PROCESS_FIELDS = {"pid", "process_name", "used_gpu_memory", "used_memory"}
# Without a header only the cells whose form is like no other's have a name.
_KNOWN_FORMS: Mapping[str, re.Pattern[str]] = {
    "uuid": re.compile(r"GPU-[0-9a-fA-F-]{8,40}$"),
    "pci.bus_id": re.compile(r"[0-9A-Fa-f]{8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]$"),
    "driver_version": re.compile(r"\d{3}\.\d{2,3}\.\d{2}$"),
    "pstate": re.compile(r"P\d{1,2}$"),
    "name": re.compile(
        r"(?:NVIDIA|GeForce|Tesla|Quadro|GRID|TITAN|RTX|GTX|GH200) ?[\w .()-]{0,60}$"
    ),
    "timestamp": re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{3}$"),
}


@dataclass(frozen=True)
class Query:
    """One query's answer. Cells are as printed: `cells.number` reads amounts.

    Units are those of the header. Without a header `fields` is empty, and the rows hold only
    what a cell's form tells; `cells` has all of them in their order.
    """

    fields: tuple[str, ...]
    units: Mapping[str, str]
    rows: tuple[Mapping[str, str], ...]
    cells: tuple[tuple[str, ...], ...]

    @property
    def of_processes(self) -> bool:
        """Whether the rows are processes, not cards."""
        return bool(_PROCESS_FIELDS & set(self.fields))


@dataclass(frozen=True)
class Answer:
    """All queries of the text, and the name of what failed (see nvidia_smi_error)."""

    queries: tuple[Query, ...]
    error: str | None

    @property
    def gpus(self) -> tuple[Mapping[str, str], ...]:
        """The rows of the queries of cards."""
        return tuple(row for one in self.queries if not one.of_processes for row in one.rows)

    @property
    def processes(self) -> tuple[Mapping[str, str], ...]:
        """The rows of the queries of processes."""
        return tuple(row for one in self.queries if one.of_processes for row in one.rows)


def parse(text: str) -> Answer:
    """The rows that are whole."""
    lines = [line for line in plain_lines(text) if line.strip()]
    starts = [at for at, line in enumerate(lines) if _header(line)]
    if not starts:
        return _headless(lines)
    ends = [*starts[1:], len(lines)]
    queries = tuple(
        _query(lines[start], lines[start + 1 : end])
        for start, end in zip(starts, ends, strict=True)
    )
    return Answer(queries, _error(lines, [cells for one in queries for cells in one.cells]))


def facts(text: str) -> Facts:
    """Counts, and the cells as printed under the names of their fields, without units."""
    answer = parse(text)
    lines = [line for line in plain_lines(text) if line.strip()]
    first = answer.queries[0] if answer.queries else None
    of_cards = [one for one in answer.queries if not one.of_processes]
    return {
        "columns": _columns(first),
        "rows": sum(len(one.cells) for one in answer.queries),
        "lines": len(lines),
        "first_line": lines[0] if lines else None,
        "fields": list(first.fields) if first else [],
        "header_units": dict(first.units) if first else {},
        "gpus": [dict(row) for row in answer.gpus] if of_cards else None,
        "processes": [dict(row) for row in answer.processes],
        "error": answer.error,
    }


def _columns(query: Query | None) -> int | None:
    if query is None:
        return None
    return len(query.fields) or len(query.cells[0])


def _split(line: str, separator: str) -> list[str]:
    """The cells; a blank last one has lost the blank before it."""
    return [cell.strip() for cell in f"{line} ".split(separator)]


def _separator(line: str) -> str:
    """nvidia-smi puts a blank behind its commas, so a decimal comma is none of them."""
    return ", " if ", " in line else ","


def _header(line: str) -> list[tuple[str, str]]:
    matches = [_FIELD.match(cell) for cell in _split(line, _separator(line))]
    found = [(match[1], match[2] or "") for match in matches if match]
    alone = len(found) == 1 and not (found[0][0] in _ALONE or found[0][1] or "." in found[0][0])
    return found if len(found) == len(matches) and not alone else []


def _query(header: str, lines: Iterable[str]) -> Query:
    named = _header(header)
    fields, units = [name for name, _ in named], [unit for _, unit in named]
    split = [_fitted(_split(line, _separator(header)), fields) for line in lines]
    rows = [cells for cells in split if len(cells) == len(fields) and not _open(cells[-1])]
    if any(_with_unit(cells, units) for cells in rows):
        rows = [cells for cells in rows if not _without_unit(cells, units)]
    return Query(
        fields=tuple(fields),
        units={name: unit for name, unit in named if unit},
        rows=tuple(dict(zip(fields, cells, strict=True)) for cells in rows),
        cells=tuple(tuple(cells) for cells in rows),
    )


def _open(cell: str) -> bool:
    """Half a [N/A] is the end of a cut line."""
    return cell.startswith("[") and not cell.endswith("]")


def _fitted(cells: list[str], fields: Sequence[str]) -> list[str]:
    """Commas in a process's name are not quoted: what is too much belongs to the name."""
    more = len(cells) - len(fields)
    if more <= 0 or "process_name" not in fields:
        return cells
    at = fields.index("process_name")
    return [*cells[:at], ", ".join(cells[at : at + more + 1]), *cells[at + more + 1 :]]


def _with_unit(cells: Sequence[str], units: Sequence[str]) -> bool:
    return any(unit and cell.endswith(f" {unit}") for cell, unit in zip(cells, units, strict=True))


def _without_unit(cells: Sequence[str], units: Sequence[str]) -> bool:
    """An amount that lost its unit where others have theirs is the end of a cut line."""
    return bool(units[-1] and cells[-1][:1].isdigit() and not cells[-1].endswith(f" {units[-1]}"))


def _headless(lines: list[str]) -> Answer:
    split = [tuple(_split(line, _separator(line))) for line in lines]
    kept = [cells for cells in split if _guessed(cells)]
    width = max(map(len, kept), default=0)
    whole = tuple(cells for cells in kept if len(cells) == width)
    error = _error(lines, whole)
    if not whole:
        return Answer((), error)
    return Answer((Query((), {}, tuple(_guessed(cells) for cells in whole), whole),), error)


def _guessed(cells: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for cell in cells:
        for name, form in _KNOWN_FORMS.items():
            if told(cell) and form.match(cell):
                found.setdefault(name, cell)
    return found


def _error(lines: Iterable[str], rows: Iterable[Sequence[str]]) -> str | None:
    """Failures are told on lines that are no rows."""
    firsts = {cells[0] for cells in rows}
    return error_of("\n".join(line for line in lines if line.split(",")[0].strip() not in firsts))

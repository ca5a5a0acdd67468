"""The rows of llama-bench in each of its forms: table, JSON, JSON lines, CSV and SQL."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from magnusctl.parsers.cells import lines_of, number, told, whole
from magnusctl.parsers.json_values import Record, documents, plain, real, record, simple, words
from magnusctl.parsers.json_values import document as document_of
from magnusctl.parsers.json_values import whole as whole_of

_TEST = re.compile(r"(pp|tg) ?([0-9]{1,9})(?:\+(?:tg ?)?([0-9]{1,9}))?(?: @ d([0-9]{1,9}))?")
_INSERT = re.compile(r"INSERT INTO \w{1,40} \(([^)]{1,4000})\) VALUES \((.{1,20000})\);$")
_NUMBERS = re.compile(
    r"n_\w{1,40}|model_(?:size|n_params)|build_number|(?:avg|stddev)_(?:ns|ts)|poll"
)


@dataclass(frozen=True)
class Row:
    """One test; speed and its deviation in tokens/s, size of the model in bytes where told so.

    `cells` are all columns of a table as they stand, or all fields of an entry.
    """

    model: str | None
    test: str | None
    tokens_per_second: float | None
    stddev: float | None
    n_prompt: int | None
    n_gen: int | None
    n_depth: int | None
    backend: str | None
    cells: Mapping[str, object] = field(default_factory=dict, repr=False)


def rows_of(text: str) -> tuple[str | None, tuple[Row, ...]]:
    """The form of the output and its whole rows."""
    lines = lines_of(plain(text))
    for form, found in (
        ("table", _table(lines)),
        ("csv", (_entry(one) for one in _csv(lines))),
        ("sql", (_entry(one) for one in _sql(lines))),
    ):
        rows = tuple(found)
        if rows:
            return form, rows
    return _json(text)


def _table(lines: list[str]) -> Iterator[Row]:
    names: list[str] = []
    for line in lines:
        cells = _cells(line)
        if "t/s" in cells and "test" in cells:
            names = cells
        elif len(cells) == len(names) > 0:
            row = _table_row(dict(zip(names, cells, strict=True)))
            if row.tokens_per_second is not None:
                yield row


def _cells(line: str) -> list[str]:
    """The cells of a line that is whole: one that is cut does not end with its bar."""
    inside = line.strip().lstrip("> ")
    closed = len(inside) > 1 and inside.startswith("|") and inside.endswith("|")
    return [cell.strip() for cell in inside[1:-1].split("|")] if closed else []


def _table_row(cells: Mapping[str, str]) -> Row:
    speed, test = cells["t/s"], told(cells["test"])
    deviation = re.search(r"(?:±|\+/?-)\s*([0-9.]{1,12})", speed)
    prompt, generated, depth = _of_test(test or "")
    return Row(
        model=told(cells.get("model")),
        test=test,
        tokens_per_second=real(number(speed)),
        stddev=real(number(deviation[1])) if deviation else None,
        n_prompt=prompt,
        n_gen=generated,
        n_depth=depth,
        backend=told(cells.get("backend")),
        cells={name: _cell(name, cell) for name, cell in cells.items()},
    )


def _cell(name: str, cell: str) -> object:
    """A cell as a whole number where it is one, as of ngl or threads."""
    return int(cell) if re.fullmatch(r"-?[0-9]{1,9}", cell) and name != "model" else cell


def _of_test(test: str) -> tuple[int | None, int | None, int | None]:
    """Prompt, generation and depth in tokens of `pp512`, `tg 128`, `pp512+tg128 @ d4096`."""
    match = _TEST.match(test)
    if not match:
        return None, None, None
    first, second = int(match[2]), int(match[3] or 0)
    prompt, generated = (first, second) if match[1] == "pp" else (0, first)
    return prompt, generated, int(match[4] or 0)


def _json(text: str) -> tuple[str | None, tuple[Row, ...]]:
    """A list of entries; entries on lines; or the list among lines of a log."""
    alone = document_of(text)
    if not isinstance(alone, list):
        begin, end = re.search(r"^\[\s{0,20}\{", text, re.MULTILINE), text.rfind("]")
        alone = (document_of(text[begin.start() : end + 1]) or []) if begin else None
    form, found = ("json", alone) if isinstance(alone, list) else ("jsonl", documents(text))
    entries = tuple(_entry(record(one)) for one in found if _is_entry(record(one)))
    return (form if entries else None), entries


def _is_entry(one: Record) -> bool:
    return "avg_ts" in one and "n_gen" in one


def _csv(lines: list[str]) -> Iterator[Record]:
    names: list[str] = []
    for line in lines:
        if line.startswith(("build_commit,", '"build_commit",')):
            names = _split(line, '"')
        elif names and line.count('"') % 2 == 0:
            cells = _split(line, '"')
            if len(cells) == len(names) and cells[-1]:
                yield dict(zip(names, map(_typed, names, cells), strict=True))


def _sql(lines: list[str]) -> Iterator[Record]:
    for match in filter(None, map(_INSERT.match, lines)):
        names, cells = [name.strip() for name in match[1].split(",")], _split(match[2], "'")
        if len(cells) == len(names):
            yield dict(zip(names, map(_typed, names, cells), strict=True))


def _split(line: str, quote: str) -> list[str]:
    try:
        return next(iter(csv.reader([line], quotechar=quote, skipinitialspace=True)), [])
    except csv.Error:
        return []


def _typed(name: str, cell: str) -> object:
    """A cell as a number only under the names of numbers: a commit may look like one."""
    if not _NUMBERS.fullmatch(name):
        return cell
    exact = len(cell) < 40 and re.fullmatch(r"-?[0-9]+", cell)
    return whole(cell) if exact else real(number(cell))


def _entry(one: Record) -> Row:
    prompt, generated = whole_of(one.get("n_prompt")), whole_of(one.get("n_gen"))
    depth = whole_of(one.get("n_depth"))
    return Row(
        model=words(one.get("model_type")),
        test=_name(prompt or 0, generated or 0, depth or 0),
        tokens_per_second=real(one.get("avg_ts")),
        stddev=real(one.get("stddev_ts")),
        n_prompt=prompt,
        n_gen=generated,
        n_depth=depth,
        backend=words(one.get("backends")),
        cells={name: simple(value) for name, value in one.items()},
    )


def _name(prompt: int, generated: int, depth: int) -> str:
    """The name that the table gives to such a test."""
    parts = [f"pp{prompt}"] * bool(prompt) + [f"tg{generated}"] * bool(generated)
    return "+".join(parts) + (f" @ d{depth}" if depth else "")

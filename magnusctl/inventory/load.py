"""From files to a checked inventory, with `file:line:column` for everything that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from magnusctl.errors import InputError
from magnusctl.inventory import marks, yaml
from magnusctl.inventory.marks import Document, Mark, Value

MAX_SHOWN = 10


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it stands, and the nearest thing that is right."""

    message: str
    mark: Mark
    hint: str = ""
    width: int = 1
    private: bool = False
    """Whether its line may hold what nobody should see."""


def read_documents(paths: Sequence[Path]) -> Document:
    """The first file with the others laid over it: mappings merge, everything else replaces."""
    document = read_document(paths[0])
    for path in paths[1:]:
        document = overlay(document, read_document(path))
    return document


def read_document(path: Path, what: str = "the inventory") -> Document:
    """One file of keys and values. Raises InputError."""
    try:
        if path.stat().st_size > yaml.MAX_SIZE:
            size, noun = yaml.MAX_SIZE >> 20, what.rpartition(" ")[2]
            raise InputError(f"larger than {size} MiB: this is no {noun}", where=str(path))
        data = path.read_bytes()
    except FileNotFoundError:
        hint = "Write one with:  magnusctl init"
        raise InputError("there is no such file", where=str(path), hint=hint) from None
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", where=str(path)) from None
    document = yaml.read(_decoded(data, path), str(path))
    if document.data is not None and not isinstance(document.data, dict):
        found = "a list" if isinstance(document.data, tuple) else f"'{document.data}'"
        message = f"{what} must be keys and values, not {found}"
        raise fail(document, [Problem(message, place(document, ()))])
    return document


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise InputError("not UTF-8", where=str(Mark(str(path), line, column))) from None


def overlay(below: Document, above: Document) -> Document:
    """Lay one document over another; positions follow the values."""
    if above.data is None:
        return below
    replaced: set[marks.Path] = set()
    data = _merge(below.data, above.data, (), replaced)
    keys = {p: m for p, m in below.keys.items() if not _below(p, replaced)} | above.keys
    values = {p: m for p, m in below.values.items() if not _below(p, replaced)} | above.values
    return Document(data, values, keys, {**below.lines, **above.lines})


def _below(path: marks.Path, replaced: set[marks.Path]) -> bool:
    return any(path[:depth] in replaced for depth in range(len(path)))


def _merge(below: Value, above: Value, path: marks.Path, replaced: set[marks.Path]) -> Value:
    if isinstance(below, dict) and isinstance(above, dict):
        merged = dict(below)
        for key, value in above.items():
            inner = (*path, key)
            merged[key] = _merge(below[key], value, inner, replaced) if key in below else value
        return merged
    if isinstance(below, dict | tuple):
        replaced.add(path)
    return above


def fail(document: Document, problems: Sequence[Problem]) -> InputError:
    """All problems as one error: the first in full, the others each with their place."""
    ordered = sorted(problems, key=lambda p: (p.mark.file, p.mark.line, p.mark.column))
    first, *others = ordered
    lines = [f"{p.mark}: {p.message}" + (f" ({p.hint})" if p.hint else "") for p in others]
    if len(lines) > MAX_SHOWN:
        lines = [*lines[:MAX_SHOWN], f"… and {len(lines) - MAX_SHOWN} more"]
    carets = "     " if first.private else document.excerpt(first.mark, first.width)
    if first.hint:
        carets += f" {first.hint}"
    detail = "\n".join(text for text in [carets, *lines] if text.strip())
    return InputError(
        first.message, where=str(first.mark), detail=detail, hint="Nothing was contacted."
    )


def place(document: Document, path: marks.Path, key: bool = False) -> Mark:
    """Where a value (or its key) stands, or the nearest thing around it."""
    while path:
        mark = (document.keys.get(path) if key else None) or document.values.get(path)
        if mark:
            return mark
        path = path[:-1]
    return document.values.get((), Mark(next(iter(document.lines)), 1, 1))

"""Where things stand in a file, and how a place is shown."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.errors import InputError

Path = tuple[str | int, ...]
Value = None | bool | int | float | str | tuple["Value", ...] | dict[str, "Value"]

_SHOWN = 200


@dataclass(frozen=True)
class Mark:
    """Where something stands: lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Document:
    """The data of a file, and where every key and value of it stands."""

    data: Value
    values: dict[Path, Mark]
    keys: dict[Path, Mark]
    lines: dict[str, list[str]]

    def excerpt(self, mark: Mark, width: int = 1) -> str:
        """The line of a mark with carets under it."""
        lines = self.lines.get(mark.file, [])
        if not 0 < mark.line <= len(lines):
            return ""
        return excerpt(lines[mark.line - 1], mark, width)


def excerpt(text: str, mark: Mark, width: int = 1) -> str:
    """A source line with its number, and carets under `width` characters of it.

    Of a long line only the part around the mark is shown.
    """
    start = max(0, mark.column - 1 - _SHOWN // 2) if len(text) > _SHOWN else 0
    shown = "".join(c if c.isprintable() else "·" for c in text[start : start + _SHOWN])
    column = mark.column - 1 - start
    carets = "^" * max(1, min(width, len(shown) - column))
    return f"{mark.line:>5} │ {shown}\n      │ {' ' * column}{carets}"


def fault(lines: list[str], message: str, mark: Mark, hint: str = "") -> InputError:
    """What is wrong at a place, with its line."""
    text = lines[mark.line - 1] if 0 < mark.line <= len(lines) else ""
    hint = f"{hint}\nNothing was contacted." if hint else "Nothing was contacted."
    return InputError(message, where=str(mark), detail=excerpt(text, mark), hint=hint)

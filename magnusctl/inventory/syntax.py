"""What the YAML parser stumbled over, and what to do about it."""

from __future__ import annotations

from typing import Any

import yaml

from magnusctl.errors import InputError
from magnusctl.inventory.marks import Mark, fault

# What the parser says, and what a person can do about it.
_ADVICE = (
    ("did not find expected key", "is the indentation right?"),
    ("did not find expected '-' indicator", "is the indentation right?"),
    ("unknown escape", "put it in single quotes, where a backslash is itself"),
    ("cannot start any token", "put it in quotes"),
)


def explain(file: str, text: str, error: yaml.YAMLError) -> InputError:
    """The parser's error in plain words, at the place where a person must look."""
    lines = text.splitlines()
    position = getattr(error, "position", None)
    if position is not None:
        return _forbidden(file, text, position)
    at = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if at is None:
        return InputError(f"not YAML: {problem}", where=f"{file}:1:1")
    mark = _mark(file, at)
    tab = _tab(lines, mark)
    if tab:
        return fault(lines, "a tab in the indentation: YAML allows only spaces", tab)
    opened = getattr(error, "context_mark", None)
    context = getattr(error, "context", None) or ""
    if opened is not None and mark.line > len(lines):
        return _never_closed(lines, _mark(file, opened), context)
    hint = next((advice for words, advice in _ADVICE if words in problem), "")
    if "mapping values are not allowed" in problem:
        hint = _colon_advice(lines, mark)
    if opened is not None and opened.line + 1 < mark.line:
        hint = f"{hint} It began at line {opened.line + 1}.".strip()
    return fault(lines, f"not YAML: {problem}", mark, hint)


def _forbidden(file: str, text: str, position: int) -> InputError:
    """A character that YAML does not allow anywhere."""
    before = text[:position]
    mark = Mark(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
    nul = text[position : position + 1] == "\0"
    what = "a NUL character" if nul else "a control character"
    return fault(text.splitlines(), what, mark)


def _tab(lines: list[str], mark: Mark) -> Mark | None:
    """The tab in the indentation of the line that the parser stumbled over."""
    line = lines[mark.line - 1] if 0 < mark.line <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    return Mark(mark.file, mark.line, indent.index("\t") + 1) if "\t" in indent else None


def _never_closed(lines: list[str], mark: Mark, context: str) -> InputError:
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    opening = line[mark.column - 1 : mark.column]
    what = "this quote" if "quoted" in context else f"this '{opening}'"
    return fault(lines, f"not YAML: {what} is never closed", mark)


def _colon_advice(lines: list[str], mark: Mark) -> str:
    """A second colon in a line wants quotes; otherwise the line stands at the wrong place."""
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if ": " in line[: mark.column - 1]:
        return "a text with ': ' in it goes in quotes"
    return "is the indentation right, and is there a ':' in the line before?"


def _mark(file: str, at: Any) -> Mark:
    return Mark(file, at.line + 1, at.column + 1)

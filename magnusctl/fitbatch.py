"""Requests of other tools as lines of JSON, each answered by a line as soon as it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO

from magnusctl.fit.batch import answer

LONGEST = 4 << 20
"""Bytes of one line; no configuration of a model is so long."""
# Of a line that is no JSON, what can still be told: which request it was.
_ID = re.compile(rb'"id"\s*:\s*("(?:[^"\\]|\\.){0,200}"|-?\d{1,18}(?![\d.eE]))')


def answers(lines: BinaryIO, out: TextIO) -> None:
    """Answer each line, in their order; a bad one with nulls and the reason."""
    for line in _lines(lines):
        if line.strip():
            out.write(_text(_answer(line)) + "\n")
            out.flush()


def _lines(lines: BinaryIO) -> Iterator[bytes]:
    while line := lines.readline(LONGEST + 1):
        if len(line) > LONGEST:
            start = line
            while line and not line.endswith(b"\n"):
                line = lines.readline(LONGEST)
            line = start
        yield line


def _answer(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST:
        return _refused(line, f"the line is longer than {LONGEST >> 20} MiB")
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _refused(line, f"this is no JSON: {str(error)[:120]}")
    if not isinstance(request, dict):
        return _refused(b"", "this is no object")
    return answer(request)


def _refused(line: bytes, why: str) -> dict[str, Any]:
    found = _ID.search(line[:65536])
    try:
        known = json.loads(found[1]) if found else None
    except ValueError:
        known = None
    # An empty request has an answer with every field, and all of them null.
    return {**answer({}), "id": known, "reasons": [why]}


def _text(found: dict[str, Any]) -> str:
    try:
        return json.dumps(found, allow_nan=False)
    except ValueError:
        why = "the numbers of the request are out of all bounds"
        return json.dumps({**answer({}), "id": _plain(found.get("id")), "reasons": [why]})


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | None) else None

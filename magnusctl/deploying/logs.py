"""What a release logs, followed line by line: asked again and again, so nothing stays there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from magnusctl.asking import ask_one
from magnusctl.place import Place
from magnusctl.quote import sh
from magnusctl.releases.record import Record
from magnusctl.roles.daemon import LOGS
from magnusctl.state import Probe

_PAUSE_S = 1.0


@dataclass(frozen=True)
class _Part:
    lines: tuple[str, ...]
    cursor: str


def logged(place: Place, record: Record, lines: int, *, follow: bool) -> Iterator[str]:
    """The last lines of a release's log, then what comes. Raises MagnusError."""
    part = _asked(place, record, "-", lines)
    yield from part.lines
    while follow:
        time.sleep(_PAUSE_S)
        part = _asked(place, record, part.cursor, lines)
        yield from part.lines


def _asked(place: Place, record: Record, cursor: str, lines: int) -> _Part:
    log = "-" if record.unit.endswith(".service") else f"{LOGS}/{record.unit}.log"

    def parse(said: Sequence[str]) -> _Part:
        cursors = [line[7:] for line in said if line.startswith("cursor ")]
        found = tuple(line[4:] for line in said if line.startswith("log "))
        return _Part(found, cursors[-1] if cursors else cursor)

    words = sh("log_since", record.unit, log, cursor, lines)
    return ask_one(place, Probe("log", words, -1, parse, ("releases/models.sh",)))

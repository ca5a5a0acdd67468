"""What a host prints becomes answers and events; what the protocol does not know is an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from magnusctl.errors import ProtocolError
from magnusctl.state import Probe

MAX_LINE = 1 << 20
MAX_LINES = 200_000
_NOISE = 50
_WORDS = {
    **{"begin": 1, "end": 1, "start": 1, "ok": 1, "failed": 2, "conflict": 1, "skip": 2},
    **{"cancelled": 1, "undone": 1, "undo-failed": 2, "said": 2, "note": 1, "moved": 3},
    **{"locked": 4, "waiting": 4, "reclaimed": 2, "no-space": 0, "no-files": 1, "read-only": 1},
    **{"arm": 1, "confirm": 1, "confirmed": 0, "unarmed": 0},
    **{"reverting": 1, "reverted": 0, "revert-failed": 0, "reverting-job": 1, "unreverted": 1},
}
"""The words of a journal, and how many arguments each has at least."""
_NUMBERED = {
    *("begin", "start", "ok", "failed", "conflict", "skip", "undone", "undo-failed", "said"),
    *("arm", "confirm", "moved"),
}
_STEP_ENDS = {"ok", "failed", "conflict", "skip", "cancelled"}


@dataclass(frozen=True)
class Event:
    """A line of a job's journal: when, what, and about which step."""

    time: str
    word: str
    arguments: tuple[str, ...]


@dataclass
class Answers:
    """What a host printed so far: groups of lines by probe, and what steps said."""

    nonce: str
    groups: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    output: dict[int, list[str]] = field(default_factory=dict)
    noise: list[str] = field(default_factory=list)
    ended: bool = False
    manifest: str = ""
    heard: int = 0
    """How many lines of ours came, beats among them."""
    seen: int = 0
    """How many lines of a job's journal came."""
    at: str = "the beginning"
    """How far a job is, as `step 5/7`."""
    gone: str = ""
    """Why a job's journal has no end."""
    _group: str = ""
    _total: str = "?"
    _once: set[str] = field(default_factory=set)

    def read(self, lines: Iterable[str]) -> Iterator[Event]:
        """Take lines in; yield the events of the journal as they come.

        Raises ProtocolError for lines that the protocol does not know.
        """
        for count, line in enumerate(lines):
            if count > MAX_LINES or len(line) > MAX_LINE:
                raise ProtocolError("the answer is too long to be one", hint=_HOSTILE)
            if not line.startswith(self.nonce + " "):
                self.noise = [*self.noise[-_NOISE:], line[:200]] if line else self.noise
                continue
            event = self._understood(line.removeprefix(self.nonce + " "))
            if event:
                yield event

    def _understood(self, line: str) -> Event | None:
        self.heard += 1
        try:
            return self._framed(line)
        except (ValueError, IndexError):
            raise ProtocolError(f"unexpected answer {line[:60]!r}", hint=_HOSTILE) from None

    def _framed(self, line: str) -> Event | None:
        mark, _, rest = line.partition(" ")
        if mark == ">":
            self._group, _, count = rest.partition(" ")
            self.groups[self._group], self.wanted[self._group] = [], int(count)
        elif mark in {".", "x"} and self._group:
            self.groups[self._group].append(_plain(rest) if mark == "x" else rest)
        elif mark == "j":
            return self._journal(rest)
        elif mark == "m":
            self.manifest = rest
        elif mark == "end":
            self.ended = True
        elif mark == "gone":
            self.gone = rest or "gone"
        elif mark != "b":
            raise ValueError(mark)
        return None

    def _journal(self, line: str) -> Event | None:
        self.seen += 1
        event = event_of(line)
        self._require_new(event)
        if event.word == "begin":
            self._total = event.arguments[0]
        elif event.word == "start":
            self.at = f"step {int(event.arguments[0]) + 1}/{self._total}"
        if event.word != "said":
            return event
        number, how, text = line.split(" ", 4)[2:]
        said = _plain(text) if how == "x" else text
        self.output.setdefault(_index(number), []).append(said)
        return None

    def _require_new(self, event: Event) -> None:
        """Raise ValueError for what a journal says once and was said before."""
        word, number = event.word, event.arguments[0] if event.arguments else ""
        said = {"begin": "begin", "end": "end", "confirm": "confirm", "start": f"start {number}"}
        once = f"end {number}" if word in _STEP_ENDS else said.get(word, "")
        if self.seen > MAX_LINES or once in self._once:
            raise ValueError(event)
        self._once |= {once} if once else set()

    @property
    def finished(self) -> bool:
        """Whether a job's journal came to its end; what it found then may still be missing."""
        return "end" in self._once

    def lines(self, probe: Probe[Any]) -> list[str]:
        """The answers to one probe. Raises ProtocolError when they are not all there."""
        if not self.ended:
            raise ProtocolError("the answer has no end", detail="\n".join(self.noise[-5:]))
        lines = self.groups.get(probe.name, [])
        if probe.lines >= 0 and len(lines) != probe.lines:
            raise ProtocolError(
                f"{len(lines)} answers to {probe.lines} questions about {probe.name}",
                detail="\n".join(self.noise[-5:]),
            )
        return lines


def event_of(line: str) -> Event:
    """A line of a journal. Raises ValueError for one that is none."""
    time, word, *arguments = line.split(" ")
    if len(arguments) < _WORDS.get(word, MAX_LINES):
        raise ValueError(f"{word[:20]} with {len(arguments)} arguments")
    if word in _NUMBERED:
        _index(arguments[0])
    return Event(time, word, tuple(arguments))


UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What a parser raises for words that no honest host says."""
_HOSTILE = "Is this the host you think it is? Nothing of its answer was used."


def _index(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise ValueError(text[:20])
    return int(text)


def _plain(text: str) -> str:
    plain = bytes.fromhex(text).decode("utf-8", "surrogateescape")
    if "\0" in plain:
        raise ValueError("a NUL byte")
    return plain

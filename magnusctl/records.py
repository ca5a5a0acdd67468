"""What a host kept about its jobs, read back: manifests, journals, origins. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from magnusctl import undo
from magnusctl.answers import UNREADABLE, Event, event_of
from magnusctl.errors import ProtocolError
from magnusctl.job import About
from magnusctl.quote import sh
from magnusctl.report import JobLine
from magnusctl.state import Probe, Resource

FILES = ("process.sh", "follow.sh", "jobs.sh")


@dataclass(frozen=True)
class Record:
    """A change that was made, and what declares the state before it; or why nothing can."""

    id: str
    step: int
    at: str
    answer: str
    former: Resource | str


@dataclass(frozen=True)
class Manifest:
    """What a job is, and what it set out to change."""

    about: About
    changes: tuple[Record, ...]

    @property
    def names(self) -> list[tuple[str, ...]]:
        """The resources of every step."""
        total = 1 + max((change.step for change in self.changes), default=-1)
        return [
            tuple(change.id for change in self.changes if change.step == number)
            for number in range(total)
        ]


def manifest(text: str) -> Manifest:
    """Raises ProtocolError for what is none, or was written by a version unlike this one."""
    try:
        found = json.loads(text)
        changes = tuple(map(_record, found["changes"]))
        if any(not 0 <= change.step < len(changes) for change in changes):
            raise ValueError("a step that it cannot have")
        return Manifest(_about(found["about"]), changes)
    except UNREADABLE as error:
        raise ProtocolError(
            f"what the job says of itself cannot be read: {type(error).__name__}",
            hint="Was it made by another version of magnusctl? Use that one.",
        ) from None


def _about(found: Mapping[str, Any]) -> About:
    return About(**{name: str(found[name]) for name in About.__dataclass_fields__})


def _record(found: Mapping[str, Any]) -> Record:
    back = found["former"]
    return Record(
        id=str(found["id"]),
        step=int(found.get("step", 0)),
        at=str(found.get("at", "")),
        answer=str(found["answer"]),
        former=back if isinstance(back, str) else undo.decode(back),
    )


def jobs_probe() -> Probe[Sequence[JobLine]]:
    """The jobs that a host remembers, the latest last."""

    def parse(lines: Sequence[str]) -> Sequence[JobLine]:
        found = []
        for line in lines:
            order, name, state, at, about = line.split(" ", 4)
            told = _about(json.loads(about))
            one = JobLine(name, state, at, told.verb, told.who, told.at, told.plan)
            found.append((int(order) if order.isdecimal() else 0, one))
        return [one for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].when))]

    return Probe("jobs", "ask_jobs", -1, parse, FILES)


def ends_probe(jobs: Sequence[str]) -> Probe[Mapping[str, tuple[str, str]]]:
    """What became of some jobs, and when: `{job: (state, time)}`; a job may be unknown there."""

    def parse(lines: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        pairs = (line.partition(" ") for line in lines)
        return {job: (state, when) for job, (state, _, when) in zip(jobs, pairs, strict=True)}

    return Probe("ends", sh("ask_ends", *jobs), len(jobs), parse, FILES)


def journal_probe(job: str) -> Probe[tuple[Manifest, list[Event]] | None]:
    """A job's manifest and journal; None when the host does not know it."""

    def parse(lines: Sequence[str]) -> tuple[Manifest, list[Event]] | None:
        if not lines:
            return None
        return manifest(lines[0]), [event_of(line) for line in lines[1:] if line]

    return Probe("journal", sh("ask_journal", job), -1, parse, FILES)


def audit_probe() -> Probe[list[dict[str, Any]]]:
    """Who did what on a host: its own lines, oldest first."""

    def parse(lines: Sequence[str]) -> list[dict[str, Any]]:
        return [found for line in lines if isinstance(found := _json(line), dict)]

    return Probe("audit", "ask_audit", -1, parse, FILES)


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def origins_probe() -> Probe[Sequence[Record]]:
    """What everything was before the first change, in the order of the first changes."""

    def parse(lines: Sequence[str]) -> Sequence[Record]:
        pairs = (line.partition(" ") for line in lines if line)
        found = [_origin(order, text) for order, _, text in pairs]
        return [one for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].at))]

    return Probe("origins", "ask_origins", -1, parse, FILES)


LOST = "what it was before is not known any more: a power cut took the record"


def _origin(order: str, text: str) -> tuple[int, Record]:
    if order == "lost":
        return 0, Record(id=text, step=0, at="", answer="", former=LOST)
    return int(order), _record(json.loads(text))


def made(found: Manifest, events: Iterable[Event]) -> list[Record]:
    """The changes that a job made, wholly or in part, and did not take back itself."""
    touched: set[int] = set()
    for event in events:
        if event.word in ("ok", "failed"):
            touched.add(int(event.arguments[0]))
        elif event.word in ("undone", "conflict"):
            touched.discard(int(event.arguments[0]))
        elif event.word == "start":
            touched.add(int(event.arguments[0]))
    return [change for change in found.changes if change.step in touched]

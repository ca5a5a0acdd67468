"""One job on its way: what was heard of it so far, and which jobs of this process there are."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from magnusctl import following
from magnusctl.answers import Answers, Event
from magnusctl.converge import Machine
from magnusctl.ended import Ended
from magnusctl.errors import ProtocolError
from magnusctl.report import Status, StepDone
from magnusctl.report.moved import Pace

_CONFIRM_S = 600.0
_DIGITS = 18
_WORDS = {
    "ok": Status.OK,
    "failed": Status.FAILED,
    "conflict": Status.CONFLICT,
    "skip": Status.SKIPPED,
    "cancelled": Status.CANCELLED,
    "undone": Status.REVERTED,
    "start": Status.RUNNING,
}


class Listener(Protocol):
    """Whoever hears what happens on a host; called from many threads."""

    def step(self, event: StepDone) -> None:
        """A step began or ended."""
        ...

    def note(self, host: str, text: str) -> None:
        """Something that a person who waits wants to know."""
        ...


@dataclass
class Run:
    """One job on its way: what was heard of it so far."""

    machine: Machine
    id: str
    names: Sequence[tuple[str, ...]]
    """The resources of every step."""
    listener: Listener
    statuses: dict[str, Status]
    answers: Answers = field(default_factory=lambda: Answers(secrets.token_hex(8)))
    events: list[Event] = field(default_factory=list)
    unconfirmed: str = ""
    paces: dict[int, Pace] = field(default_factory=dict)

    def heard(self, event: Event) -> None:
        """Take in one line of the journal."""
        self.events.append(event)
        if event.word in _WORDS and event.arguments and event.arguments[0] != "lock":
            self._step(event)
        elif event.word == "moved":
            self._moved(event)
        elif event.word == "confirm":
            # However long the host says that it waits, this is how long we are kept busy.
            longest = max(_CONFIRM_S, self.machine.host.confirm_timeout)
            self._confirm(min(float(event.arguments[0]), longest))
        else:
            text = _told(event)
            if text:
                self.listener.note(self.machine.name, text)

    def _place(self, event: Event) -> tuple[int, tuple[str, ...]]:
        """The step that an event is about, and its resources."""
        try:
            number = int(event.arguments[0])
            return number, self.names[number if number >= 0 else len(self.names)]
        except (ValueError, IndexError):
            message = f"an event about no step: {event}"
            raise ProtocolError(message, host=self.machine.name) from None

    def _moved(self, event: Event) -> None:
        number, names = self._place(event)
        count, total = event.arguments[1:3]
        if not all(word.isdecimal() and len(word) <= _DIGITS for word in (count, total)):
            raise ProtocolError(f"no number of bytes: {event}", host=self.machine.name)
        pace = self.paces.setdefault(number, Pace())
        moved = pace.moved(event.time, int(count), int(total))
        done = StepDone(self.machine.name, number, len(self.names), names, Status.RUNNING, moved)
        self.listener.step(done)

    def _step(self, event: Event) -> None:
        number, names = self._place(event)
        total = len(self.names)
        status = _WORDS[event.word]
        # What failed and was taken back has failed.
        news = [name for name in names if self.statuses.get(name) in (None, Status.OK)]
        if status is not Status.RUNNING:
            self.statuses.update(dict.fromkeys(news, status))
        self.listener.step(StepDone(self.machine.name, number, total, names, status))

    def _confirm(self, seconds: float) -> None:
        said = following.confirm(self.machine, self.id, seconds, self.listener.note)
        if said == "confirmed":
            self.listener.note(self.machine.name, "confirmed over a new connection")
        else:
            self.unconfirmed = said


def _told(event: Event) -> str:
    """An event in words, where a person who waits wants to know it."""
    words = event.arguments
    match event.word:
        case "waiting":
            return f"waiting for job {words[0]} by {words[1]}, at step {words[3]}"
        case "reclaimed":
            return f"took the lock of job {words[0]}, which is dead ({words[1].replace('-', ' ')})"
        case "reverting":
            return f"taking back: {' '.join(words).replace('-', ' ')}"
        case "undo-failed":
            return f"taking back step {int(words[0]) + 1} FAILED"
        case "reverting-job":
            return f"job {words[0]} died unconfirmed: taking its changes back first"
        case "note":
            return " ".join(words[1:])
    return ""


def ended(run: Run) -> Ended:
    """What is known of a job that was heard to its end."""
    if any(number >= len(run.names) for number in run.answers.output):
        message = "words of a step that the job does not have"
        raise ProtocolError(message, host=run.machine.name)
    output = {
        resource: lines
        for number, lines in run.answers.output.items()
        for resource in run.names[number]
    }
    name = run.machine.name
    gone = run.answers.gone
    return Ended(name, run.id, run.events, run.statuses, output, run.unconfirmed, gone, run.names)


class Running:
    """The jobs of this process that are on their way, so that Ctrl-C can speak of them."""

    def __init__(self) -> None:
        self.called_off = False
        """Whether somebody said that nothing more is to be begun, on any host."""
        self._jobs: dict[str, tuple[Machine, str]] = {}

    def start(self, machine: Machine, name: str) -> None:
        """A job was sent."""
        self._jobs[machine.name] = (machine, name)

    def end(self, machine: Machine) -> None:
        """It was heard to its end, or its link is gone."""
        self._jobs.pop(machine.name, None)

    def all(self) -> Sequence[tuple[Machine, str]]:
        """Every machine with its job."""
        return list(self._jobs.values())


running = Running()

"""One host made what its plan says: jobs, rounds, and what each change came to."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from magnusctl import __version__, audit, converge, following, job, leftalone
from magnusctl.answers import Answers, Event
from magnusctl.converge import Machine, Observation
from magnusctl.ended import Ended
from magnusctl.ending import raise_for
from magnusctl.errors import ConflictError, HostError, MagnusError, PreconditionError, ProtocolError
from magnusctl.job import About, Job
from magnusctl.plan import as_json
from magnusctl.report import Outcome, Status, StepDone
from magnusctl.state import Plan, canonical, digest

MAX_ROUNDS = 3
_CONFIRM_S = 600.0
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


@dataclass(frozen=True)
class Errand:
    """Why a job is sent: the verb, and how long it may wait for another job."""

    verb: str = "provision"
    wait_lock_s: int = 0
    keeps: bool = True
    """Whether what was before is the first state of what it changes; a way back keeps none."""


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

    def heard(self, event: Event) -> None:
        """Take in one line of the journal."""
        self.events.append(event)
        if event.word in _WORDS and event.arguments and event.arguments[0] != "lock":
            self._step(event)
        elif event.word == "confirm":
            # However long the host says that it waits, this is how long we are kept busy.
            longest = max(_CONFIRM_S, self.machine.host.confirm_timeout)
            self._confirm(min(float(event.arguments[0]), longest))
        else:
            text = _told(event)
            if text:
                self.listener.note(self.machine.name, text)

    def _step(self, event: Event) -> None:
        total = len(self.names)
        try:
            number = int(event.arguments[0])
            names = self.names[number if number >= 0 else total]
        except (ValueError, IndexError):
            message = f"an event about no step: {event}"
            raise ProtocolError(message, host=self.machine.name) from None
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


def provision(machine: Machine, shown: Plan, listener: Listener, errand: Errand) -> Outcome:
    """Apply a plan; what becomes known after a stage is planned again and applied, too.

    Never raises for what happens on the host: the outcome tells it.
    """
    started = time.monotonic()
    statuses: dict[str, Status] = {}
    name, error, left = "", None, shown
    try:
        units = leftalone.watched(machine, shown)
        before_all = leftalone.running(machine, units)
        for _ in range(MAX_ROUNDS):
            refusal = without_way_back(machine, left)
            if refusal:
                raise refusal
            todo = make_job(machine, left, errand)
            if not todo.stages.steps:
                raise _stays(machine, left)
            name = todo.about.job
            run = Run(machine, name, names_of(todo), listener, statuses)
            observation = carry_out(run, todo)
            before, left = left, converge.plan(machine, observation)
            raise_for(ended(run))
            leftalone.require_undisturbed(machine, units, before_all, name)
            if not left:
                break
            _may_go_on(machine, shown, before, left)
        else:
            raise _stays(machine, left)
    except MagnusError as problem:
        problem.host = problem.host or machine.name
        error = problem
    return Outcome(machine.name, left, statuses, name, time.monotonic() - started, error)


def without_way_back(machine: Machine, plan: Plan) -> PreconditionError | None:
    """The refusal of a plan that can cut us off and could not be taken back; None when it can."""
    lacking = job.no_way_back(plan)
    if not lacking:
        return None
    return PreconditionError(
        "what can cut this host off must have a way back, and this has none. Nothing was run.",
        host=machine.name,
        detail="\n".join(f"  {name}: {why}" for name, why in lacking),
        hint="Bring it into a state that can be had again, at its console.",
    )


def new_job() -> str:
    """A job's id: its day, and enough chance that no two are the same."""
    return f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(3)}"


def make_job(machine: Machine, plan: Plan, errand: Errand) -> Job:
    """The job that makes a plan true on a host."""
    about = About(
        job=new_job(),
        host=machine.name,
        verb=errand.verb,
        who=audit.who(),
        at=audit.now(),
        tool=__version__,
        plan=digest(canonical(as_json(plan))),
    )
    return Job(
        about,
        job.stages(plan),
        converge.closing_probes(machine),
        wait_s=errand.wait_lock_s,
        confirm_s=int(machine.host.confirm_timeout),
        keeps=errand.keeps,
    )


def names_of(todo: Job) -> list[tuple[str, ...]]:
    """The resources of every step."""
    return [tuple(change.resource.id for change in step.changes) for step in todo.stages.steps]


def carry_out(run: Run, todo: Job) -> Observation:
    """Send a job, hear it to its end, and tell what the host is now."""
    machine = run.machine
    about = job.about_json(todo.about)
    audit.write_or_tell(run.listener.note, event="sent", **about)
    running.start(machine, run.id)
    result = "unknown"
    try:
        request = job.request(
            todo, run.answers.nonce, root=machine.root, privilege=machine.privilege
        )
        following.send(machine, run.id, request, run.answers, run.heard, run.listener.note)
        result = next((e.arguments[0] for e in run.events if e.word == "end"), run.answers.gone)
    finally:
        running.end(machine)
        audit.write_or_tell(run.listener.note, event="heard", result=result, **about)
    return _state_after(run)


def _state_after(run: Run) -> Observation:
    """What the closing probe said; a job that died or never began is asked after by a new one."""
    complete = run.answers.ended and "facts" in run.answers.groups
    if complete:
        return converge.observation_of(run.machine, run.answers)
    return converge.observe(run.machine)


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


def _may_go_on(machine: Machine, shown: Plan, before: Plan, left: Plan) -> None:
    """A later round does only what the shown plan had as unknown."""
    if not before.unknown:
        raise _stays(machine, left)
    allowed = {change.resource.id for change in shown.changes}
    more = [change.resource.id for change in left.changes if change.resource.id not in allowed]
    if more:
        raise ConflictError(
            f"it now wants more than the plan that was shown: {', '.join(more)}",
            host=machine.name,
            hint=f"Look at it with:  magnusctl plan -l {machine.name}",
        )


def _stays(machine: Machine, left: Plan) -> HostError:
    names = ", ".join(change.resource.id for change in left.changes)
    return HostError(
        f"everything was applied, and this stays different: {names}",
        host=machine.name,
        detail="\n".join(list(_differences(left))[:8]),
        hint="Something else on this host sets it back, or it cannot be set there.",
    )


def _differences(left: Plan) -> Iterator[str]:
    for change in left.changes:
        for key in change.differs:
            had = (change.before or {}).get(key)
            yield f"  {change.resource.id}: {key} is {had!r}, declared {change.after[key]!r}"


class Running:
    """The jobs of this process that are on their way, so that Ctrl-C can speak of them."""

    def __init__(self) -> None:
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

"""One host: ask what is, plan, apply, ask again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from magnusctl import facts as facts_of
from magnusctl import script
from magnusctl.errors import ConflictError, HostError, MagnusError, ProtocolError, Unreachable
from magnusctl.facts import Facts
from magnusctl.inventory.model import Host
from magnusctl.plan import diff
from magnusctl.quote import sh
from magnusctl.report import Outcome, Status, StepDone
from magnusctl.resources import probes, shell_files
from magnusctl.resources.block import Block
from magnusctl.resources.file import File
from magnusctl.script import Answers, Event
from magnusctl.state import Observed, Plan, Probe, Resource, Step
from magnusctl.transport import PROBE_IDLE_S, Transport

MAX_ROUNDS = 3
MAX_TOLD = 5
_WORDS = {
    "ok": Status.OK,
    "failed": Status.FAILED,
    "conflict": Status.CONFLICT,
    "skip": Status.SKIPPED,
}


@dataclass(frozen=True)
class Machine:
    """A host with what is declared for it and a way to reach it."""

    name: str
    host: Host
    desired: tuple[Resource, ...]
    transport: Transport
    simulated: bool = False

    @property
    def root(self) -> str:
        """The folder that every path is below, or empty."""
        return self.host.root or ""


@dataclass(frozen=True)
class Observation:
    """What a host answered: its facts, the state of every resource, and other probes' results."""

    facts: Facts
    states: Mapping[str, Observed]
    answers: Mapping[str, Any]
    raw: Mapping[str, Sequence[str]]


Listener = Callable[[StepDone], None]


def text_probe(desired: Sequence[Resource]) -> Probe[Mapping[str, str]]:
    """The texts of the declared files, for --diff."""
    paths = [r.path for r in desired if isinstance(r, File | Block)]

    def parse(lines: Sequence[str]) -> Mapping[str, str]:
        texts: dict[str, str] = {}
        path = ""
        for line in lines:
            if line.startswith("= "):
                path = paths[int(line[2:])]
            else:
                texts[path] = texts.get(path, "") + line[2:] + "\n"
        return texts

    return Probe("text", sh("ask_text", *paths), -1, parse, shell_files(["file"]))


def observe(machine: Machine, more: Sequence[Probe[Any]] = ()) -> Observation:
    """Ask everything in one exec. Raises MagnusError; nothing is changed."""
    asked = _asked(machine, more)
    nonce = secrets.token_hex(8)
    request = script.probe_request(asked, nonce, root=machine.root, become=machine.host.become)
    answers = Answers(nonce)
    said = machine.transport.execute(request.command, request.stdin, PROBE_IDLE_S)
    for event in answers.read(said):
        raise ProtocolError(f"a probe reported an event: {event.word}", host=machine.name)
    observation = _observation(machine, answers, more)
    facts_of.require_os(machine.name, machine.host, observation.facts)
    return observation


def script_of(machine: Machine, todo: Sequence[Step]) -> str:
    """The shell text of a job, as it would run there."""
    return script.job_text(todo, _asked(machine, ()))


def _asked(machine: Machine, more: Sequence[Probe[Any]]) -> list[Probe[Any]]:
    return [facts_of.PROBE, *probes(machine.desired), *more]


def _observation(machine: Machine, answers: Answers, more: Sequence[Probe[Any]]) -> Observation:
    try:
        states: dict[str, Observed] = {}
        for probe in probes(machine.desired):
            states.update(probe.parse(answers.lines(probe)))
        facts = facts_of.parse(answers.lines(facts_of.PROBE))
        others = {probe.name: probe.parse(answers.lines(probe)) for probe in more}
    except ProtocolError as error:
        error.host = machine.name
        raise
    except (ValueError, IndexError) as error:
        raise ProtocolError(f"an answer cannot be read: {error}", host=machine.name) from None
    raw = {"facts": answers.groups["facts"]}
    raw.update({name: [observed.answer] for name, observed in states.items()})
    return Observation(facts, states, others, raw)


def questions(desired: Sequence[Resource]) -> dict[str, list[str]]:
    """What each probe asks, in order: what a recording must answer."""
    asked = {"facts": ["facts"]}
    for kind in sorted({resource.kind for resource in desired}):
        asked[kind] = [resource.id for resource in desired if resource.kind == kind]
    return asked


def plan(machine: Machine, observation: Observation) -> Plan:
    """What differs on this host."""
    return diff(machine.name, machine.desired, observation.states)


def provision(machine: Machine, shown: Plan, listener: Listener) -> Outcome:
    """Apply a plan; what becomes known after a stage is planned again and applied, too.

    Never raises for what happens on the host: the outcome tells it.
    """
    started = time.monotonic()
    statuses: dict[str, Status] = {}
    job, error, left = "", None, shown
    try:
        for _ in range(MAX_ROUNDS):
            todo = script.job_steps(left)
            if not todo:
                raise _stays(machine, left)
            job = new_job()
            observation, output = _apply(machine, job, todo, statuses, listener)
            before, left = left, plan(machine, observation)
            _raise_failed(machine, job, statuses, output)
            if not left:
                break
            _may_go_on(machine, shown, before, left)
        else:
            raise _stays(machine, left)
    except MagnusError as problem:
        problem.host = problem.host or machine.name
        error = problem
    return Outcome(machine.name, left, statuses, job, time.monotonic() - started, error)


def new_job() -> str:
    """A job's id: its day, and enough chance that no two are the same."""
    return f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(3)}"


def _apply(
    machine: Machine,
    job: str,
    todo: Sequence[Step],
    statuses: dict[str, Status],
    listener: Listener,
) -> tuple[Observation, dict[str, list[str]]]:
    """Run a job; how its changes end is entered into `statuses` as it is heard."""
    nonce = secrets.token_hex(8)
    text = script_of(machine, todo)
    request = script.apply_request(
        job, todo, text, nonce, root=machine.root, become=machine.host.become
    )
    answers = Answers(nonce)
    begun = False
    try:
        for event in answers.read(machine.transport.execute(request.command, request.stdin)):
            begun = True
            _note(machine, event, todo, statuses, listener)
    except Unreachable as error:
        if begun:
            error.detail = f"  Job {job} began there and goes on to its end; only the link is gone."
            error.hint = f"See what stands with:  magnusctl plan -l {machine.name}"
        raise
    if any(number >= len(todo) for number in answers.output):
        raise ProtocolError("words of a step that the job does not have", host=machine.name)
    output = {
        change.resource.id: lines
        for number, lines in answers.output.items()
        for change in todo[number].changes
    }
    return _observation(machine, answers, ()), output


def _note(
    machine: Machine,
    event: Event,
    todo: Sequence[Step],
    statuses: dict[str, Status],
    listener: Listener,
) -> None:
    if event.word in ("begin", "end"):
        return
    try:
        number = int(event.arguments[0])
        step = todo[number if number >= 0 else len(todo)]
    except (ValueError, IndexError):
        raise ProtocolError(f"an event about no step: {event}", host=machine.name) from None
    status = _WORDS.get(event.word, Status.RUNNING)
    names = tuple(change.resource.id for change in step.changes)
    statuses.update({name: status for name in names if status is not Status.RUNNING})
    listener(StepDone(machine.name, number, len(todo), names, status))


def _raise_failed(
    machine: Machine,
    job: str,
    statuses: Mapping[str, Status],
    output: Mapping[str, list[str]],
) -> None:
    """Raise for the steps that did not succeed, in their own words."""
    for status, kind, what in (
        (Status.FAILED, HostError, "failed"),
        (Status.CONFLICT, ConflictError, "changed since it was planned, so it was left alone"),
    ):
        names = [name for name, end in statuses.items() if end is status]
        if names:
            more = f"; so did {len(names) - 1} more" if len(names) > 1 else ""
            raise kind(
                f"{names[0]} {what}{more}",
                host=machine.name,
                detail="\n".join(_words_of(names[:MAX_TOLD], output)),
                hint=f"All of it: /var/lib/magnus/jobs/{job} there. "
                f"See what stands with:  magnusctl plan -l {machine.name}",
            )


def _words_of(names: Sequence[str], output: Mapping[str, list[str]]) -> Iterator[str]:
    """What each of some changes said last, under its name if there are several."""
    for name in names:
        if len(names) > 1:
            yield f"  {name}"
        yield from (f"    {line}" for line in output.get(name, [])[-8:])


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
    lines = [
        f"  {change.resource.id}: {key} is {(change.before or {}).get(key)!r}, "
        f"declared {change.after[key]!r}"
        for change in left.changes
        for key in change.differs
    ]
    names = ", ".join(change.resource.id for change in left.changes)
    return HostError(
        f"everything was applied, and this stays different: {names}",
        host=machine.name,
        detail="\n".join(lines[:8]),
        hint="Something else on this host sets it back, or it cannot be set there.",
    )

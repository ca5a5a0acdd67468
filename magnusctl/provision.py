"""One host made what its plan says: jobs, rounds, and what each change came to."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from magnusctl import __version__, audit, converge, following, job, leftalone, rebooting, stages
from magnusctl.converge import Machine, Observation
from magnusctl.ending import raise_for
from magnusctl.errand import Errand
from magnusctl.errors import (
    ConflictError,
    HostError,
    Interrupted,
    MagnusError,
    PreconditionError,
    Reverted,
)
from magnusctl.job import About, Job
from magnusctl.plan import as_json
from magnusctl.report import Outcome, Status
from magnusctl.run import Listener, Run, ended, running
from magnusctl.state import Plan, canonical, digest

MAX_ROUNDS = 4


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
        for number in range(MAX_ROUNDS):
            if number and running.called_off:
                raise _called_off(machine, left)
            permission = errand.judge(machine.name, left)
            if permission.held and not number:
                return Outcome(machine.name, shown, error=permission.held, held=True)
            refusal = permission.held or without_way_back(machine, left)
            if refusal:
                raise refusal
            todo = make_job(machine, left, errand, permission.seconds)
            todo = replace(todo, spared=tuple(units))
            if not todo.stages.steps:
                raise _stays(machine, left)
            name = todo.about.job
            run = Run(machine, name, names_of(todo), listener, statuses)
            observation = carry_out(run, todo)
            before, left = left, converge.plan(machine, observation)
            raise_for(ended(run))
            if not rebooting.boots(run):
                leftalone.require_undisturbed(machine, units, before_all, name)
            else:
                observation = rebooting.after_boot(machine, observation, listener.note)
                left = _booted(machine, before, converge.plan(machine, observation))
                before_all = leftalone.running(machine, units)
            if not left:
                break
            _may_go_on(machine, shown, before, left)
        else:
            raise _stays(machine, left)
    except MagnusError as problem:
        problem.host = problem.host or machine.name
        error = errand.explain(problem)
    return Outcome(machine.name, left, statuses, name, time.monotonic() - started, error)


def settle(machine: Machine, shown: Plan, listener: Listener, errand: Errand) -> Outcome:
    """Have a host take back what a dead job left unconfirmed, although nothing else is to be done:
    what looks as declared would not stay so. Never raises, as `provision`."""
    started = time.monotonic()
    left, name, error = shown, "", None
    try:
        permission = errand.judge(machine.name, shown)
        if permission.held:
            return Outcome(machine.name, shown, error=permission.held, held=True)
        todo = make_job(machine, shown, errand, permission.seconds)
        name = todo.about.job
        run = Run(machine, name, names_of(todo), listener, {})
        left = converge.plan(machine, carry_out(run, todo))
        raise_for(ended(run))
        taken = [event.arguments[0] for event in run.events if event.word == "reverting-job"]
        if taken:
            raise Reverted(
                f"job {taken[0]} there was never confirmed, and was taken back now",
                host=machine.name,
                hint="Run the same command again: it plans from what is.",
            )
    except MagnusError as problem:
        problem.host = problem.host or machine.name
        error = problem
    return Outcome(machine.name, left, {}, name, time.monotonic() - started, error)


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


def make_job(machine: Machine, plan: Plan, errand: Errand, seconds: float = math.inf) -> Job:
    """The job that makes a plan true on a host; it waits for its turn no longer than `seconds`."""
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
        stages.stages(plan),
        converge.closing_probes(machine),
        wait_s=int(min(errand.wait_lock_s, seconds)),
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


def _may_go_on(machine: Machine, shown: Plan, before: Plan, left: Plan) -> None:
    """A later round does only what the shown plan had as unknown, or for after a boot."""
    if not stages.deferred(before):
        raise _stays(machine, left)
    allowed = {change.resource.id for change in shown.changes}
    more = [change.resource.id for change in left.changes if change.resource.id not in allowed]
    if more:
        raise ConflictError(
            f"it now wants more than the plan that was shown: {', '.join(more)}",
            host=machine.name,
            hint=f"Look at it with:  magnusctl plan -l {machine.name}",
        )


def _called_off(machine: Machine, left: Plan) -> Interrupted:
    names = ", ".join(change.resource.id for change in left.changes[:3])
    return Interrupted(
        f"cancelled; {len(left)} changes were not begun: {names}",
        host=machine.name,
        hint="Run the same command again: it goes on from what is.",
    )


def _booted(machine: Machine, before: Plan, left: Plan) -> Plan:
    """What is left after a boot. Raises HostError when the boot did not do what it was for."""
    wanted = {change.resource.id for change in before.changes if change.resource.kind == "reboot"}
    again = [change for change in left.changes if change.resource.id in wanted]
    if again:
        raise _stays(machine, Plan(left.host, tuple(again)))
    return left


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

"""Jobs that somebody started: which there are, how they go on, who did what."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from magnusctl import following, records
from magnusctl.answers import Answers
from magnusctl.asking import ask_one
from magnusctl.converge import Machine
from magnusctl.ending import raise_for
from magnusctl.errors import InputError, MagnusError
from magnusctl.fleet import Fleet
from magnusctl.parallel import each
from magnusctl.quote import sh
from magnusctl.report import Garbage, JobLine
from magnusctl.run import Listener, Run, ended
from magnusctl.state import Probe


def jobs(fleet: Fleet) -> dict[str, Sequence[JobLine] | MagnusError]:
    """The jobs of every host, the latest last."""
    return each(
        fleet.names,
        lambda name: ask_one(fleet.machine(name), records.jobs_probe()),
        fleet.workers,
    )


def history(machine: Machine) -> list[dict[str, Any]]:
    """The audit lines of a host, oldest first."""
    return ask_one(machine, records.audit_probe())


def named(machine: Machine, job: str, *, running: bool) -> str:
    """A job by its name; without one the job that runs, or else the last.

    Raises InputError when there is none.
    """
    if job:
        return job
    found = ask_one(machine, records.jobs_probe())
    lives = [one.job for one in found if one.state in ("running", "reverting")]
    others = [] if running else [one.job for one in found]
    if not lives and not others:
        what = "no job runs there" if found else "no job ever ran there"
        raise InputError(what, where=machine.name)
    return (lives or others)[-1]


def attach(machine: Machine, job: str, listener: Listener) -> Run:
    """Follow a job from its first line to its end, and raise what it ended with.

    Whoever follows has come in anew, so a job that waits to be confirmed is.
    """
    found = ask_one(machine, records.journal_probe(job))
    if found is None:
        raise InputError(
            f"it knows no job {job}",
            where=machine.name,
            hint=f"Its jobs:  magnusctl jobs -l {machine.name}",
        )
    run = Run(machine, job, found[0].names, listener, {}, Answers(secrets.token_hex(8)))
    following.attach(machine, job, run.answers, run.heard, listener.note)
    raise_for(ended(run))
    return run


def cancel(machine: Machine, job: str) -> str:
    """Ask a job to end after its current step, in words of what that came to."""
    name = named(machine, job, running=True)
    said = following.cancel(machine, name)
    if said == "unknown":
        raise InputError(f"it knows no job {name}", where=machine.name)
    if said == "over":
        return f"{machine.name}: job {name} is over already."
    return (
        f"{machine.name}: job {name} ends after its current step. "
        f"Follow it with:  magnusctl attach {machine.name} {name}"
    )


def collect(fleet: Fleet, keep: int, *, really: bool) -> dict[str, Sequence[Garbage] | MagnusError]:
    """What hosts no longer need, when the newest `keep` jobs stay; with `really` it goes."""

    def parse(lines: Sequence[str]) -> Sequence[Garbage]:
        fields = (line.split(" ", 2) for line in lines)
        return [Garbage(kind, int(size or 0), name) for kind, size, name in fields]

    words = sh("collect", keep, "yes" if really else "no")
    probe = Probe("garbage", words, -1, parse, (*records.FILES, "gc.sh"))
    return each(
        fleet.names,
        lambda name: ask_one(fleet.machine(name), probe),
        fleet.workers,
    )

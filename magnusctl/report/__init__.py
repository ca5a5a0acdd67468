"""What happened, as values; how it is drawn is for the modules beside this one. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from magnusctl.errors import Exit, MagnusError
from magnusctl.quote import sh
from magnusctl.report.moved import Moved
from magnusctl.state import Plan

SCHEMA = 1
"""Version of every JSON object that is printed."""


class Status(StrEnum):
    """How a change ended, or that it has not yet."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    CONFLICT = "conflict"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    REVERTED = "reverted"


class Verdict(StrEnum):
    """What a check says; unknown: it did not answer."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class StepDone:
    """A step of a job began or ended, or is so far; `number` counts from 0."""

    host: str
    number: int
    total: int
    resources: tuple[str, ...]
    status: Status
    moved: Moved | None = None


@dataclass(frozen=True)
class Measure:
    """A number, its unit, whether more is better, and half of what its middle half spans."""

    value: float
    unit: str
    higher: bool = True
    half: float = 0.0


@dataclass(frozen=True)
class Way:
    """One direction of a link, and what was looked at on it: rate, ping, mtu or port."""

    what: str
    link: str
    one: str
    two: str


Named = tuple[str, str]  # a result, by its subject and check


@dataclass(frozen=True)
class Result:
    """What one check found on a host or a link."""

    subject: str
    check: str
    verdict: Verdict
    measured: str = ""
    target: str = ""
    remedy: str = ""
    measure: Measure | None = None
    """What of it later runs are compared with."""
    way: Way | None = None
    after: tuple[Named, ...] = ()
    """Results without which this one says nothing: unless they passed it is skipped."""
    baseline: str = ""
    """The name of what it was compared with."""
    worse: bool = False
    """Whether it has become worse than that, or could not be compared."""


@dataclass(frozen=True)
class Checked:
    """A part of a verification (a host, the links, the models) is under way or done."""

    what: str
    results: tuple[Result, ...] | None = None
    doing: str = ""


@dataclass(frozen=True)
class Verified:
    """A whole verification, the hosts for which stand-ins answered, and how long it took."""

    results: tuple[Result, ...]
    simulated: tuple[str, ...] = ()
    seconds: float = 0.0
    recorded: bool = False

    def is_simulated(self, result: Result) -> bool:
        """Whether a stand-in had part in a result, or in the run that a list is about."""
        ends = (result.way.one, result.way.two) if result.way else ()
        of_all = result.subject.startswith("set ")
        return bool({result.subject, *ends} & {*self.simulated} or (of_all and self.simulated))


@dataclass(frozen=True)
class Disruption:
    """What a plan would disturb on a protected host, why, and what allows it (empty: nothing)."""

    host: str
    what: str
    why: str
    allowed: str = ""

    @property
    def option(self) -> str:
        """The option that allows it, as it is typed."""
        return f"--allow-disruption {sh(f'{self.host}:{self.what}')}"


@dataclass(frozen=True)
class JobLine:
    """A job as its host lists it: `state` is running, reverting, died, or how it ended; `at` is
    how far it came, as `7/31`."""

    job: str
    state: str
    at: str
    verb: str
    who: str
    when: str
    plan: str


@dataclass(frozen=True)
class Garbage:
    """Something that a host no longer needs: its kind, its size in KiB, its name."""

    kind: str
    kilobytes: int
    name: str


@dataclass(frozen=True)
class Planned:
    """What a host's plan is, or why there is none; `texts` are old file contents, for --diff.

    `frozen` says until when and why nothing may be changed there; `held` is why this plan may not
    be applied now.
    """

    host: str
    plan: Plan | None = None
    error: MagnusError | None = None
    simulated: bool = False
    texts: Mapping[str, str] | None = None
    disruptions: tuple[Disruption, ...] = ()
    frozen: str = ""
    held: MagnusError | None = None
    fingerprints: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """For every resource the digests of what is declared and of what the host said."""
    news: tuple[str, ...] = ()
    """What a person should know first: jobs of an earlier run that went on without them."""
    unsettled: str = ""
    """The job whose changes there nobody confirmed, and which may be taken back yet."""

    @property
    def has_work(self) -> bool:
        """Whether there is something to do on this host."""
        return bool(self.plan or (self.plan is not None and self.unsettled))


@dataclass(frozen=True)
class Outcome:
    """What became of a host: each change's end, what still differs, and why."""

    host: str
    plan: Plan
    statuses: Mapping[str, Status] = field(default_factory=dict)
    job: str = ""
    seconds: float = 0.0
    error: MagnusError | None = None
    held: bool = False
    """Whether it was left alone on purpose: frozen, or protected."""

    @property
    def changed(self) -> int:
        """How many changes were made."""
        return sum(status is Status.OK for status in self.statuses.values())


class Report(Protocol):
    """Draws what happened; text for people and JSON for programs are two of these."""

    def plans(self, planned: Sequence[Planned], *, diff: bool, then: str = "") -> None:
        """The plans of a fleet; `then` is what to type next."""

    def step(self, event: StepDone) -> None:
        """A step began or ended; called from many threads."""

    def note(self, host: str, text: str) -> None:
        """Something that a person who waits wants to know; called from many threads."""

    def outcome(self, outcome: Outcome) -> None:
        """A host is done."""

    def outcomes(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """The fleet is done."""

    def jobs(self, host: str, found: Sequence[JobLine]) -> None:
        """The jobs of a host."""

    def history(self, found: Sequence[Mapping[str, object]]) -> None:
        """Who did what."""

    def garbage(self, host: str, found: Sequence[Garbage], *, gone: bool) -> None:
        """What is not needed on a host, and whether it is gone now."""

    def errors(self, found: Sequence[MagnusError]) -> None:
        """Hosts that could not be asked."""

    def said(self, what: str, host: str, text: str) -> None:
        """The one answer of a small command, which is called `what` for programs."""

    def hushed(self) -> AbstractContextManager[None]:
        """Draw nothing while a person is asked; what happens meanwhile is told afterwards."""

    def close(self) -> None:
        """Leave the terminal as it was, whatever happened."""

    def checked(self, event: Checked) -> None:
        """A part of a verification is under way or done; called from many threads."""

    def results(self, found: Verified) -> None:
        """What checks found."""


def exit_code(errors: Iterable[MagnusError]) -> Exit:
    """One code for a fleet: the error that a person must act on first decides.

    A host that failed (5) hides nothing that would need another answer: when all errors agree
    their code is used, otherwise some hosts failed. What could not be taken back is never hidden.
    """
    codes = {error.exit_code for error in errors}
    if not codes:
        return Exit.OK
    if Exit.ROLLBACK_FAILED in codes:
        return Exit.ROLLBACK_FAILED
    return codes.pop() if len(codes) == 1 else Exit.HOSTS_FAILED


_RANKS = (Verdict.PASS, Verdict.WARN, Verdict.SKIP, Verdict.UNKNOWN, Verdict.FAIL)


def worst(*verdicts: Verdict) -> Verdict:
    """The worst of some: what nobody looked at is worse than what only warns."""
    return max(verdicts, key=_RANKS.index)


def verdict_code(results: Iterable[Result]) -> Exit:
    """A failed or unanswered check is code 9."""
    bad = {Verdict.FAIL, Verdict.UNKNOWN}
    return Exit.CHECK_FAILED if any(r.verdict in bad for r in results) else Exit.OK


def counts(results: Iterable[Result]) -> Mapping[Verdict, int]:
    """How many of each verdict."""
    found = dict.fromkeys(Verdict, 0)
    for result in results:
        found[result.verdict] += 1
    return found

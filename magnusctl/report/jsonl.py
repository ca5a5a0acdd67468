"""What programs read: one JSON object per line, each with the schema's version."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict

from magnusctl.errors import MagnusError
from magnusctl.plan import as_json
from magnusctl.report import (
    SCHEMA,
    Checked,
    Disruption,
    Garbage,
    JobLine,
    Outcome,
    Planned,
    Status,
    StepDone,
    Verified,
    counts,
    verdict_code,
)
from magnusctl.report.describe import text_diff
from magnusctl.state import canonical


def emit(kind: str, /, **values: object) -> None:
    """Print one object."""
    sys.stdout.write(canonical({"schema": SCHEMA, "type": kind, **values}) + "\n")
    sys.stdout.flush()


def error_json(error: MagnusError | None) -> dict[str, object] | None:
    """An error as plain values."""
    if error is None:
        return None
    return {
        "message": error.message,
        "host": error.host,
        "where": error.where,
        "detail": error.detail,
        "hint": error.hint,
        "exit_code": int(error.exit_code),
    }


def _disruption_json(found: Disruption) -> dict[str, str]:
    return {
        "what": found.what,
        "why": found.why,
        "allowed": found.allowed,
        "option": found.option,
    }


class JsonReport:
    """The same events as the text report, as objects."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def plans(self, planned: Sequence[Planned], *, diff: bool, then: str = "") -> None:
        for item in planned:
            for line in item.news:
                self.note(item.host, line)
            values: dict[str, object] = {"host": item.host}
            if item.plan is not None:
                values = as_json(item.plan)
            if diff and item.plan is not None:
                values["diffs"] = {
                    change.resource.id: text_diff(
                        change, (item.texts or {}).get(change.resource.name)
                    )
                    for change in item.plan.changes
                }
            emit(
                "plan",
                **values,
                simulated=item.simulated,
                disruptions=[_disruption_json(found) for found in item.disruptions],
                frozen=item.frozen,
                held=error_json(item.held),
                error=error_json(item.error),
            )

    def step(self, event: StepDone) -> None:
        if event.moved:
            with self._lock:
                emit("moved", host=event.host, number=event.number, **asdict(event.moved))
        if event.status is Status.RUNNING:
            return
        with self._lock:
            emit(
                "step",
                host=event.host,
                number=event.number,
                total=event.total,
                resources=list(event.resources),
                status=event.status.value,
            )

    def note(self, host: str, text: str) -> None:
        with self._lock:
            emit("note", host=host, text=text)

    def outcome(self, outcome: Outcome) -> None:
        with self._lock:
            emit(
                "outcome",
                host=outcome.host,
                job=outcome.job,
                changed=outcome.changed,
                statuses={name: status.value for name, status in outcome.statuses.items()},
                left=as_json(outcome.plan)["changes"],
                seconds=round(outcome.seconds, 3),
                error=error_json(outcome.error),
            )

    def outcomes(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        emit(
            "summary",
            hosts=len(outcomes),
            failed=sum(outcome.error is not None for outcome in outcomes),
            changed=sum(outcome.changed for outcome in outcomes),
            seconds=round(seconds, 3),
        )

    def jobs(self, host: str, found: Sequence[JobLine]) -> None:
        for one in found:
            emit("job", host=host, **asdict(one))

    def history(self, found: Sequence[Mapping[str, object]]) -> None:
        for line in found:
            emit("audit", line=dict(line))

    def garbage(self, host: str, found: Sequence[Garbage], *, gone: bool) -> None:
        for one in found:
            emit("garbage", host=host, gone=gone, **asdict(one))
        kilobytes = sum(one.kilobytes for one in found)
        emit("garbage-summary", host=host, gone=gone, count=len(found), kilobytes=kilobytes)

    def errors(self, found: Sequence[MagnusError]) -> None:
        for error in found:
            emit("error", **(error_json(error) or {}))

    def said(self, what: str, host: str, text: str) -> None:
        emit(what, host=host, text=text)

    def hushed(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        """Nothing is open."""

    def checked(self, event: Checked) -> None:
        """Programs are told when all is known."""

    def results(self, found: Verified) -> None:
        for result in found.results:
            emit(
                "check",
                subject=result.subject,
                check=result.check,
                verdict=result.verdict.value,
                measured=result.measured,
                target=result.target,
                remedy=result.remedy,
                measure=asdict(result.measure) if result.measure else None,
                baseline=result.baseline,
                simulated=found.is_simulated(result),
            )
        emit(
            "summary",
            checks=len(found.results),
            verdicts={verdict.value: n for verdict, n in counts(found.results).items()},
            exit_code=int(verdict_code(found.results)),
            recorded=found.recorded,
            simulated=list(found.simulated),
            seconds=round(found.seconds, 3),
        )

"""What programs read: one JSON object per line, each with the schema's version."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

from magnusctl.errors import MagnusError
from magnusctl.plan import as_json
from magnusctl.report import SCHEMA, Outcome, Planned, Result, Status, StepDone
from magnusctl.report.describe import text_diff
from magnusctl.state import canonical


def emit(kind: str, **values: object) -> None:
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


class JsonReport:
    """The same events as the text report, as objects."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def plans(self, planned: Sequence[Planned], *, diff: bool, then: str = "") -> None:
        for item in planned:
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
            emit("plan", **values, simulated=item.simulated, error=error_json(item.error))

    def step(self, event: StepDone) -> None:
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

    def close(self) -> None:
        """Nothing is open."""

    def results(self, results: Sequence[Result], simulated: Sequence[str], seconds: float) -> None:
        for result in results:
            emit(
                "check",
                subject=result.subject,
                check=result.check,
                verdict=result.verdict.value,
                measured=result.measured,
                target=result.target,
                remedy=result.remedy,
                simulated=result.subject in simulated,
            )
        emit("summary", checks=len(results), seconds=round(seconds, 3))

"""What a switch said is understood, and a failure is told with its cause and who serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl.deploying.outcome import Kept, Switched, explained, explained_early, read
from magnusctl.errors import HostError, MagnusError
from tests.deploying.scenes import VLLM, ready

LOGS = Path(__file__).parents[1] / "causes/logs"
OOM = LOGS / "vllm/oom_weights.txt"
STEP = HostError("release:primary: exit 1", host="rtx3090", detail="release:primary")
ENDED = "gate process failed: magnus-release-primary-r1.service ended before it answered: "
FRONT = "gate front failed: 10.0.0.2:8000 does not answer: is the port taken by another program?"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], Switched((), None, 0, "")),
        (
            ["gate process ok 4 s", "gate model ok primary", "serving r2", "outage 17"],
            Switched((("process", "4 s"), ("model", "primary")), None, 17, ""),
        ),
        (
            ["gate process ok", "gate speed failed: 3.1 tokens/s, wanted 45.0", "back r1"],
            Switched((("process", ""),), ("speed", "3.1 tokens/s, wanted 45.0"), 0, "r1"),
        ),
        (
            ["gate port failed: timeout: no answer", "lost r1"],
            Switched((), ("port", "timeout: no answer"), 0, "", "r1"),
        ),
        # A cut switch was begun twice: what came last is what counts.
        (
            ["gate port failed: one", "gate port failed: two", "outage 3", "outage 9"],
            Switched((), ("port", "two"), 9, ""),
        ),
        (["gate", "gate x", "outage soon", "outage -1", "backwards r1", "x gate a ok"], None),
    ],
)
def test_what_a_switch_says_is_read(lines: list[str], found: Switched | None) -> None:
    assert read(lines) == (found or Switched((), None, 0, ""))


def told(said: tuple[str, ...], log: tuple[str, ...] = (), hint: str = "") -> MagnusError:
    """The failure of a switch as it is told."""
    error = HostError(STEP.message, host="rtx3090", detail=STEP.detail, hint=hint)
    found = ready(VLLM)
    return explained(error, found.machine, found.chosen.record, Kept(said, log))


@pytest.mark.parametrize(
    ("said", "log", "cause", "serves"),
    [
        ((ENDED + "exit-code 1", "back r1"), OOM, "oom_weights", "r1 serves again"),
        ((ENDED + "exit-code 1",), OOM, "oom_weights", "nothing was switched"),
        ((ENDED + "oom-kill 9", "back r3"), None, "killed_by_os", "r3 serves again"),
        (("gate port failed: timeout: no answer", "lost r1"), None, "timeout", "nobody serves"),
        ((ENDED + "exit-code 1",), LOGS / "vllm/bad_flag.txt", "bad_flag", "nothing was switched"),
        ((ENDED + "exit-code 3",), None, "not recognised", "nothing was switched"),
    ],
)
def test_a_failure_names_its_cause_and_who_serves(
    said: tuple[str, ...], log: Path | None, cause: str, serves: str
) -> None:
    lines = tuple(log.read_text().splitlines()) if log else ()
    error = told(said, lines)
    head, *last = error.detail.splitlines()
    assert head.startswith(f"  cause: {cause}")
    assert serves in head
    assert last == [f"  {line}" for line in lines[-20:]]
    part, _, why = said[0].removeprefix("gate ").partition(" failed: ")
    assert error.message == f"primary r1 failed at its gate ({part}): {why}"
    assert error.host == "rtx3090"
    assert error.hint


def test_the_last_twenty_lines_are_shown() -> None:
    error = told((ENDED + "exit-code 1",), tuple(f"line {n}" for n in range(100)))
    assert error.detail.splitlines()[1:] == [f"  line {n}" for n in range(80, 100)]


def test_a_front_that_fails_is_not_blamed_on_the_engine() -> None:
    log = tuple(OOM.read_text().splitlines())
    error = told(("gate process ok 3 s", FRONT, "back r1"), log)
    assert error.detail == "  cause: not recognised; r1 serves again"
    assert "the port of 10.0.0.2:8000" in error.hint
    assert "vLLM" not in f"{error.message}{error.detail}{error.hint}"


def test_what_failed_before_a_switch_names_its_cause_too() -> None:
    found = ready(VLLM)
    record = found.chosen.record
    line = "curl: (22) The requested URL returned error: 401"
    step = HostError("the step failed", host="rtx3090", detail=line, hint="Look.")
    error = explained_early(step, found.machine, record, [line])
    assert error.message == "the step failed"
    assert error.detail.splitlines() == [
        "  cause: gated_repo: HTTP 401; nothing was switched",
        line,
    ]
    assert "licence" in error.hint
    # What is not recognised is passed on as it was said.
    assert explained_early(step, found.machine, record, ["something else"]) is step

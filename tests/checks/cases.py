"""A case of a check: the lines of a host, and what verify makes of them; and recorded lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from magnusctl.checks.custom import Custom, Judge, Said, judged
from magnusctl.report import Result, Verdict

PASS, WARN, FAIL = Verdict.PASS, Verdict.WARN, Verdict.FAIL
SKIP, UNKNOWN = Verdict.SKIP, Verdict.UNKNOWN
RECORDED = Path(__file__).parent.parent / "recorded"


@dataclass(frozen=True)
class Case:
    """What a check makes of some lines: its verdict, and words of what it says that it saw.

    `check` is its name, or a pattern of names. `about` tells what is special in the lines, `status`
    is how the text ended. `fault` says what the product does not do right yet.
    """

    check: str
    judge: Judge
    lines: Sequence[str]
    verdict: Verdict
    said: str
    about: str = ""
    status: str = "0"
    fault: str = ""

    @property
    def result(self) -> Result:
        """What verify tells of it."""
        check = Custom(self.check, "", self.judge, frozenset({"host"}))
        return judged("host", check, Said(tuple(self.lines), self.status))


def each(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """One test for each case; one with a fault is known to fail, and must."""
    rows = [
        pytest.param(
            case,
            id=f"{case.check} {case.verdict} {case.about or case.said}",
            marks=[pytest.mark.xfail(strict=True, reason=case.fault)] if case.fault else [],
        )
        for case in cases
    ]
    return pytest.mark.parametrize("case", rows)


def holds(case: Case) -> None:
    """The verdict is right, and for the right reason; whoever reads of a fault reads what to do."""
    assert case.judge(case.lines).is_sound
    found = case.result
    assert found.verdict is case.verdict, found
    assert case.said in found.measured, found
    if found.verdict in (FAIL, WARN, UNKNOWN):
        assert found.measured.strip(), found
    if found.verdict in (FAIL, WARN):
        assert found.remedy or found.target, found


def recorded(name: str) -> list[str]:
    """The lines of a recorded output, as a check hands them on."""
    text = (RECORDED / name).read_bytes().decode("utf-8", "surrogateescape")
    return text.splitlines()


def changed(name: str, old: str, new: str) -> list[str]:
    """The lines of a recorded output, in which one value is another."""
    text = "\n".join(recorded(name))
    assert old in text, f"{name} has no {old!r}"
    return text.replace(old, new).split("\n")


def parts(**told: Sequence[str]) -> list[str]:
    """One answer of several parts, as a host gives it."""
    return [line for name, lines in told.items() for line in ("", f"== {name}", *lines)]

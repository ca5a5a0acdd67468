"""Checks of a project: what its shell text printed, and what that means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from magnusctl.quote import sh
from magnusctl.report import Measure, Named, Result, Verdict, Way
from magnusctl.state import Probe

PROVISION = "magnusctl provision"
"""In a remedy: it is about one host, which is named with it."""
ASKED = "check:"
"""Begins the name of every question of a check."""
_UNRECORDED = "unrecorded"
KILLED = {"124", "137", "143"}
"""Exit codes of what was ended from outside."""
_NOT_RUN = {"126", "127"}
_LONGEST = 100


@dataclass(frozen=True)
class Judgement:
    """What the output of a check means."""

    verdict: Verdict
    measured: str = ""
    target: str = ""
    remedy: str = ""
    measure: Measure | None = None
    stands: bool = False
    """Whether it holds whatever became of the checks that come before it."""

    @property
    def is_sound(self) -> bool:
        """Whether each part of it is what it should be: a project's own code made it."""
        texts = (self.measured, self.target, self.remedy)
        good = isinstance(self.verdict, Verdict) and all(isinstance(text, str) for text in texts)
        return good and (self.measure is None or isinstance(self.measure, Measure))


def passed(measured: str = "", target: str = "", measure: Measure | None = None) -> Judgement:
    """All is well."""
    return Judgement(Verdict.PASS, measured, target, measure=measure)


def failed(
    measured: str = "", target: str = "", remedy: str = "", measure: Measure | None = None
) -> Judgement:
    """It is not as it should be; `remedy` is what to do about it."""
    return Judgement(Verdict.FAIL, measured, target, remedy, measure)


def warned(
    measured: str = "", target: str = "", remedy: str = "", measure: Measure | None = None
) -> Judgement:
    """It works, and will not always."""
    return Judgement(Verdict.WARN, measured, target, remedy, measure)


def skipped(why: str) -> Judgement:
    """There is nothing to ask here, or not yet."""
    return Judgement(Verdict.SKIP, why)


def unknown(measured: str = "", remedy: str = "") -> Judgement:
    """The host did not say."""
    return Judgement(Verdict.UNKNOWN, measured, remedy=remedy)


Judge = Callable[[Sequence[str]], Judgement]


@dataclass(frozen=True)
class Custom:
    """A shell text that some hosts run, and the judge of the lines that it prints.

    Checks that `asks` the same question share its text: a host runs that once. `load` is for what
    takes so much of a host that it is not done to one that must not be disturbed.
    """

    name: str
    run: str
    judge: Judge
    hosts: frozenset[str]
    seconds: int = 20
    asks: str = ""
    load: bool = False
    subject: str = ""
    """What it tells of, where that is not the host that runs it."""
    way: Way | None = None
    after: tuple[Named, ...] = ()


@dataclass(frozen=True)
class Said:
    """What the shell text printed, and the exit code that it ended with."""

    lines: tuple[str, ...]
    status: str


def probe(check: Custom) -> Probe[Said]:
    """Run the text of a check, for no longer than it may take."""
    words = sh("run_check", check.seconds, check.run)
    return Probe(probe_name(check), words, -1, parse, ("timed.sh", "checks/custom.sh"))


def probe_name(check: Custom) -> str:
    """The name under which the answer to a check is found."""
    # No file can be called so: a check of a project never takes the place of a shared question.
    return f"{ASKED}={check.asks}" if check.asks else f"{ASKED}{check.name}"


def unrecorded(question: str) -> str:
    """The answer to a question of a check that nobody recorded."""
    return f"= {_UNRECORDED}" if question.startswith(ASKED) else ""


def parse(lines: Sequence[str]) -> Said:
    """Read `. LINE` for every line that was printed, then `= STATUS`."""
    *printed, end = lines
    if not end.startswith("= ") or any(line[:2] != ". " for line in printed):
        raise ValueError("the output of a check has no end")
    said = [line[2:] for line in printed]
    # The frame begins with a newline: it ends a last line that has none.
    return Said(tuple(said[:-1] if said and not said[-1] else said), end[2:])


def judged(host: str, check: Custom, said: Said) -> Result:
    """The verdict on what a host printed."""
    found = _judgement(check, said)
    remedy = found.remedy.replace(PROVISION, f"{PROVISION} -l {host}")
    texts = (found.measured, found.target, remedy)
    return Result(
        check.subject or host,
        check.name,
        found.verdict,
        *texts,
        found.measure,
        way=check.way,
        after=() if found.stands else check.after,
    )


def _judgement(check: Custom, said: Said) -> Judgement:
    if said.status == _UNRECORDED:
        return unknown("nothing was recorded of it", "magnusctl probe --record FOLDER")
    if said.status in KILLED:
        return unknown(f"it did not end within {check.seconds} s")
    if said.status in _NOT_RUN:
        return unknown(first_line(said.lines) or f"it cannot run: exit code {said.status}")
    try:
        return check.judge(said.lines)
    except (ValueError, ArithmeticError, LookupError, TypeError) as error:
        # What a host says is data: no words of it end the whole verification.
        return unknown(f"its answer cannot be read: {str(error)[:60]}")


def matcher(expect: str, *, unit: str = "", target: str = "", remedy: str = "") -> Judge:
    """A judge that wants the output to match; it tells the first group, or all that matched."""
    pattern = re.compile(expect, re.MULTILINE)

    def judge(lines: Sequence[str]) -> Judgement:
        match = pattern.search("\n".join(lines))
        if not match:
            return failed(first_line(lines) or "it printed nothing", target, remedy)
        found = next((group for group in match.groups() if group is not None), match[0])
        return passed(f"{first_line(found.splitlines())} {unit}".strip(), target)

    return judge


def first_line(lines: Sequence[str]) -> str:
    """The first line that says something, cut to what fits on a line."""
    text = next((line.strip() for line in lines if line.strip()), "")
    # Which of its own lines a shell could not run tells nobody anything.
    text = re.sub(r"^(?:/bin/)?(?:ba|da|z)?sh: (?:line )?[0-9]{1,4}: ", "", text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

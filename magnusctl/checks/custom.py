"""Checks of a project: what its shell text printed, and what that means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from magnusctl.quote import sh
from magnusctl.report import Result, Verdict
from magnusctl.state import Probe

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

    @property
    def is_sound(self) -> bool:
        """Whether each part of it is what it should be: a project's own code made it."""
        texts = (self.measured, self.target, self.remedy)
        return isinstance(self.verdict, Verdict) and all(isinstance(text, str) for text in texts)


def passed(measured: str = "", target: str = "") -> Judgement:
    """All is well."""
    return Judgement(Verdict.PASS, measured, target)


def failed(measured: str = "", target: str = "", remedy: str = "") -> Judgement:
    """It is not as it should be; `remedy` is what to do about it."""
    return Judgement(Verdict.FAIL, measured, target, remedy)


def warned(measured: str = "", target: str = "", remedy: str = "") -> Judgement:
    """It works, and will not always."""
    return Judgement(Verdict.WARN, measured, target, remedy)


def skipped(why: str) -> Judgement:
    """There is nothing to ask here, or not yet."""
    return Judgement(Verdict.SKIP, why)


def unknown(measured: str = "", remedy: str = "") -> Judgement:
    """The host did not say."""
    return Judgement(Verdict.UNKNOWN, measured, remedy=remedy)


Judge = Callable[[Sequence[str]], Judgement]


@dataclass(frozen=True)
class Custom:
    """A shell text that some hosts run, and the judge of the lines that it prints."""

    name: str
    run: str
    judge: Judge
    hosts: frozenset[str]
    seconds: int = 20


@dataclass(frozen=True)
class Said:
    """What the shell text printed, and the exit code that it ended with."""

    lines: tuple[str, ...]
    status: str


def probe(check: Custom) -> Probe[Said]:
    """Run the text of a check, for no longer than it may take."""
    words = sh("run_check", check.seconds, check.run)
    return Probe(probe_name(check), words, -1, parse, ("checks/custom.sh",))


def probe_name(check: Custom) -> str:
    """The name under which the answer to a check is found."""
    return f"check:{check.name}"


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
    return Result(host, check.name, found.verdict, found.measured, found.target, found.remedy)


def _judgement(check: Custom, said: Said) -> Judgement:
    if said.status in KILLED:
        return unknown(f"it did not end within {check.seconds} s")
    if said.status in _NOT_RUN:
        return unknown(_first(said.lines) or f"it cannot run: exit code {said.status}")
    return check.judge(said.lines)


def matcher(expect: str, *, unit: str = "", target: str = "", remedy: str = "") -> Judge:
    """A judge that wants the output to match; it tells the first group, or all that matched."""
    pattern = re.compile(expect, re.MULTILINE)

    def judge(lines: Sequence[str]) -> Judgement:
        match = pattern.search("\n".join(lines))
        if not match:
            return failed(_first(lines) or "it printed nothing", target, remedy)
        found = next((group for group in match.groups() if group is not None), match[0])
        return passed(f"{_first(found.splitlines())} {unit}".strip(), target)

    return judge


def _first(lines: Sequence[str]) -> str:
    """The first line that says something, cut to what fits on a line."""
    text = next((line.strip() for line in lines if line.strip()), "")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

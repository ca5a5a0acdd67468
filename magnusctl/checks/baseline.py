"""Is it as fast as it was? What was measured now against what was measured then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from magnusctl.report import Measure, Named, Result, Verdict, worst

Baseline = Mapping[Named, Measure]
"""What was measured, by the subject and the check that measured it."""
FIRST_TOKEN_MS = 3.0
"""Smaller differences than this are the link's and the clock's, whatever share they are."""
_TWICE = ".inter-token"
"""It is one by decode: to compare both would count one fault twice."""


def measured(results: Sequence[Result]) -> Baseline:
    """What of some results later runs are compared with. Of three pings no two runs are alike."""
    return {
        (r.subject, r.check): r.measure
        for r in results
        if r.measure and not r.check.endswith(_TWICE) and not (r.way and r.way.what == "ping")
    }


def compared(
    results: Sequence[Result], then: Baseline, name: str, max_drop: float
) -> Iterator[Result]:
    """The results, each that was measured then too with what became of it; and what was measured
    then and not now, of what this run was about.

    `max_drop` is a share: 0.1 lets a measure be 10 % worse.
    """
    now, subjects = measured(results), {result.subject for result in results}
    for result in results:
        was = then.get((result.subject, result.check))
        found = now.get((result.subject, result.check))
        same = was is not None and found is not None and found.unit == was.unit
        yield _judged(result, found, was, name, max_drop) if same and found and was else result
    for (subject, check), was in then.items():
        found = now.get((subject, check))
        if subject in subjects and (found is None or found.unit != was.unit):
            told = f"not measured this time; {_shown(was, was.value)} in {name}"
            remedy = "What is in its place? Links and models are measured without --no-load."
            unknown = Result(subject, check, Verdict.UNKNOWN, told, remedy=remedy)
            yield replace(unknown, baseline=name, worse=True)


def _judged(result: Result, now: Measure, was: Measure, name: str, max_drop: float) -> Result:
    if was.value <= 0:
        return replace(result, measured=f"{result.measured}; 0 in {name}", baseline=name)
    change = (now.value - was.value) / was.value
    shown = f"{result.measured}, {change:+.1%} of {_shown(was, was.value)} in {name}"
    worse = -change if was.higher else change
    slack = FIRST_TOKEN_MS if ".first-token" in result.check else 0.0
    if worse <= max_drop or worse * was.value <= slack:
        return replace(result, measured=shown, baseline=name)
    bound = was.value * (1 - max_drop) if was.higher else was.value * (1 + max_drop)
    target = result.target or f"{'≥' if was.higher else '≤'} {_shown(was, bound)}"
    if now.half > max_drop * was.value and worse * was.value <= now.half:
        remedy = "It was too uneven to be compared: is another at work, or does it throttle?"
        found = replace(result, measured=shown, target=target, remedy=remedy, baseline=name)
        return replace(found, verdict=worst(result.verdict, Verdict.WARN), worse=True)
    host = result.way.one if result.way else result.subject
    remedy = f"What changed since: magnusctl history {host}; is another at work there?"
    found = replace(result, measured=shown, target=target, remedy=remedy, baseline=name)
    return replace(found, verdict=Verdict.FAIL, worse=True)


def _shown(measure: Measure, value: float) -> str:
    digits = 0 if value >= 1000 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {measure.unit}"

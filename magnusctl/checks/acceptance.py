"""A list of acceptance, each of its lines judged by the results that prove it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from magnusctl.checks.lists import SETS, Item
from magnusctl.errors import InputError
from magnusctl.inventory.findings import nearest
from magnusctl.inventory.model import Inventory
from magnusctl.report import Result, Verdict, worst

UNASKED = ("reachable", "answers")
"""The checks that fail where a host could not be asked."""


def require(name: str) -> None:
    """Raise InputError for a set that is not there."""
    if name not in SETS:
        hint = nearest(name, SETS) or f"Sets: {', '.join(SETS)}"
        raise InputError(f"there is no set '{name}'", where="--set", hint=hint)


def accepted(
    name: str, inventory: Inventory, names: Sequence[str], results: Sequence[Result]
) -> Iterator[Result]:
    """The lines of a set, each judged by the results that prove it; then those results.

    `names` are the hosts of this run: what is said of others nobody could prove.
    """
    proofs: list[Result] = []
    unasked = [r.subject for r in results if r.check in UNASKED and r.verdict is Verdict.FAIL]
    for item in SETS[name]:
        found = _measured([result for result in results if item.proves(inventory, result)])
        yield _judged(name, item, found, _why_not(item, inventory, names, unasked, found))
        proofs += [result for result in found if result not in proofs]
    yield from proofs


def _measured(found: Sequence[Result]) -> list[Result]:
    """Without those that only say that a model speaks, where others tell how fast."""
    figures = any(result.measure for result in found)
    return [
        result
        for result in found
        if not (figures and result.check.endswith(".speaks") and result.verdict is Verdict.PASS)
    ]


def _why_not(
    item: Item,
    inventory: Inventory,
    names: Sequence[str],
    unasked: Sequence[str],
    found: Sequence[Result],
) -> str:
    """Which hosts of a line nobody could prove anything of, and why; nothing where all are."""
    mine = item.hosts(inventory)
    silent = [host for host in mine if host in unasked]
    left_out = [host for host in (mine if item.each else inventory.hosts) if host not in names]
    unproved = {*mine} - {result.subject for result in found}
    if (silent and not found) or (set(silent) & unproved and item.each):
        return f"could not be asked: {', '.join(silent)}"
    if left_out and (not found or item.each):
        return f"left out of this run: {', '.join(left_out)}"
    if item.each and found and unproved:
        return f"nothing proves it of {', '.join(sorted(unproved))}"
    return ""


def _judged(name: str, item: Item, found: Sequence[Result], why_not: str) -> Result:
    subject = f"set {name}"
    bad = [result for result in found if _bounded(item, result) is not Verdict.PASS]
    few = len({result.check for result in found}) < item.every
    if why_not and not bad:
        return Result(subject, item.words, Verdict.UNKNOWN, why_not)
    if few and not bad:
        told, remedy = "nothing here proves it", f"Declare {item.missing}."
        return Result(subject, item.words, Verdict.UNKNOWN, told, remedy=remedy)
    verdict = worst(*(_bounded(item, result) for result in found))
    first = next(result for result in found if _bounded(item, result) is verdict)
    shown = f"{first.subject}: {first.measured}"
    target = _target(item) or first.target
    # What is not there yet is not proved.
    verdict = Verdict.UNKNOWN if verdict is Verdict.SKIP else verdict
    return Result(subject, item.words, verdict, shown, target, first.remedy, first.measure)


def _bounded(item: Item, result: Result) -> Verdict:
    """The verdict of a result, by the bounds of an item where it has some."""
    least, most = item.bound
    if item.strict and result.verdict is Verdict.WARN:
        return Verdict.FAIL
    if item.measured and result.verdict is Verdict.PASS and result.measured != item.measured:
        return Verdict.FAIL
    if least is None and most is None:
        return result.verdict
    if result.measure is None:
        return Verdict.UNKNOWN if result.verdict is Verdict.PASS else result.verdict
    value = result.measure.value
    good = (least is None or value >= least) and (most is None or value <= most)
    return Verdict.PASS if good else Verdict.FAIL


def _target(item: Item) -> str:
    least, most = item.bound
    unit = item.unit
    if least is not None:
        return f"≥ {least:g} {unit}"
    return f"≤ {most:g} {unit}" if most is not None else item.measured

"""A verification as somebody asked for it: compared, cut down to a list, kept, told and written."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from magnusctl import audit, measures
from magnusctl.checks import acceptance, baseline
from magnusctl.checks.baseline import Baseline
from magnusctl.errors import Exit, InputError, Interrupted, MagnusError
from magnusctl.fleet import Fleet
from magnusctl.report import Report, Result, Verified, verdict_code
from magnusctl.verify import Extent, verify

MAX_DROP = 0.10


@dataclass(frozen=True)
class Wish:
    """What was typed: names and files, or None."""

    inventory: Path
    check_set: str | None = None
    save: str | None = None
    against: str | None = None
    max_drop: str | None = None
    junit: Path | None = None
    html: Path | None = None

    @property
    def drop(self) -> float:
        """How much worse is no fault, as a share. Raises InputError."""
        return MAX_DROP if self.max_drop is None else _share(self.max_drop)


def _share(text: str) -> float:
    """`10%` or `2.5` as 0.1 and 0.025."""
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InputError(f"'{text}' is no share: 0% to 100%", where="--max-drop")
    return share


def made(wish: Wish, extent: Extent) -> Baseline:
    """The baseline to compare with. Raises InputError for a wish that cannot be granted: better
    known before anybody is asked."""
    if wish.check_set is not None:
        acceptance.require(wish.check_set)
    files = [file for file in (wish.junit, wish.html) if file]
    for file in files:
        measures.require_place(file)
    if len({file.resolve() for file in files}) < len(files):
        raise InputError("one file cannot be both", where=f"--junit, --html {files[0]}")
    named = wish.save if wish.save is not None else wish.against
    if named is not None and extent.unmeasured:
        raise InputError("nothing is measured, so nothing can be saved or compared", hint=MEASURE)
    if wish.max_drop is not None and wish.against is None:
        raise InputError("there is nothing to compare with", where="--max-drop", hint=COMPARE)
    if wish.save is not None and measures.place(wish.inventory, wish.save).exists():
        measures.load(wish.inventory, wish.save)
    if wish.save is not None and wish.save == wish.against:
        raise InputError("a baseline is not replaced by what is judged by it", where="--save")
    _ = wish.drop
    return {} if wish.against is None else measures.load(wish.inventory, wish.against)


MEASURE = "Leave out --no-load and --observed."
COMPARE = "Name a baseline:  --against NAME"


def prove(
    fleet: Fleet, extent: Extent, wish: Wish, then: Baseline, report: Report, started: float
) -> Exit:
    """Verify, and tell it in every way that was asked for. The exit code."""
    try:
        measured = verify(fleet, extent, report.checked)
    except Interrupted as error:
        error.detail = "Nothing was changed anywhere, and what was found so far is not kept."
        error.hint = "Run the same command again; --no-load takes only some seconds."
        raise
    finally:
        report.close()
    past = measures.history(wish.inventory) if wish.html else {}
    if extent.live:
        trouble = measures.remember(wish.inventory, measured)
        if trouble:
            report.note("history", trouble)
    every: Sequence[Result] = measured
    if wish.against is not None:
        every = [*baseline.compared(measured, then, wish.against, wish.drop)]
    results = _listed(fleet, wish, every)
    seconds = time.monotonic() - started if extent.live else 0.0
    found = Verified(tuple(results), tuple(fleet.simulated), seconds, not extent.live)
    # Files first: who reads the screen through a pipe may close it.
    refused: list[MagnusError] = []
    for work in (partial(_write, fleet, wish, found, past), partial(_save, fleet, wish, every)):
        try:
            work()
        except InputError as error:
            refused.append(error)
    report.results(found)
    code = verdict_code(results)
    for refusal in refused:
        report.note(refusal.where, f"{refusal.message}. {refusal.hint}".strip())
    if wish.save is not None and not refused:
        report.said("baseline", "", f"Saved as {measures.place(wish.inventory, wish.save)}")
    return code if code is not Exit.OK or not refused else Exit.INPUT


def _listed(fleet: Fleet, wish: Wish, every: Sequence[Result]) -> Sequence[Result]:
    """What is told: all, or a list of acceptance and what was asked to be compared."""
    if wish.check_set is None:
        return every
    proofs = [*acceptance.accepted(wish.check_set, fleet.inventory, fleet.names, every)]
    return [*proofs, *(r for r in every if r.baseline and r not in proofs)]


def _write(
    fleet: Fleet,
    wish: Wish,
    found: Verified,
    past: Mapping[tuple[str, str], Sequence[tuple[str, float]]],
) -> None:
    """The files that were asked for. Raises InputError where one cannot be written."""
    if wish.junit:
        from magnusctl.report.junit import document

        measures.write(wish.junit, document(found))
    if wish.html:
        from magnusctl.report.page import page

        at = audit.now().replace("T", " ").removesuffix("Z")[:16] + " UTC"
        data = page(found, fleet.inventory, fleet.names, past, at)
        measures.write(wish.html, data.encode("utf-8", "replace"))


def _save(fleet: Fleet, wish: Wish, every: Sequence[Result]) -> None:
    """Keep what was measured. Raises InputError for what would hide something next time: what is
    worse than before, and what lacks a part of the baseline that it replaces."""
    if wish.save is None:
        return
    where = f"--save {wish.save}"
    worse = [result.check for result in every if result.worse]
    if worse:
        message = f"not saved: {', '.join(worse[:3])} became worse than in {wish.against}"
        raise InputError(message, where=where)
    if measures.place(wish.inventory, wish.save).exists():
        old, now = measures.load(wish.inventory, wish.save), baseline.measured(every)
        lost = [f"{check} of {subject}" for subject, check in old if (subject, check) not in now]
        if lost:
            message = f"not saved: {wish.save} also holds {', '.join(lost[:3])}"
            raise InputError(message, where=where, hint="Take another name, or measure all.")
    measures.save(wish.inventory, wish.save, every, fleet.simulated)

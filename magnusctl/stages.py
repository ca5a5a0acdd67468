"""A plan in stages: what is done at once, what needs a way back, what comes only after a boot."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.resources import steps
from magnusctl.state import Action, Change, Plan, Risk, Step


@dataclass(frozen=True)
class Stages:
    """The steps of a job; those in `guarded` are taken back unless somebody confirms them."""

    steps: tuple[Step, ...]
    guarded: range

    def __len__(self) -> int:
        return len(self.steps)


def stages(plan: Plan) -> Stages:
    """What can cut us off comes last and together; what needs it comes after it; a boot ends it.

    What is unknown, and what needs a boot, waits for the next round.
    """
    late = {change.resource.id for change in deferred(plan)}
    boots = [change for change in plan.changes if _boots(change)]
    changes = [c for c in plan.changes if not _boots(c) and c.resource.id not in late]
    guarded = {c.resource.id for c in changes if c.resource.risk is Risk.CONNECTIVITY}
    later: set[str] = set()
    for change in changes:
        if change.resource.id not in guarded and wants(change) & (guarded | later):
            later.add(change.resource.id)
    for change in reversed(changes):
        if change.resource.id in guarded:
            moved = wants(change) & later
            later -= moved
            guarded |= moved
    before = list(steps([c for c in changes if c.resource.id not in guarded | later]))
    middle = list(steps([c for c in changes if c.resource.id in guarded]))
    after = list(steps([c for c in changes if c.resource.id in later]))
    first = len(before)
    last = steps(boots)
    return Stages((*before, *middle, *after, *last), range(first, first + len(middle)))


def _boots(change: Change) -> bool:
    return change.resource.kind == "reboot" and change.action is not Action.UNKNOWN


def deferred(plan: Plan) -> list[Change]:
    """What one job cannot do: what is unknown yet, and what needs a boot that the plan holds."""
    found = [change for change in plan.changes if change.action is Action.UNKNOWN]
    waits = {change.resource.id for change in plan.changes if change.resource.kind == "reboot"}
    for change in plan.changes:
        if not _boots(change) and change not in found and wants(change) & waits:
            waits.add(change.resource.id)
            found.append(change)
    return found


def wants(change: Change) -> set[str]:
    """The resources that a change comes after."""
    return {*change.resource.after, *change.resource.restart_on}

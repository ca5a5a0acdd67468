"""What differs between what is declared and what is: a pure function of the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from magnusctl.resources import settled
from magnusctl.resources.risks import stirred
from magnusctl.state import (
    STARTED_WITH,
    Action,
    Change,
    Observed,
    Plan,
    Resource,
    State,
    differing,
)


def diff(host: str, desired: Sequence[Resource], observed: Mapping[str, Observed]) -> Plan:
    """Compare, in the order of the declaration; what a resource does not mention is not judged.

    `observed` holds one answer for the id of every resource.
    """
    changes: dict[str, Change] = {}
    for resource in map(settled, desired):
        change = _change(resource, observed[resource.id], changes)
        if change:
            changes[resource.id] = change
    return Plan(host, tuple(changes.values()))


def _change(resource: Resource, seen: Observed, earlier: Mapping[str, Change]) -> Change | None:
    after = resource.state()
    triggers = tuple(name for name in resource.restart_on if name in earlier)
    waits = tuple(name for name in resource.after if name in earlier)
    different = set() if seen.state is None else set(differing(seen.state, after))
    # A boot that is not wanted yet may be, once what it comes after is done.
    stirs = resource.kind == "reboot" and not different and bool(waits)
    if seen.state is None or stirs:
        return Change(resource, Action.UNKNOWN, None, after, waits)
    # What waits for something else does not start again, whatever it reads.
    idle = seen.state.get(STARTED_WITH, "") is None
    if not different and (idle or not (triggers and STARTED_WITH in after)):
        return None
    # What an earlier change of this plan is about to alter cannot be held to its state of now.
    guarded = not any(name in earlier for name in (*resource.after, *resource.restart_on))
    action = _action(seen.state, after, different)
    return Change(
        stirred(resource, action, different),
        action,
        seen.state,
        after,
        because=triggers or _because(different),
        guard=seen.answer if guarded else None,
        again=not idle and (bool(triggers) or STARTED_WITH in different),
        answer=seen.answer,
    )


def _action(before: State, after: State, different: set[str]) -> Action:
    if "ensure" in different:
        return Action.DELETE if after["ensure"] == "absent" else Action.CREATE
    return Action.UPDATE if different - {STARTED_WITH} else Action.RESTART


def _because(different: set[str]) -> tuple[str, ...]:
    return ("started with other inputs",) if different == {STARTED_WITH} else ()


def as_json(plan: Plan) -> dict[str, object]:
    """The plan as plain values, the same bytes for the same plan; contents appear as digests."""
    return {
        "host": plan.host,
        "changes": [_change_json(change) for change in plan.changes],
    }


def _change_json(change: Change) -> dict[str, object]:
    return {
        "resource": change.resource.id,
        "role": change.resource.role,
        "action": change.action.value,
        "name": change.action.name.lower(),
        "risk": change.resource.risk.value,
        "before": None if change.before is None else dict(change.before),
        "after": dict(change.after),
        "because": list(change.because),
        "restarts": change.restarts,
        "guard": change.guard,
    }

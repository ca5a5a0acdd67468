"""Questions whose answers are judged: what a host shows of itself beyond what is declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from magnusctl.report import Result, Verdict
from magnusctl.state import Observed, Plan, Resource


def mended_by_plan(found: Result, host: str, plan: Plan) -> Result:
    """A result; where its role is not as declared, to provision that is the first thing to do."""
    role, _, name = found.check.partition(".")
    of_role = any(change.resource.role == role for change in plan.changes)
    bad = found.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
    # What says what a person must do, as to make a new key, is never hidden by it.
    idle = not found.remedy or found.remedy.startswith(("magnusctl provision", "See the check"))
    if not (name and of_role and bad and idle):
        return found
    return replace(found, remedy=f"magnusctl provision -l {host} -t {role}")


def declared(host: str, plan: Plan) -> Result:
    """Is everything as declared?"""
    if not plan.changes:
        return Result(host, "declared", Verdict.PASS, "as the inventory declares")
    names = ", ".join(change.resource.id for change in plan.changes[:4])
    more = f" and {len(plan) - 4} more" if len(plan) > 4 else ""
    return Result(
        host,
        "declared",
        Verdict.FAIL,
        f"{len(plan)} differ: {names}{more}",
        remedy=f"magnusctl provision -l {host}",
    )


def services(
    host: str, desired: Sequence[Resource], states: dict[str, Observed]
) -> Iterator[Result]:
    """Does every service run that should?"""
    for resource in desired:
        if resource.kind not in ("service", "launchd"):
            continue
        wanted = resource.state()
        state = states[resource.id].state or {}
        key = "running" if resource.kind == "service" else "loaded"
        if wanted.get(key) != "yes":
            continue
        if key in state and state[key] is None:
            why = f"waits for {getattr(resource, 'needs', '')}"
            yield Result(host, f"{resource.kind} {resource.name}", Verdict.SKIP, why)
            continue
        up = state.get(key) == "yes"
        yield Result(
            host,
            f"{resource.kind} {resource.name}",
            Verdict.PASS if up else Verdict.FAIL,
            "active" if up else "not active",
            remedy="" if up else f"magnusctl provision -l {host}",
        )

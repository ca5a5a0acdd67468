"""Proof that a run left alone what it must not disturb: asked before, asked after, compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from magnusctl.asking import ask_one
from magnusctl.checks import undisturbed
from magnusctl.converge import Machine
from magnusctl.disruptions import disruptions, service_token
from magnusctl.errors import HostError
from magnusctl.state import Plan


def watched(machine: Machine, plan: Plan) -> Sequence[str]:
    """The protected services that a plan does not say that it disturbs."""
    said = {item.what for item in disruptions(machine.host, plan)}
    return [unit for unit in machine.host.protected_services if service_token(unit) not in said]


def running(machine: Machine, units: Sequence[str]) -> Mapping[str, str]:
    """Which process each unit runs as now, and how that is scheduled."""
    return ask_one(machine, undisturbed.probe(units)) if units else {}


def require_undisturbed(
    machine: Machine, units: Sequence[str], before: Mapping[str, str], job: str
) -> None:
    """Raise HostError for a service that is not as it was: nothing in the plan was to touch it."""
    lines = undisturbed.disturbed(before, running(machine, units))
    if lines:
        raise HostError(
            f"{lines[0]}, and no part of the plan was to touch it",
            host=machine.name,
            detail="\n".join(f"  {line}" for line in lines[1:]),
            hint=f"Was it this run? Read /var/lib/magnus/jobs/{job}/journal there, and its log.",
        )

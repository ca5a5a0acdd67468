"""Deployments planned from recorded answers: what was not recorded counts as not there."""

from __future__ import annotations

from pathlib import Path

from magnusctl.converge import Machine
from magnusctl.plan import diff
from magnusctl.releases import standing
from magnusctl.releases.standing import Standing
from magnusctl.report import Planned
from magnusctl.resources import KINDS
from magnusctl.state import Observed
from magnusctl.transport import recorded


def standing_in(folder: Path, host: str) -> Standing:
    """What a host served when it was recorded; nothing where nobody asked it."""
    return standing.parse(recorded.load(folder, host).get(standing.NAME, ()))


def planned(folder: Path, machine: Machine) -> Planned:
    """What would change there. Raises InputError for a recording that cannot be read."""
    answers = recorded.load(folder, machine.name)
    states: dict[str, Observed] = {}
    for resource in machine.desired:
        told = answers.get(resource.id)
        state = KINDS[resource.kind].parse(resource, told[0]) if told else {}
        states[resource.id] = Observed(state, told[0] if told else "")
    plan = diff(machine.name, machine.desired, states)
    return Planned(machine.name, plan, simulated=machine.simulated)

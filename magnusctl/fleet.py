"""From the words of a command line to machines that can be asked: load, select, compile, reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from magnusctl import converge
from magnusctl.converge import Machine
from magnusctl.errors import InputError, MagnusError
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.select import select
from magnusctl.inventory.validate import load
from magnusctl.parallel import each
from magnusctl.render import renderer
from magnusctl.report import Outcome, Planned, Report
from magnusctl.roles import ROLES, compile_host
from magnusctl.script import job_steps
from magnusctl.state import Resource
from magnusctl.transport import Transport
from magnusctl.transport.recorded import RecordedTransport, is_simulated, save

DECLARED = "resources"
"""The tag of what the inventory declares beside roles."""


@dataclass(frozen=True)
class Fleet:
    """The hosts that a command is about."""

    inventory: Inventory
    machines: tuple[Machine, ...]
    workers: int

    def machine(self, name: str) -> Machine:
        """A host by its name."""
        return next(machine for machine in self.machines if machine.name == name)

    @property
    def names(self) -> list[str]:
        """The hosts, in the order of the inventory."""
        return [machine.name for machine in self.machines]

    @property
    def simulated(self) -> list[str]:
        """The hosts for which stand-ins answer."""
        return [machine.name for machine in self.machines if machine.simulated]

    def close(self) -> None:
        """Close every connection."""
        for machine in self.machines:
            machine.transport.close()


def project_of(inventory: Path) -> Path:
    """The folder with `templates`: that of the inventory, or the one above `inventory/`."""
    folder = inventory.resolve().parent
    return folder.parent if folder.name == "inventory" else folder


def open_fleet(
    paths: Sequence[Path],
    *,
    limit: str = "*",
    tags: str = "*",
    workers: int = 16,
    observed: Path | None = None,
) -> Fleet:
    """Load, check, select and render everything; nothing is contacted. Raises InputError."""
    inventory = load(list(paths))
    render = renderer(project_of(paths[0]))
    names = select(inventory, limit)
    desired = {name: _tagged(compile_host(inventory, name, render), tags) for name in names}
    machines = (
        Machine(
            name,
            inventory.hosts[name],
            desired[name],
            _transport(inventory, name, desired[name], observed),
            inventory.hosts[name].simulated or bool(observed and is_simulated(observed, name)),
        )
        for name in names
    )
    return Fleet(inventory, tuple(machines), workers)


def _tagged(resources: tuple[Resource, ...], tags: str) -> tuple[Resource, ...]:
    if tags == "*":
        return resources
    wanted = {tag.strip() for tag in tags.split(",")}
    unknown = sorted(wanted - {*ROLES, DECLARED})
    if unknown:
        known = ", ".join([*ROLES, DECLARED])
        raise InputError(f"there is no tag '{unknown[0]}'", hint=f"Tags: {known}")
    return tuple(r for r in resources if (r.role if r.role in ROLES else DECLARED) in wanted)


def _transport(
    inventory: Inventory, name: str, desired: tuple[Resource, ...], observed: Path | None
) -> Transport:
    if observed:
        return RecordedTransport(observed, name, converge.questions(desired))
    if inventory.hosts[name].connection == "local":
        from magnusctl.transport.local import LocalTransport

        return LocalTransport(name)
    from magnusctl.transport.lazy import LazySsh

    return LazySsh(inventory, name)


def plan_all(fleet: Fleet, *, texts: bool) -> list[Planned]:
    """Ask every host and plan it; a host that cannot be asked is part of the answer."""

    def work(name: str) -> Planned:
        machine = fleet.machine(name)
        more = [converge.text_probe(machine.desired)] if texts else []
        observation = converge.observe(machine, more)
        return Planned(
            name,
            converge.plan(machine, observation),
            simulated=machine.simulated,
            texts=observation.answers.get("text"),
        )

    found = each(fleet.names, work, fleet.workers)
    return [_planned(fleet, name, result) for name, result in found.items()]


def _planned(fleet: Fleet, name: str, result: Planned | MagnusError) -> Planned:
    if isinstance(result, Planned):
        return result
    result.host = result.host or name
    return Planned(name, error=result, simulated=fleet.machine(name).simulated)


def apply_all(fleet: Fleet, planned: Sequence[Planned], report: Report) -> list[Outcome]:
    """Apply the plans that hold changes; the report hears every step."""
    plans = {item.host: item.plan for item in planned if item.plan is not None}

    def work(name: str) -> Outcome:
        plan = plans[name]
        if not plan.changes:
            return Outcome(name, plan)
        return converge.provision(fleet.machine(name), plan, report.step)

    def done(_: str, result: Outcome | MagnusError) -> None:
        if isinstance(result, Outcome):
            report.outcome(result)

    found = each(plans, work, fleet.workers, done)
    return [outcome for outcome in found.values() if isinstance(outcome, Outcome)]


def scripts(fleet: Fleet, planned: Sequence[Planned]) -> list[tuple[str, str]]:
    """The exact shell text of every host's job."""
    return [
        (item.host, converge.script_of(fleet.machine(item.host), job_steps(item.plan)))
        for item in planned
        if item.plan is not None and item.plan.changes
    ]


def record_all(fleet: Fleet, folder: Path) -> tuple[list[Path], list[MagnusError]]:
    """Save what every host answers; a host that does not answer is among the errors."""

    def work(name: str) -> Path:
        machine = fleet.machine(name)
        return save(folder, name, converge.observe(machine).raw, simulated=machine.simulated)

    found = each(fleet.names, work, fleet.workers)
    written = [result for result in found.values() if isinstance(result, Path)]
    return written, [result for result in found.values() if isinstance(result, MagnusError)]

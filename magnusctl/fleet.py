"""From the words of a command line to machines that can be asked: load, select, compile, reach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from magnusctl import audit, converge, extensions, job, provision, records, secrets
from magnusctl.checks import custom, of_hosts, of_roles
from magnusctl.checks.custom import Custom
from magnusctl.checks.servers import Server, servers_of
from magnusctl.converge import Machine, Observation
from magnusctl.errand import Errand
from magnusctl.errors import InputError, Interrupted, MagnusError
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.project import project_of
from magnusctl.inventory.select import select
from magnusctl.inventory.validate import load
from magnusctl.parallel import each
from magnusctl.protection import check_consents, protect
from magnusctl.provision import make_job
from magnusctl.quote import Secret
from magnusctl.render import Render, renderer
from magnusctl.report import Outcome, Planned, Report
from magnusctl.roles import compile_host
from magnusctl.run import running
from magnusctl.savedplan import fingerprints
from magnusctl.state import Probe, Resource
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
    checks: tuple[Custom, ...] = ()
    servers: tuple[Server, ...] = ()

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


def open_fleet(
    paths: Sequence[Path],
    *,
    limit: str = "*",
    tags: str = "*",
    workers: int = 16,
    observed: Path | None = None,
    password: Secret | None = None,
) -> Fleet:
    """Load, check, select and render everything; nothing is contacted. Raises InputError.

    `password` is given to a sudo that asks, on hosts that name none of their own.
    """
    inventory = load(list(paths))
    project = project_of(paths[0])
    render, roles = renderer(project), extensions.roles_of(project, inventory)
    kept = secrets.secrets_of(inventory, paths[0].resolve().parent)
    names = select(inventory, limit)
    compiled = {name: compile_host(inventory, name, render, kept, roles) for name in names}
    desired = {name: _tagged(compiled[name], tags, roles) for name in names}
    checks = (*_proofs(inventory, names, render), *extensions.checks_of(project, inventory))
    machines = (
        Machine(
            name,
            inventory.hosts[name],
            desired[name],
            _transport(inventory, name, desired[name], checks, observed),
            inventory.hosts[name].simulated or bool(observed and is_simulated(observed, name)),
            kept.get(inventory.hosts[name].sudo_password or "") or password,
        )
        for name in names
    )
    servers = [server for name in names for server in servers_of(inventory, name, render, kept)]
    return Fleet(inventory, tuple(machines), workers, checks, tuple(servers))


def _proofs(inventory: Inventory, names: Sequence[str], render: Render) -> Iterator[Custom]:
    for name in names:
        yield from of_hosts.checks_of(inventory, name, render)
        yield from of_roles.checks_of(inventory, name, render)


def _tagged(
    resources: tuple[Resource, ...], tags: str, roles: Collection[str]
) -> tuple[Resource, ...]:
    if tags == "*":
        return resources
    wanted = {tag.strip() for tag in tags.split(",")}
    unknown = sorted(wanted - {*roles, DECLARED})
    if unknown:
        known = ", ".join([*roles, DECLARED])
        raise InputError(f"there is no tag '{unknown[0]}'", hint=f"Tags: {known}")
    return tuple(r for r in resources if (r.role if r.role in roles else DECLARED) in wanted)


def _transport(
    inventory: Inventory,
    name: str,
    desired: tuple[Resource, ...],
    checks: Sequence[Custom],
    observed: Path | None,
) -> Transport:
    if observed:
        asked = {custom.probe_name(check) for check in checks if name in check.hosts}
        questions = {question: [question] for question in sorted(asked)}
        return RecordedTransport(observed, name, converge.questions(desired) | questions)
    if inventory.hosts[name].connection == "local":
        from magnusctl.transport.local import LocalTransport

        return LocalTransport(name)
    from magnusctl.transport.lazy import LazySsh

    return LazySsh(inventory, name)


def plan_all(
    fleet: Fleet, *, texts: bool, allow: Sequence[str] = (), now: datetime | None = None
) -> list[Planned]:
    """Ask every host and plan it; a host that cannot be asked is part of the answer.

    `allow` are consents to disruptions, `now` is the time that windows are judged by.
    Raises InputError for a secret that cannot be had, before any host is asked.
    """
    check_consents(fleet.inventory, allow)
    unheard = audit.unheard() if now else {}
    secrets.reveal(resource for machine in fleet.machines for resource in machine.desired)

    def work(name: str) -> Planned:
        machine = fleet.machine(name)
        more: list[Probe[Any]] = [converge.text_probe(machine.desired)] if texts else []
        jobs = unheard.get(name, [])
        more += [records.ends_probe(jobs)] if jobs else []
        observation = converge.observe(machine, more)
        return Planned(
            name,
            converge.plan(machine, observation),
            simulated=machine.simulated,
            texts=observation.answers.get("text"),
            fingerprints=fingerprints(machine.host, machine.desired, observation.states),
            news=_news(machine, observation),
            unsettled=observation.facts.unsettled,
        )

    found = each(fleet.names, work, fleet.workers)
    planned = [_planned(fleet, name, result) for name, result in found.items()]
    return [_with_way_back(fleet, item) for item in protect(fleet.inventory, planned, allow, now)]


def _news(machine: Machine, observation: Observation) -> tuple[str, ...]:
    """What became of jobs that this machine sent and then lost sight of, told once; and what is
    told always: a job that waits for a confirmation, an agent that others can use."""
    host, told = machine.name, []
    ends: Mapping[str, tuple[str, str]] = observation.answers.get("ends", {})
    if observation.facts.unsettled:
        job = observation.facts.unsettled
        told.append(f"job {job} is not confirmed there: what it changed may be taken back yet")
    if machine.host.ssh.forward_agent:
        told.append("its root can use your agent's keys while you are connected: forward_agent")
    for name, (state, when) in ends.items():
        if state == "unknown":
            continue
        if state in ("running", "reverting"):
            told.append(f"job {name} by you still runs; follow it:  magnusctl attach {host} {name}")
            continue
        told.append(f"job {name} by you went on without you: {state} at {when}")
        audit.write(event="heard", job=name, host=host, result=state)
    return tuple(told)


def _with_way_back(fleet: Fleet, item: Planned) -> Planned:
    """A plan that could cut its host off with no way back is held."""
    if item.plan is None or item.held:
        return item
    return replace(item, held=provision.without_way_back(fleet.machine(item.host), item.plan))


def _planned(fleet: Fleet, name: str, result: Planned | MagnusError) -> Planned:
    if isinstance(result, Planned):
        return result
    result.host = result.host or name
    return Planned(name, error=result, simulated=fleet.machine(name).simulated)


def apply_all(
    fleet: Fleet,
    planned: Sequence[Planned],
    report: Report,
    errand: Errand,
    interrupted: Callable[[], bool] = lambda: False,
) -> list[Outcome]:
    """Apply the plans that hold changes and are not held; the report hears every step."""
    items = {item.host: item for item in planned}
    plans = {item.host: (item.plan, item.held) for item in planned if item.plan is not None}

    def work(name: str) -> Outcome:
        plan, held = plans[name]
        if held or not items[name].has_work:
            return Outcome(name, plan, error=held, held=bool(held))
        if not plan.changes:
            return provision.settle(fleet.machine(name), plan, report, errand)
        return provision.provision(fleet.machine(name), plan, report, errand)

    def outcome(name: str, result: Outcome | MagnusError) -> Outcome:
        if isinstance(result, Outcome):
            return result
        result.host = result.host or name
        return Outcome(name, plans[name][0], error=result)

    def done(name: str, result: Outcome | MagnusError) -> None:
        report.outcome(outcome(name, result))

    try:
        found = each(plans, work, fleet.workers, done, interrupted)
    except Interrupted as error:
        _tell_jobs(error)
        raise
    return [outcome(name, result) for name, result in found.items()]


def _tell_jobs(error: Interrupted) -> None:
    """Say which jobs go on where, and how to come back to them."""
    jobs = [(machine.name, job) for machine, job in running.all()]
    if jobs:
        error.detail = "\n".join(
            f"  job {job} goes on on {host}; no step is cut" for host, job in jobs
        )
        error.hint = f"Come back to it with:  magnusctl attach {jobs[0][0]} {jobs[0][1]}"


def scripts(fleet: Fleet, planned: Sequence[Planned]) -> list[tuple[str, str]]:
    """The exact shell text of every host's job."""
    return [
        (item.host, job.text(make_job(fleet.machine(item.host), item.plan, Errand())))
        for item in planned
        if item.plan is not None and item.plan.changes
    ]


def record_all(fleet: Fleet, folder: Path) -> tuple[list[Path], list[MagnusError]]:
    """Save what every host answers; a host that does not answer is among the errors."""

    def work(name: str) -> Path:
        machine = fleet.machine(name)
        checks = [check for check in fleet.checks if name in check.hosts and not check.load]
        questions = {custom.probe_name(check): custom.probe(check) for check in checks}
        answers = converge.observe(machine, [*questions.values()]).raw
        return save(folder, name, answers, simulated=machine.simulated)

    found = each(fleet.names, work, fleet.workers)
    written = [result for result in found.values() if isinstance(result, Path)]
    return written, [result for result in found.values() if isinstance(result, MagnusError)]

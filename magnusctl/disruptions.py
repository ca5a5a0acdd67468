"""What a plan would disturb on a protected host: what runs there, and how it is reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from magnusctl.inventory.model import Host
from magnusctl.report import Disruption
from magnusctl.report.describe import restarted
from magnusctl.resources.service import Service
from magnusctl.state import Action, Change, Plan, Risk

_SERVICES = ("service", "launchd")
_KINDS = {"package": "packages", "command": "command"}
_RISKS = {Risk.REBOOT: "reboot", Risk.CONNECTIVITY: "connectivity"}
_WHY: Mapping[str, str] = {
    "packages": "{}: package scripts may restart what runs",
    "command": "{}: a command may do anything",
    "reboot": "{}: reboots",
    "connectivity": "{}: may cut the connection",
}
_NAMED = 3


def disruptions(host: Host, plan: Plan) -> tuple[Disruption, ...]:
    """One for each thing that would be disturbed, in the order of the plan."""
    if not host.protected:
        return ()
    found: dict[str, str] = {}
    causes: dict[str, list[str]] = {}
    for change in plan.changes:
        found.update(_of_service(change))
        for what in _of_anything(change):
            named = change.resource.id if what in _RISKS.values() else change.resource.name
            causes.setdefault(what, []).append(named)
            found[what] = _WHY[what].format(_some(causes[what]))
    for what, why in _of_units(host, plan):
        found.setdefault(what, why)
    return tuple(Disruption(plan.host, what, why) for what, why in found.items())


def service_token(name: str) -> str:
    """How a service is named in a consent: `chrony` and `chrony.service` are one."""
    return name.removesuffix(".service")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _of_service(change: Change) -> Iterator[tuple[str, str]]:
    """What happens to a service that runs; one that does not run is only started."""
    if change.resource.kind not in _SERVICES:
        return
    why = "may restart" if change.action is Action.UNKNOWN else _stirs(change)
    if why:
        yield service_token(change.resource.name), why


def _stirs(change: Change) -> str:
    before = change.before or {}
    if "yes" not in (before.get("running"), before.get("loaded")):
        return ""
    if "no" in (change.after.get("running"), change.after.get("loaded")):
        return "stops"
    # A job of launchd is unloaded and loaded again, whatever differs.
    return restarted(change) if change.again or change.resource.kind == "launchd" else ""


def _of_anything(change: Change) -> Iterator[str]:
    kind, risk = change.resource.kind, change.resource.risk
    if kind in _KINDS:
        yield _KINDS[kind]
    if risk in _RISKS:
        yield _RISKS[risk]


def _of_units(host: Host, plan: Plan) -> Iterator[tuple[str, str]]:
    """A protected service that this plan leaves alone, although what it starts from changes."""
    judged = {service_token(c.resource.name) for c in plan.changes if c.resource.kind in _SERVICES}
    for service in host.protected_services:
        token = service_token(service)
        files = Service(unit=service).made_of()
        for change in plan.changes if token not in judged else ():
            if _is_part(change, files, service):
                yield token, f"{change.resource.id} changes: its next start is another"


def _is_part(change: Change, files: tuple[str, ...], service: str) -> bool:
    name = change.resource.id
    whole = name in files or name == f"file:/Library/LaunchDaemons/{service}.plist"
    # A unit that is only now made belongs to nothing that runs.
    return (whole and change.action is not Action.CREATE) or any(
        name.startswith(f"{file}.d/") for file in files
    )

"""What a plan would disturb on a protected host: what runs there, and how it is reached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from magnusctl.inventory.model import Host
from magnusctl.report import Disruption
from magnusctl.report.describe import restarted
from magnusctl.resources.block import Block
from magnusctl.resources.file import File
from magnusctl.resources.service import unit_name
from magnusctl.state import Action, Change, Plan, Resource, Risk

_SERVICES = ("service", "launchd")
_KINDS = {"package": "packages", "command": "command"}
_RISKS = {Risk.REBOOT: "reboot", Risk.CONNECTIVITY: "connectivity"}
_TRADING = "trading"
_WHY: Mapping[str, str] = {
    _TRADING: "{}: the engine was measured without",
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
    # Whatever tunes a host that trades waits for a window, even what looks harmless.
    if _TRADING in change.resource.role.split():
        yield _TRADING
    if kind in _KINDS:
        yield _KINDS[kind]
    if risk in _RISKS:
        yield _RISKS[risk]


def _of_units(host: Host, plan: Plan) -> Iterator[tuple[str, str]]:
    """A protected service that this plan leaves alone, although what it starts from changes, or
    that it leaves running and not to be started any more."""
    services = [change for change in plan.changes if change.resource.kind in _SERVICES]
    judged = {service_token(change.resource.name) for change in services}
    for service in host.protected_services:
        token = service_token(service)
        for change in services:
            if service_token(change.resource.name) == token and _is_disabled(change):
                yield token, "is not started at the next boot any more"
        for change in plan.changes if token not in judged else ():
            if _is_part(change.resource, service):
                yield token, f"{change.resource.id} changes: its next start is another"


def _is_disabled(change: Change) -> bool:
    return (change.before or {}).get("enabled") == "yes" and change.after.get("enabled") == "no"


def _is_part(resource: Resource, service: str) -> bool:
    """Whether a file is one of those that a service is made of, wherever such may lie: a new one
    among them takes the place of one that the vendor shipped."""
    if not isinstance(resource, File | Block):
        return False
    folder, _, name = resource.path.rpartition("/")
    if folder == "/Library/LaunchDaemons":
        return name == f"{service}.plist"
    units = _names_of(service)
    drop_ins = {f"{unit}.d" for unit in units} | {f"{part}.d" for part in _prefixes(service)}
    parent, _, last = folder.rpartition("/")
    return (folder in _UNIT_FOLDERS and name in units) or (
        parent in _UNIT_FOLDERS and last in drop_ins
    )


_UNIT_FOLDERS = {
    *(f"{top}/systemd/system" for top in ("/etc", "/run", "/usr/lib", "/lib", "/usr/local/lib")),
    *("/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient"),
    *("/etc/systemd/system.attached", "/run/systemd/system.attached", "/run/systemd/generator"),
}


def _names_of(service: str) -> set[str]:
    """A unit, its template, and the units that start it: `engine@1.service` is `engine@.service`,
    and `engine.socket` belongs to `engine.service`."""
    stem, _, kind = unit_name(service).rpartition(".")
    stems = {stem, re.sub("@.*", "@", stem)}
    return {f"{one}.{end}" for one in stems for end in {kind, "socket", "timer", "path"}}


def _prefixes(service: str) -> set[str]:
    """The units whose drop-ins count for all that begin with their name: `a-b.service` has those of
    `a-.service` and of `service`."""
    stem, _, kind = unit_name(service).rpartition(".")
    parts = stem.split("-")
    return {kind, *(f"{'-'.join(parts[:n])}-.{kind}" for n in range(1, len(parts)))}

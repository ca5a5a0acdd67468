"""A unit of systemd."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import STARTED_WITH, Change, Resource, State, Step

ASK = "ask_service"
# A unit without an [Install] section cannot be enabled, and needs not to be.
_ENABLED = {"enabled", "enabled-runtime", "alias", "static", "indirect", "generated"}


@dataclass(frozen=True, kw_only=True)
class Service(Resource):
    """A unit that is enabled or not, runs or not; None is not declared.

    It restarts (or reloads, with `reload`) when the digest of `restart_on` differs from the one
    that the host stored after the last healthy start: a restart that was missed is not lost.
    """

    kind: ClassVar[str] = "service"
    unit: str
    enabled: bool | None = True
    running: bool | None = True
    reload: bool = False
    needs: str = ""
    """A path that it cannot run without, as its model's: until that is there, it is not started."""
    seconds: int = 600
    """How long a start may take."""

    @property
    def name(self) -> str:
        return self.unit

    def made_of(self) -> tuple[str, ...]:
        unit = unit_name(self.unit)
        template = re.sub(r"@[^.]*", "@", unit)
        return tuple(f"file:/etc/systemd/system/{name}" for name in dict.fromkeys((unit, template)))

    def state(self) -> State:
        state: dict[str, str | None] = {}
        if self.enabled is not None:
            state["enabled"] = _yes(self.enabled)
        if self.running is not None:
            state["running"] = _yes(self.running)
        if self.inputs and self.running:
            state[STARTED_WITH] = self.inputs
        return state


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def question(resource: Service) -> tuple[str, ...]:
    return (unit_name(resource.unit), resource.needs or "-")


def unit_name(unit: str) -> str:
    """The unit's full name: `chrony` is `chrony.service`."""
    suffixes = (".service", ".socket", ".timer", ".mount", ".target", ".path", ".slice")
    return unit if unit.endswith(suffixes) else f"{unit}.service"


def parse(resource: Service, answer: str) -> State | None:
    """Read `LOAD ENABLED UP STARTED-WITH`, as `loaded enabled up 3f2a…`; one that waits for what
    it needs is not judged by whether it runs."""
    load, enabled, up, started_with = answer.split(" ")
    if up == "waits" and resource.needs:
        waits = dict.fromkeys(("running", STARTED_WITH))
        return {"unit": load, "enabled": _yes(enabled in _ENABLED), **waits}
    return {
        "unit": load,
        "enabled": _yes(enabled in _ENABLED),
        "running": _yes(up == "up"),
        STARTED_WITH: started_with,
    }


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    service = change.resource
    assert isinstance(service, Service)
    unit = unit_name(service.unit)
    marked = bool(service.inputs and service.running)
    script = sh(
        "put_service",
        unit,
        "-" if service.enabled is None else _yes(service.enabled),
        "-" if service.running is None else _yes(service.running),
        _how(change, service),
        service.inputs if marked else "-",
        service.needs or "-",
    )
    forget = sh("forget_start", f"service.{unit}")
    if service.inputs == "-":
        script = f"{forget} && {script}"
    prepare = forget if marked and change.guard is None else ""
    return Step((change,), script, prepare=prepare, seconds=service.seconds)


def _how(change: Change, service: Service) -> str:
    if not change.again:
        return "start"
    return "reload" if service.reload else "restart"


def former(resource: Service, answer: str) -> Resource | str:
    """A unit that was not there neither ran nor was enabled; its file is a resource of its own."""
    load, enabled, up, started_with = answer.split(" ")
    settable = load != "loaded" or enabled in ("enabled", "enabled-runtime", "disabled")
    # What waited did not run, whatever came to be there since.
    ran = up == "up" if resource.running is not None else None
    return Service(
        unit=resource.unit,
        enabled=enabled in _ENABLED if settable and resource.enabled is not None else None,
        running=ran,
        reload=resource.reload,
        inputs=started_with if ran and resource.inputs else "",
        risk=resource.risk,
    )

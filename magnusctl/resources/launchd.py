"""A job of launchd on macOS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import STARTED_WITH, Change, Resource, State, Step

ASK = "ask_launchd"


@dataclass(frozen=True, kw_only=True)
class Launchd(Resource):
    """A LaunchDaemon: loaded in the system domain, so that it runs with nobody logged in."""

    kind: ClassVar[str] = "launchd"
    label: str
    plist: str
    running: bool = True
    needs: str = ""
    """A path that it cannot run without, as its model's: until that is there, it is not loaded."""
    disable: bool = True
    """Whether one that is not to run is also disabled, not only unloaded."""

    @property
    def name(self) -> str:
        return self.label

    def made_of(self) -> tuple[str, ...]:
        return (f"file:{self.plist}",)

    def state(self) -> State:
        if not self.running:
            return {"loaded": "no"}
        marker = {STARTED_WITH: self.inputs} if self.inputs else {}
        return {"loaded": "yes", "enabled": "yes", **marker}


def question(resource: Launchd) -> tuple[str, ...]:
    return (resource.label, resource.needs or "-")


def parse(resource: Launchd, answer: str) -> State | None:
    """Read `ENABLED STATE STARTED-WITH`, as `yes running 3f2a…`; `absent` is not loaded, and
    `waits` is not either, for want of what it needs."""
    enabled, state, started_with = answer.split(" ")
    if state == "waits" and resource.needs:
        return dict.fromkeys(("loaded", "enabled", STARTED_WITH)) | {"state": state}
    loaded = "no" if state in ("absent", "waits") else "yes"
    return {"loaded": loaded, "enabled": enabled, "state": state, STARTED_WITH: started_with}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    job = change.resource
    assert isinstance(job, Launchd)
    running = "yes" if job.running else "no" if job.disable else "gone"
    words = (job.label, job.plist, running, job.inputs or "-", job.needs or "-")
    script = sh("put_launchd", *words)
    forget = sh("forget_start", f"launchd.{job.label}")
    if job.inputs == "-":
        script = f"{forget} && {script}"
    return Step((change,), script, prepare=forget if job.inputs and change.guard is None else "")


def former(resource: Launchd, answer: str) -> Resource | str:
    enabled, state, started_with = answer.split(" ")
    loaded = state not in ("absent", "waits")
    return Launchd(
        label=resource.label,
        plist=resource.plist,
        running=loaded,
        disable=enabled == "no",
        inputs=started_with if loaded and resource.inputs else "",
        risk=resource.risk,
    )

"""A model that is served: which of its numbered releases clients reach, and how it comes there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from magnusctl.quote import sh
from magnusctl.state import STARTED_WITH, Change, Resource, State, Step

ASK = "ask_release"
FOLDER = "/var/lib/magnus/models"
FRONT = "/etc/magnus/front"
_NOTED = r"said|log|gate|gate\.new"


@dataclass(frozen=True, kw_only=True)
class Release(Resource):
    """The model `model` is served by its release `number`; 0 is by none.

    `switch` is `beside` where the memory holds both releases at the same time, else `instead`.
    `seconds` bound all of it: start, gate, flip, drain.
    """

    kind: ClassVar[str] = "release"
    model: str
    number: int
    switch: Literal["beside", "instead"] = "beside"
    drain_s: int = 60
    seconds: int = 1800
    forget: bool = False
    """Whether what the host noted of its releases goes, too, where none is to serve."""

    @property
    def name(self) -> str:
        return self.model

    def notes(self, path: str) -> bool:
        """Whether the host notes something of this model at a path, which goes with it."""
        own = rf"{FOLDER}/{re.escape(self.model)}/(serving|switching|down|r\d+/({_NOTED}))"
        return path == f"{FRONT}/{self.model}.upstream" or bool(re.fullmatch(own, path))

    def state(self) -> State:
        if not self.number:
            return {"serving": "none", "running": "no", "switching": "no"}
        return {"serving": f"r{self.number}", "running": "yes", "switching": "no"}


def question(resource: Release) -> tuple[str, ...]:
    return (resource.model,)


def parse(resource: Release, answer: str) -> State | None:
    """Read `SERVING RUNNING SWITCHING`, as `3 yes -` or `3 yes 4:gate`."""
    serving, running, switching = answer.split(" ")
    return {
        "serving": "none" if serving == "-" else f"r{serving}",
        "running": running,
        "switching": "no" if switching == "-" else f"r{switching}",
        STARTED_WITH: "-",
    }


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    release = change.resource
    assert isinstance(release, Release)
    if release.number:
        words = (release.model, release.number, release.switch, release.drain_s)
        return Step((change,), sh("switch_release", *words), seconds=release.seconds)
    more = ["forget"] if release.forget else []
    return Step((change,), sh("stop_release", release.model, *more), seconds=release.seconds)


def former(resource: Release, answer: str) -> Resource | str:
    """The release before; its files are kept on the host."""
    serving = answer.partition(" ")[0]
    number = 0 if serving == "-" else int(serving)
    return Release(model=resource.model, number=number, switch=resource.switch, forget=not number)

"""The name that a machine gives itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import Change, Resource, State, Step

ASK = "ask_hostname"


@dataclass(frozen=True, kw_only=True)
class Hostname(Resource):
    """The host's name, kept for the next boot and in use now; `now` only where they differ."""

    kind: ClassVar[str] = "hostname"
    hostname: str
    now: str = ""

    @property
    def name(self) -> str:
        return "name"

    def state(self) -> State:
        return {"kept": self.hostname, "now": self.now or self.hostname}


def question(resource: Hostname) -> tuple[str, ...]:
    del resource
    return ()


def parse(resource: Hostname, answer: str) -> State | None:
    """Read `KEPT NOW`; macOS follows the kept name by itself."""
    del resource
    kept, now = answer.split(" ")
    return {"kept": kept, "now": now}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [
        Step((change,), sh("put_hostname", change.after["kept"], change.after["now"]))
        for change in changes
    ]


def former(resource: Hostname, answer: str) -> Resource | str:
    kept, now = answer.split(" ")
    return Hostname(hostname=kept, now=now, risk=resource.risk)

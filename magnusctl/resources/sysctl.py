"""A kernel parameter as it is now; the file that sets it at boot is a resource of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import Change, Resource, State, Step

ASK = "ask_sysctl"


@dataclass(frozen=True, kw_only=True)
class Sysctl(Resource):
    """A key and its value; runs of blanks count as one."""

    kind: ClassVar[str] = "sysctl"
    key: str
    value: str

    @property
    def name(self) -> str:
        return self.key

    def state(self) -> State:
        return {"value": " ".join(self.value.split())}


def question(resource: Sysctl) -> tuple[str, ...]:
    return (resource.key,)


def parse(resource: Sysctl, answer: str) -> State | None:
    """Read `= VALUE`, or `missing` for a key that this kernel lacks."""
    if answer == "missing":
        return {"value": "missing"}
    return {"value": " ".join(answer.removeprefix("=").split())}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    pairs = [f"{change.resource.name}={change.after['value']}" for change in changes]
    return [Step(tuple(changes), sh("put_sysctl", *pairs))]


def former(resource: Sysctl, answer: str) -> Resource | str:
    if answer == "missing":
        return "this kernel did not have it"
    return Sysctl(key=resource.key, value=answer.removeprefix("=").strip(), risk=resource.risk)

"""A power setting of macOS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import Change, Resource, State, Step

ASK = "ask_pmset"


@dataclass(frozen=True, kw_only=True)
class Pmset(Resource):
    """A key of pmset and its value, the same for every power source."""

    kind: ClassVar[str] = "pmset"
    key: str
    value: int

    @property
    def name(self) -> str:
        return self.key

    def state(self) -> State:
        return {"value": str(self.value)}


def question(resource: Pmset) -> tuple[str, ...]:
    return (resource.key,)


def parse(resource: Pmset, answer: str) -> State | None:
    """Read `= VALUE [VALUE]`, or `missing` for a key that this Mac lacks: it cannot be told."""
    return {"value": None if answer == "missing" else answer.removeprefix("= ")}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    pairs = [word for change in changes for word in (change.resource.name, change.after["value"])]
    return [Step(tuple(changes), sh("put_pmset", *pairs))]


def former(resource: Pmset, answer: str) -> Resource | str:
    values = answer.removeprefix("=").split()
    if len(values) != 1 or not values[0].isdecimal():
        return "it had different values per power source, or none"
    return Pmset(key=resource.key, value=int(values[0]))

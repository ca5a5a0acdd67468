"""A boot that makes true what only a boot can: it ends the job, and what needs it waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import Change, Resource, Risk, State, Step

ASK = "ask_reboot"


@dataclass(frozen=True, kw_only=True)
class Reboot(Resource):
    """The host boots anew unless the guard succeeds; a guard that exits with 75 cannot tell yet.

    Whatever is declared `after` it is done only once the guard succeeds.
    """

    kind: ClassVar[str] = "reboot"
    label: str
    unless: str
    why: str = ""
    risk: Risk = Risk.REBOOT

    @property
    def name(self) -> str:
        return self.label

    def state(self) -> State:
        return {"needed": "no"}


def question(resource: Reboot) -> tuple[str, ...]:
    return (resource.unless,)


def parse(resource: Reboot, answer: str) -> State | None:
    """Read `done`, `needed` or `unknown`."""
    return None if answer == "unknown" else {"needed": "yes" if answer == "needed" else "no"}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    """However many things want it, one boot does."""
    return [Step(tuple(changes), sh("boot_anew"))] if changes else []


def former(resource: Reboot, answer: str) -> Resource | str:
    return "a boot cannot be taken back"

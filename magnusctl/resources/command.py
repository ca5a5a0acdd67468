"""A command with a guard, for what has no kind of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import STARTED_WITH, Change, Resource, State, Step, digest

ASK = "ask_command"


@dataclass(frozen=True, kw_only=True)
class Command(Resource):
    """A shell text that runs unless its guard succeeds, or when its `restart_on` inputs changed.

    A guard that exits with 75 cannot tell yet: that is known after what is before it was made.
    Without a guard it must have `restart_on`: a command that always runs is never converged.
    """

    kind: ClassVar[str] = "command"
    label: str
    run: str
    unless: str = ""
    undo: str = ""
    seconds: int = 600
    """How long it may take, before it is killed with all that it started."""

    @property
    def name(self) -> str:
        return self.label

    def state(self) -> State:
        guard = {"needed": "no"} if self.unless else {}
        marker = {STARTED_WITH: self.inputs} if self.inputs else {}
        return {**guard, **marker}


def marker(resource: Command) -> str:
    """The file name of its marker on the host; a label may hold any character."""
    return f"command.{digest(resource.label)[:16]}"


def question(resource: Command) -> tuple[str, ...]:
    return (marker(resource), resource.unless or "-")


def parse(resource: Command, answer: str) -> State | None:
    """Read `STARTED-WITH done`, `needed` or `unknown`, or `STARTED-WITH -` without a guard."""
    started_with, _, word = answer.partition(" ")
    if word == "unknown":
        return None
    return {"needed": "yes" if word == "needed" else "no", STARTED_WITH: started_with}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    command = change.resource
    assert isinstance(command, Command)
    name = marker(command)
    forget = sh("forget_start", name)
    script = sh("run_command", name, command.inputs or "-", command.unless or "-", command.run)
    if command.inputs == "-":
        script = f"{forget} && {script}"
    prepare = forget if command.inputs and not change.guard else ""
    return Step((change,), script, prepare=prepare, seconds=command.seconds)


def former(resource: Command, answer: str) -> Resource | str:
    started_with, _, word = answer.partition(" ")
    if not resource.unless:
        # It runs when what it reads has changed, and that changes back.
        return Command(
            label=resource.label, run=resource.run, inputs=started_with, risk=resource.risk
        )
    if not resource.undo:
        return "a command has no way back, unless 'undo' says one"
    if word == "done":
        return "it was already done before"
    return Command(
        label=f"undo {resource.label}", run=resource.undo, unless=f"! ( {resource.unless} )"
    )

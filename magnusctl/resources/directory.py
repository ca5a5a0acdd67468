"""A directory with its owner and mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.resources.file import without_ownership
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step

ASK = "ask_directory"


@dataclass(frozen=True, kw_only=True)
class Directory(Resource):
    """A directory; what is inside is not judged, and only an empty one is ever removed."""

    kind: ClassVar[str] = "directory"
    path: str
    mode: str = "0755"
    owner: str = "root"
    group: str = "root"
    ensure: str = "present"

    @property
    def name(self) -> str:
        return self.path

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        return {
            "ensure": "present",
            "type": "directory",
            "mode": self.mode,
            "owner": self.owner,
            "group": self.group,
        }


def question(resource: Directory) -> tuple[str, ...]:
    return (resource.path,)


def parse(resource: Directory, answer: str) -> State | None:
    """Read `directory 755 root root`, `absent`, or another type."""
    kind, *fields = answer.split(" ")
    if kind == "absent":
        return ABSENT
    mode, owner, group = fields[:3]
    return without_ownership(
        {
            "ensure": "present",
            "type": kind,
            "mode": mode.zfill(4),
            "owner": owner,
            "group": group,
        }
    )


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [Step((change,), _script(change)) for change in changes]


def _script(change: Change) -> str:
    directory = change.resource
    assert isinstance(directory, Directory)
    if change.action is Action.DELETE:
        return sh("remove_directory", directory.path)
    return sh("put_directory", directory.path, directory.mode, directory.owner, directory.group)


def former(resource: Directory, answer: str) -> Resource | str:
    state = parse(resource, answer)
    if state == ABSENT:
        return Directory(path=resource.path, ensure="absent", risk=resource.risk)
    if state is None or state["type"] != "directory":
        return "it was no directory"
    return Directory(
        path=resource.path,
        mode=state["mode"] or "0755",
        owner=state["owner"] or resource.owner,
        group=state["group"] or resource.group,
        risk=resource.risk,
    )

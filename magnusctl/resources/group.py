"""A group of users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step

ASK = "ask_group"
LOGIN = "@login"
"""Stands for the user who is logged in on the host, whoever the ssh configuration makes that."""


@dataclass(frozen=True, kw_only=True)
class Group(Resource):
    """A group and members it must have; other members stay."""

    kind: ClassVar[str] = "group"
    group: str
    members: tuple[str, ...] = ()
    system: bool = False
    ensure: str = "present"

    @property
    def name(self) -> str:
        return self.group

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        members = {"members": ",".join(sorted(self.members))} if self.members else {}
        return {"ensure": "present", **members}


def declared_of(declared: Sequence[str], observed: str) -> str:
    """Of the observed names (`a,b,c`) those that are declared, in canonical order."""
    return ",".join(sorted(set(declared) & set(observed.split(","))))


def question(resource: Group) -> tuple[str, ...]:
    return (resource.group,)


def parse(resource: Group, answer: str) -> State | None:
    """Read `present:GID:MEMBER,MEMBER` or `absent`."""
    if answer == "absent":
        return ABSENT
    _, gid, members = answer.split(":", 2)
    return {"ensure": "present", "gid": gid, "members": declared_of(resource.members, members)}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [Step((change,), _script(change)) for change in changes]


def _script(change: Change) -> str:
    group = change.resource
    assert isinstance(group, Group)
    if change.action is Action.DELETE:
        return sh("remove_group", group.group)
    exists = "no" if change.action is Action.CREATE else "yes"
    has = set(((change.before or {}).get("members") or "").split(","))
    missing = [member for member in group.members if member not in has]
    return sh("put_group", group.group, exists, "yes" if group.system else "no", *missing)

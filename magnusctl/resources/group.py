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
    """A group, members it must have, and members it must not have; others stay."""

    kind: ClassVar[str] = "group"
    group: str
    members: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    system: bool = False
    gid: str = ""
    ensure: str = "present"

    @property
    def name(self) -> str:
        return self.group

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        members = {"members": ",".join(sorted(self.members))} if self.members else {}
        without = {"without": ",".join(sorted(self.without))} if self.without else {}
        gid = {"gid": self.gid} if self.gid else {}
        return {"ensure": "present", **gid, **members, **without}


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
    gone = set(resource.without) - set(members.split(","))
    return {
        "ensure": "present",
        "gid": gid,
        "members": declared_of(resource.members, members),
        "without": ",".join(sorted(gone)),
    }


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [Step((change,), _script(change)) for change in changes]


def _script(change: Change) -> str:
    group = change.resource
    assert isinstance(group, Group)
    if change.action is Action.DELETE:
        return sh("remove_group", group.group)
    has = set(((change.before or {}).get("members") or "").split(","))
    missing = [member for member in group.members if member not in has]
    script = sh(
        "put_group", group.group, group.gid or "-", "yes" if group.system else "no", *missing
    )
    return (
        f"{script} && {sh('leave_group', group.group, *group.without)}" if group.without else script
    )


def former(resource: Group, answer: str) -> Resource | str:
    if answer == "absent":
        return Group(group=resource.group, ensure="absent", risk=resource.risk)
    _, gid, members = answer.split(":", 2)
    had = members.split(",")
    if resource.ensure == "absent":
        names = tuple(member for member in had if member and member != "@login")
        return Group(group=resource.group, gid=gid, members=names, risk=resource.risk)
    joined = tuple(member for member in resource.members if member not in had)
    left = tuple(member for member in resource.without if member in had)
    return Group(group=resource.group, members=left, without=joined, risk=resource.risk)

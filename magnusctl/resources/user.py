"""A user account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.resources.group import declared_of
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step

ASK = "ask_user"


@dataclass(frozen=True, kw_only=True)
class User(Resource):
    """An account; an empty attribute is not declared. It is in `groups` and not in `without`."""

    kind: ClassVar[str] = "user"
    user: str
    home: str = ""
    shell: str = ""
    comment: str = ""
    groups: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    system: bool = False
    ensure: str = "present"

    @property
    def name(self) -> str:
        return self.user

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        declared = {
            "home": self.home,
            "shell": self.shell,
            "comment": self.comment,
            "groups": ",".join(sorted(self.groups)),
            "without": ",".join(sorted(self.without)),
        }
        return {"ensure": "present", **{key: value for key, value in declared.items() if value}}


def question(resource: User) -> tuple[str, ...]:
    return (resource.user,)


def parse(resource: User, answer: str) -> State | None:
    """Read `present:UID:HOME:SHELL:GROUP,GROUP:COMMENT` or `absent`."""
    if answer == "absent":
        return ABSENT
    _, uid, home, shell, groups, comment = answer.split(":", 5)
    return {
        "ensure": "present",
        "uid": uid,
        "home": home,
        "shell": shell,
        "groups": declared_of(resource.groups, groups),
        "without": ",".join(sorted(set(resource.without) - set(groups.split(",")))),
        "comment": comment,
    }


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [Step((change,), _script(change)) for change in changes]


def _script(change: Change) -> str:
    user = change.resource
    assert isinstance(user, User)
    if change.action is Action.DELETE:
        return sh("remove_user", user.user)
    exists = "no" if change.action is Action.CREATE else "yes"
    script = sh(
        "put_user",
        user.user,
        exists,
        user.home or "-",
        user.shell or "-",
        "yes" if user.system else "no",
        ",".join(user.groups) or "-",
        user.comment or "-",
    )
    return " && ".join([script, *(sh("leave_group", name, user.user) for name in user.without)])


def former(resource: User, answer: str) -> Resource | str:
    if answer == "absent":
        return User(user=resource.user, ensure="absent", risk=resource.risk)
    if resource.ensure == "absent":
        return "an account that was removed cannot be had again"
    _, _, home, shell, groups, comment = answer.split(":", 5)
    return User(
        user=resource.user,
        home=home if resource.home else "",
        shell=shell if resource.shell else "",
        comment=comment if resource.comment else "",
        without=tuple(name for name in resource.groups if name not in groups.split(",")),
        risk=resource.risk,
    )

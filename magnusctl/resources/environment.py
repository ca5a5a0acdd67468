"""A Python environment that uv makes from a lock, each lock in a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step, digest

ASK = "ask_environment"
_SECONDS = 7200
"""Some ten gigabytes of wheels over a slow line; uv gives up by itself on one that stalls."""
_SHORT = 16


@dataclass(frozen=True, kw_only=True)
class Environment(Resource):
    """`path` is a link to `path-DIGEST`, which holds exactly what the lock names, each wheel by its
    hash. The link moves only once that folder is whole; the one before stays for the way back.

    `lock` is the file with the lock on the host, `locked` the digest of its text, `python` a
    version that uv brings or the path of an interpreter, `index` and `links` say where wheels are.
    """

    kind: ClassVar[str] = "environment"
    path: str
    lock: str = ""
    locked: str = ""
    python: str = ""
    uv: str = ""
    index: str = ""
    links: str = ""
    ensure: str = "present"

    @property
    def name(self) -> str:
        return self.path

    @property
    def version(self) -> str:
        """What its folder is called by: another lock or another Python is another folder."""
        return self.locked if not self.lock else digest(f"{self.locked} {self.python}")[:_SHORT]

    def state(self) -> State:
        return ABSENT if self.ensure == "absent" else {"ensure": "present", "lock": self.version}


def question(resource: Environment) -> tuple[str, ...]:
    return (resource.path,)


def parse(resource: Environment, answer: str) -> State | None:
    """Read `lock DIGEST`, `broken` for one that is not whole, or `absent`."""
    word, _, version = answer.partition(" ")
    if word == "absent":
        return ABSENT
    return {"ensure": "present", "lock": version or word}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [Step((change,), _script(change), seconds=_SECONDS) for change in changes]


def _script(change: Change) -> str:
    wanted = change.resource
    assert isinstance(wanted, Environment)
    if change.action is Action.DELETE:
        return sh("remove_environment", wanted.path)
    words = (wanted.lock, wanted.python, wanted.uv, wanted.index, wanted.links)
    return sh("put_environment", wanted.path, wanted.version, *(word or "-" for word in words))


def former(resource: Environment, answer: str) -> Resource | str:
    """The environment of before is still there, next to the new one."""
    word, _, version = answer.partition(" ")
    if word == "absent":
        return Environment(path=resource.path, ensure="absent")
    if word == "broken":
        return "it was not whole before"
    return Environment(path=resource.path, locked=version)

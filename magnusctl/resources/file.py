"""A file with all of its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step, digest

ASK = "ask_file"


@dataclass(frozen=True, kw_only=True)
class File(Resource):
    """Bytes, owner and mode at an absolute path; `validator` judges them before they count."""

    kind: ClassVar[str] = "file"
    path: str
    content: str = ""
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    validator: str = "-"
    ensure: str = "present"

    @property
    def name(self) -> str:
        return self.path

    @property
    def data(self) -> bytes:
        """The content as bytes; surrogates stand for bytes that are not UTF-8."""
        return self.content.encode("utf-8", "surrogateescape")

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        return {
            "ensure": "present",
            "content": digest(self.data),
            "mode": self.mode,
            "owner": self.owner,
            "group": self.group,
        }


def question(resource: File) -> tuple[str, ...]:
    return (resource.path,)


def parse(resource: File, answer: str) -> State | None:
    """Read `file 644 root root SHA256`, `absent`, or another type with its mode and owner."""
    kind, *fields = answer.split(" ")
    if kind == "absent":
        return ABSENT
    mode, owner, group = fields[:3]
    state: dict[str, str | None] = {
        "ensure": "present",
        "content": fields[3] if kind == "file" else kind,
        "mode": mode.zfill(4),
        "owner": owner,
        "group": group,
    }
    return without_ownership(state)


def without_ownership(state: dict[str, str | None]) -> State:
    """Below a root without privilege the host prints `*`: ownership cannot be told there."""
    return {key: None if value == "*" else value for key, value in state.items()}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    file = change.resource
    assert isinstance(file, File)
    if change.action is Action.DELETE:
        return Step((change,), sh("remove_file", file.path))
    content = file.data
    words = (digest(content), file.path, file.mode, file.owner, file.group, file.validator)
    return Step((change,), sh("put_file", *words), payload={digest(content): content})

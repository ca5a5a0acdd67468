"""A file with all of its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.errors import InputError
from magnusctl.quote import Secret, revealed, sh
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step, digest

ASK = "ask_file"


@dataclass(frozen=True, kw_only=True)
class File(Resource):
    """Bytes, owner and mode at an absolute path; `validator` judges them before they count.

    `content` holds placeholders where `secrets` go: their values are only in `data`.
    """

    kind: ClassVar[str] = "file"
    path: str
    content: str = ""
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    validator: str = "-"
    ensure: str = "present"
    kept: str = ""
    """SHA-256 of bytes that the host kept, in the place of `content`."""
    secrets: tuple[Secret, ...] = ()

    def __post_init__(self) -> None:
        if self.secrets and self.ensure == "present" and not self.mode.endswith("00"):
            message = f"{self.path} holds {self.secrets[0]}, so only its owner may read it"
            raise InputError(message, hint=f"Its mode is {self.mode}: make it '0600' or '0400'.")

    @property
    def name(self) -> str:
        return self.path

    @property
    def data(self) -> bytes:
        """The content as bytes, secrets revealed; surrogates stand for bytes that are not UTF-8."""
        return revealed(self.content, self.secrets).encode("utf-8", "surrogateescape")

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        return {
            "ensure": "present",
            "content": self.kept or digest(self.data),
            "mode": self.mode,
            "owner": self.owner,
            "group": self.group,
        }


_REFUSED = "{} could not be replaced, or validator {} refuses it; it holds secrets: no more is said"


def secrets_of(resources: Iterable[Resource]) -> Iterator[Secret]:
    """The secrets that files hold, and those that decide whether something restarts."""
    for resource in resources:
        yield from secrets_of(resource.inputs_from)
        if isinstance(resource, File) and resource.ensure == "present":
            yield from resource.secrets


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
    attributes = (file.path, file.mode, file.owner, file.group, file.validator)
    if file.kept:
        return Step((change,), sh("put_file", "kept", file.kept, *attributes))
    content = file.data
    script = sh("put_file", "files", digest(content), *attributes)
    if file.secrets and file.validator != "-":
        # A validator may repeat the line that it refuses.
        script += f" >/dev/null 2>&1 || {sh('fail', _REFUSED.format(file.path, file.validator))}"
    return Step((change,), script, payload={digest(content): content})


def former(resource: File, answer: str) -> Resource | str:
    state = parse(resource, answer)
    if state == ABSENT:
        return File(path=resource.path, ensure="absent", risk=resource.risk)
    if state is None or not answer.startswith("file "):
        return "it was no regular file"
    return File(
        path=resource.path,
        kept=state["content"] or "",
        mode=state["mode"] or "0644",
        owner=state["owner"] or resource.owner,
        group=state["group"] or resource.group,
        risk=resource.risk,
    )

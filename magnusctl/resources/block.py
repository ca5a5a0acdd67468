"""A marked block of lines in a file that belongs to somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from magnusctl.quote import sh
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step, digest

ASK = "ask_block"


@dataclass(frozen=True, kw_only=True)
class Block(Resource):
    """Lines between `# MARKER begin` and `# MARKER end`; the rest of the file is not ours.

    Mode, owner and group are those of a file that has to be made; one that is there keeps its own.
    """

    kind: ClassVar[str] = "block"
    path: str
    content: str
    marker: str = "magnus"
    mode: str = "0644"
    owner: str = "0"
    group: str = "0"
    ensure: str = "present"
    kept: str = ""
    """SHA-256 of lines that the host kept, in the place of `content`."""
    made: bool = False
    """Whether the file is there only for this block, and goes with it."""

    def __post_init__(self) -> None:
        lines = self.content.split("\n")
        marks = {f"# {self.marker} begin", f"# {self.marker} end"}
        if lines[-1] or marks & set(lines):
            raise ValueError("a block is whole lines, and none of them is its marker")

    @property
    def name(self) -> str:
        return self.path

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        return {"ensure": "present", "content": self.kept or digest(self.content)}


def question(resource: Block) -> tuple[str, ...]:
    return (resource.path, resource.marker)


def parse(resource: Block, answer: str) -> State | None:
    """Read `block SHA256`, `none` (a file without the block) or `absent` (no file)."""
    kind, _, content = answer.partition(" ")
    return {"ensure": "present", "content": content} if kind == "block" else ABSENT


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    block = change.resource
    assert isinstance(block, Block)
    if change.action is Action.DELETE:
        made = "made" if block.made else "-"
        return Step((change,), sh("remove_block", block.path, block.marker, made))
    attributes = (block.path, block.marker, block.mode, block.owner, block.group)
    if block.kept:
        return Step((change,), sh("put_block", "kept", block.kept, *attributes))
    content = block.content.encode("utf-8", "surrogateescape")
    script = sh("put_block", "files", digest(content), *attributes)
    return Step((change,), script, payload={digest(content): content})


def former(resource: Block, answer: str) -> Resource | str:
    common: dict[str, Any] = {
        "path": resource.path,
        "marker": resource.marker,
        "content": "",
        "mode": resource.mode,
        "owner": resource.owner,
        "group": resource.group,
        "risk": resource.risk,
    }
    word, _, lines = answer.partition(" ")
    if word == "block":
        return Block(**common, kept=lines)
    return Block(**common, ensure="absent", made=word == "absent")

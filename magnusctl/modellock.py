"""magnus.lock: which commit and which files a model's name stands for, the same everywhere.

It stands beside the inventory and is meant to be committed. Names of the catalogue say which model
is wanted; this file says of which bytes it consists, and by which engine they were served first.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from magnusctl import whole
from magnusctl.errors import InputError, Locked
from magnusctl.inventory import findings, yaml
from magnusctl.inventory.fields import Line, matching
from magnusctl.inventory.load import fail, read_document
from magnusctl.inventory.marks import Document
from magnusctl.inventory.strict import Model

SCHEMA = 1
NAME = "magnus.lock"
WAIT_S = 10.0
"""How long a second writer waits for the first."""
_HEAD = "# Written by magnusctl: which files each model's name stands for. Commit it.\n"
_DETOURS = {"", ".", ".."}


@dataclass(frozen=True)
class LockedFile:
    """A file of a model, with the digest that it must have."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class LockedModel:
    """What a name stands for: a commit of a repository, and its files in the order of paths."""

    repository: str
    revision: str
    files: tuple[LockedFile, ...]
    engine: str
    engine_version: str
    written_at: str
    """The day, as 2026-05-17."""

    @property
    def size(self) -> int:
        """All files together, in bytes."""
        return sum(one.size for one in self.files)


@dataclass(frozen=True)
class Lock:
    """All of them, by their key: `qwen2.5-14b@safetensors-AWQ-int4-g128`."""

    models: Mapping[str, LockedModel] = field(default_factory=dict)

    def merged(self, other: Lock) -> Lock:
        """Both; where both know a key, the other one's."""
        return Lock({**self.models, **other.models})


def plain_relative(value: str) -> str:
    """A path below a folder, without detours. Raises ValueError for anything else."""
    if not _DETOURS.isdisjoint(value.split("/")) or "\\" in value or not value.isprintable():
        raise ValueError("expected a plain path below the model's folder")
    return value


class _File(Model):
    path: Annotated[str, AfterValidator(plain_relative)]
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, matching(r"[0-9a-f]{64}", "a SHA-256 of 64 hex digits")]


class _Model(Model):
    repository: Line
    revision: Annotated[str, matching(r"[0-9a-f]{40}", "a commit of 40 hex digits")]
    engine: Line
    engine_version: Line
    written_at: Annotated[str, matching(r"\d{4}-\d\d-\d\d", "a date, as '2026-05-17'")]
    files: Annotated[tuple[_File, ...], Field(min_length=1)]


class _Document(Model):
    # Named as it is used: pydantic's own word for a schema is taken.
    version: Annotated[Literal[1], Field(alias="schema")]
    models: dict[Line, _Model] = {}  # noqa: RUF012  # pydantic copies defaults


def place(inventory: Path) -> Path:
    """Where an inventory's lock is."""
    return inventory.resolve().parent / NAME


def read(path: Path) -> Lock:
    """Read a lock; one that is not there locks nothing. Raises InputError with the place of what
    is wrong in it."""
    if not path.exists():
        return Lock()
    return _checked(read_document(path, "a lock of models"))


def _checked(document: Document) -> Lock:
    try:
        found = _Document.model_validate(document.data or {})
    except ValidationError as error:
        wrong = fail(document, findings.problems(document, error.errors(), _Document))
        wrong.hint = f"Undo what was edited, or delete {NAME}: the next deployment writes it."
        raise wrong from None
    return Lock({name: _locked(one) for name, one in found.models.items()})


def _locked(read: _Model) -> LockedModel:
    return LockedModel(
        repository=read.repository,
        revision=read.revision,
        files=tuple(LockedFile(one.path, one.size, one.sha256) for one in read.files),
        engine=read.engine,
        engine_version=read.engine_version,
        written_at=read.written_at,
    )


def write(path: Path, lock: Lock) -> Lock:
    """Add entries to a lock, whole or not at all, and return all that it holds then.

    What is there already stays, also what somebody else wrote in the meantime. Raises InputError
    where it cannot be written or what is there is none, and Locked where another writer holds it.
    """
    try:
        with _alone(path.resolve().parent):
            merged = read(path).merged(lock)
            written = text(merged)
            _checked(yaml.read(written, str(path)))  # what could not be read back is not written
            whole.write(path, written.encode(), 0o644)
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=str(path)) from None
    return merged


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder: a file of its own would lie about in the project."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + WAIT_S
        while not _held(handle):
            if time.monotonic() > deadline:
                message = f"another command has been writing here for {WAIT_S:.0f} s"
                raise Locked(message, where=str(folder), hint="Try again when it has ended.")
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _held(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def text(lock: Lock) -> str:
    """A lock as it is written: sorted, one file a line, so that a change is read as one."""
    lines = [_HEAD, f"schema: {SCHEMA}\n", "models:\n" if lock.models else "models: {}\n"]
    for name, model in sorted(lock.models.items()):
        lines.append(f"  {_quoted(name)}:\n")
        lines += (f"    {key}: {_quoted(value)}\n" for key, value in _lines(model))
        lines.append("    files:\n")
        lines += (_file(one) for one in sorted(model.files, key=lambda one: one.path))
    return "".join(lines)


def _lines(model: LockedModel) -> Iterator[tuple[str, str]]:
    for key in ("repository", "revision", "engine", "engine_version", "written_at"):
        yield key, getattr(model, key)


def _file(one: LockedFile) -> str:
    return (
        f"      - {{path: {_quoted(one.path)}, size: {one.size}, sha256: {_quoted(one.sha256)}}}\n"
    )


def _quoted(value: str) -> str:
    # Every JSON string is one of YAML, except that YAML takes surrogates one by one.
    return re.sub(
        r"[\x7f-\x9f]", lambda m: f"\\u{ord(m[0]):04x}", json.dumps(value, ensure_ascii=False)
    )

"""What a bundle holds, by name, size and digest; proved when it is read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from magnusctl.errors import InputError
from magnusctl.inventory.fields import Label, Line, Sha256, matching
from magnusctl.inventory.strict import Model
from magnusctl.modellock import LockedFile, LockedModel
from magnusctl.resources.artifact import path_fault

NAME = "manifest.json"
MODEL, ENGINE, WHEELS = "model/", "engine/", "engine/wheels/"
LARGEST = 32 << 20
"""Bytes of a manifest."""
MOST = 20_000
"""Members of a bundle."""
Variable = Literal["uv", "ollama", "llamacpp"]
Folder = Annotated[str, matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", "a plain name")]
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_UNSAFE = "No file of it was used. Take the bundle from who made it once more."


class Member(Model):
    """A file of a bundle."""

    path: str
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256


class Unpacked(Model):
    """An archive that the host unpacks: which variable of the role inference names it."""

    variable: Variable
    member: str
    strip: Annotated[int, Field(ge=0, le=9)] = 0


class Pinned(Model):
    """An entry of magnus.lock."""

    repository: Line
    revision: Annotated[str, matching(r"[0-9a-f]{40}", "a commit of 40 hex digits")]
    engine: Line
    engine_version: Line
    written_at: Annotated[str, matching(r"\d{4}-\d\d-\d\d", "a date")]
    files: Annotated[tuple[Member, ...], Field(min_length=1)]

    @property
    def locked(self) -> LockedModel:
        """As magnus.lock has it."""
        files = tuple(LockedFile(one.path, one.size, one.sha256) for one in self.files)
        return LockedModel(
            self.repository,
            self.revision,
            files,
            self.engine,
            self.engine_version,
            self.written_at,
        )


class Manifest(Model):
    """A bundle: one model for one host, and what the engine there is made of."""

    version: Annotated[Literal[1], Field(alias="schema")]
    created: Annotated[str, matching(_TIME, "a time in UTC")]
    made_by: Line
    model: Line
    """As it was asked for; what `deploy-model` is told."""
    folder: Folder
    """Of its files, below `model/`."""
    quant: Line
    """The form, by its name in the catalogue; nothing where the inventory or the files say it."""
    own: bool
    """Whether no catalogue and no inventory knows it."""
    key: Line
    pinned: Pinned | None
    host: Label
    system: Line
    engine: Literal["vllm", "mlx", "ollama", "llamacpp"]
    engine_version: Line
    python: Line
    """The Python that environments want, where they have to come by it; else nothing."""
    packages: tuple[Line, ...]
    """Of the system; they are not in the bundle."""
    archives: tuple[Unpacked, ...]
    members: tuple[Member, ...]

    @property
    def size(self) -> int:
        """All members together, in bytes."""
        return sum(one.size for one in self.members)

    def below(self, prefix: str) -> tuple[Member, ...]:
        """The members of one part."""
        return tuple(one for one in self.members if one.path.startswith(prefix))


def text(manifest: Manifest) -> str:
    """A manifest as it is written."""
    return manifest.model_dump_json(by_alias=True, indent=1) + "\n"


def read(data: bytes, where: str) -> Manifest:
    """A manifest that somebody sent. Raises InputError for what it may not say."""
    try:
        found = Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"its {NAME} is none that this version reads: {place}: {first['msg']}"
        raise InputError(message.replace(": : ", ": "), where=where, hint=_UNSAFE) from None
    if fault := _fault(found):
        raise InputError(f"its {NAME} cannot be: {fault}", where=where, hint=_UNSAFE)
    return found


def _fault(found: Manifest) -> str:
    """What no bundle of ours would say, or nothing."""
    paths = [one.path for one in found.members]
    if len(paths) > MOST:
        return f"more than {MOST} members"
    if len({path.casefold() for path in paths}) < len(paths):
        return "two members have one name"
    faults = (member_fault(path, found.folder) for path in paths)
    first = next(filter(None, faults), "")
    strangers = {one.member for one in found.archives} - {*paths}
    if not first and strangers:
        first = f"there is no member {min(strangers)!r}"
    return first or _lock_fault(found)


def member_fault(path: str, folder: str) -> str:
    """Why a path can be none of a member, or nothing."""
    if fault := path_fault(path):
        return f"the path {path!r} {fault}"
    if "\\" in path:
        return f"the path {path!r} has a backslash"
    if not path.startswith((f"{MODEL}{folder}/", ENGINE)):
        return f"the path {path!r} is of no part of a bundle"
    return ""


def _lock_fault(found: Manifest) -> str:
    """Weights that are there must be those that magnus.lock will name."""
    inside = found.below(MODEL)
    if not inside or found.pinned is None:
        return ""
    prefix = f"{MODEL}{found.folder}/"
    listed = {(prefix + one.path, one.size, one.sha256) for one in found.pinned.files}
    same = listed == {(one.path, one.size, one.sha256) for one in inside}
    return "" if same else "its model is not the one that it pins"

"""Which files a model consists of, and how a host comes by them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from magnusctl import modellock
from magnusctl.catalogue.entries import Artifact as Form
from magnusctl.catalogue.entries import Entry, key
from magnusctl.catalogue.local import Local
from magnusctl.errors import InputError
from magnusctl.modellock import Lock, LockedFile, LockedModel
from magnusctl.resources.artifact import Artifact, ArtifactFile
from magnusctl.state import digest

HUB = "https://huggingface.co"
_PIECE = 1 << 20
_PLAIN = 48 * 10**9
"""Bytes of a file: larger ones the hub gives over plain HTTP to nobody, only to its own program.
That begins a file anew after a cut (huggingface_hub 2.4), where curl goes on."""
_WITH_HF = ("vllm", "mlx")
Told = Callable[[str], None]


@dataclass(frozen=True)
class Files:
    """Files with their digests, and who brings them: `folder` on this machine, or the hub."""

    files: tuple[LockedFile, ...]
    repository: str = ""
    revision: str = ""
    folder: Path | None = None
    tag: str = ""
    """What Ollama's own library calls it: then Ollama fetches it, and proves it by its digests."""
    likely: int = 0
    """Bytes, where no file is listed."""

    @property
    def size(self) -> int:
        """All of them, in bytes."""
        return sum(one.size for one in self.files) or self.likely

    @property
    def main(self) -> str:
        """Of GGUF the one file that an engine is given (the first of several parts); else none."""
        found = sorted(one.path for one in self.files if one.path.endswith(".gguf"))
        return found[0] if found and len(found) == len(self.files) else ""


def locked(
    inventory: Path, entry: Entry, form: Form, engine: str, version: str, told: Told
) -> Files:
    """As magnus.lock has it; what is not in there is asked of the hub, and written into it.

    Raises MagnusError.
    """
    path = modellock.place(inventory)
    name = key(entry, form)
    found = modellock.read(path).models.get(name)
    if found is None:
        from magnusctl import hub

        told(f"{name} is not in {path.name}: asking the hub for its files")
        token = os.environ.get("HF_TOKEN") or None
        pinned = hub.resolve(
            form.repository,
            form.revision or None,
            form.include,
            endpoint=os.environ.get("HF_ENDPOINT") or None,
            token=token,
        )
        day = datetime.now(UTC).date().isoformat()
        found = LockedModel(
            pinned.repository, pinned.revision, pinned.files, engine, version or "unknown", day
        )
        modellock.write(path, Lock({name: found}))
        told(f"{path.name}: pinned {pinned.repository} at {pinned.revision[:12]}")
    return Files(found.files, found.repository, found.revision)


def known(inventory: Path, entry: Entry, form: Form) -> Files | None:
    """As magnus.lock has it, or nothing: nobody is asked."""
    found = modellock.read(modellock.place(inventory)).models.get(key(entry, form))
    return Files(found.files, found.repository, found.revision) if found else None


def tagged(form: Form, size: int) -> Files:
    """What Ollama pulls by itself."""
    return Files((), "Ollama's library", form.tag, tag=form.tag, likely=size)


def unpinned(form: Form, size: int) -> Files:
    """What stands for files that nobody has listed yet: one, of the size that is reckoned."""
    nothing = LockedFile("(listed when it is deployed)", size, "0" * 64)
    return Files((nothing,), form.repository, form.revision or "newest")


def of_folder(local: Local, told: Told) -> Files:
    """A model of one's own; every file is read once for its digest. Raises InputError."""
    hashed = []
    for file in local.files:
        path = local.folder / file.path
        if file.size > 1 << 30:
            told(f"reading {file.path} for its digest")
        hashed.append(LockedFile(file.path, file.size, _sha256(path)))
    return Files(tuple(hashed), folder=local.folder)


def same(files: Files, folder: Path, told: Told) -> Files:
    """Files that are locked, from a folder on this machine. Raises InputError for one that is not
    there or is another."""
    for file in files.files:
        path = folder / file.path
        if not path.is_file():
            hint = f"It is wanted by {modellock.NAME}; take the whole folder of this revision."
            raise InputError("this file of the model is missing", where=str(path), hint=hint)
        if path.stat().st_size != file.size or _sha256(path) != file.sha256:
            message = f"other bytes than {modellock.NAME} pins"
            raise InputError(message, where=str(path), hint="Nothing was sent anywhere.")
        told(f"{file.path}: as pinned")
    return Files(files.files, files.repository, files.revision, folder)


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    try:
        with path.open("rb") as source:
            while piece := source.read(_PIECE):
                found.update(piece)
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", where=str(path)) from None
    return found.hexdigest()


def artifact(
    files: Files, name: str, top: str, *, engine: str, program: str, group: str, token: str
) -> Artifact:
    """The files as a resource of a host: in a folder that is named by their digest, so that two
    releases with the same files share it, and none is ever replaced in place."""
    endpoint = os.environ.get("HF_ENDPOINT", "")
    base = f"{endpoint or HUB}/{files.repository}/resolve/{files.revision}"
    listed = tuple(
        ArtifactFile(
            path=one.path,
            size=one.size,
            sha256=one.sha256,
            url="" if files.folder else f"{base}/{quote(one.path)}",
        )
        for one in files.files
    )
    source: Literal["curl", "hf", "pushed"] = "pushed" if files.folder else "curl"
    if not files.folder and engine in _WITH_HF and any(one.size > _PLAIN for one in files.files):
        source = "hf"
    return Artifact(
        path=f"{top}/store/{name}-{_short(files)}",
        files=listed,
        source=source,
        repository=files.repository,
        revision=files.revision,
        endpoint=endpoint,
        program=program if source == "hf" else "",
        token="" if files.folder else token,
        owner="root",
        group=group,
    )


def _short(files: Files) -> str:
    lines = sorted(f"{one.sha256} {one.size} {one.path}\n" for one in files.files)
    return digest("".join(lines))[:12]

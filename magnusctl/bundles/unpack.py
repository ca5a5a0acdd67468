"""A bundle that somebody sent: every byte proved, and no name followed out of its folder."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from magnusctl.bundles.fetch import sha256_of
from magnusctl.bundles.manifest import LARGEST, NAME, Manifest, Member, read
from magnusctl.bundles.tarball import Proving
from magnusctl.errors import ConflictError, InputError
from magnusctl.quote import visible

_PIECE = 1 << 20
_AGAIN = "Nothing of it was used. Copy the bundle here once more, and compare its SHA-256."
_HOSTILE = "Nothing of it was used: magnusctl bundle create writes no such thing."


@dataclass(frozen=True)
class Opened:
    """A bundle by its manifest; `digest` is of that, and stands for all of it."""

    manifest: Manifest
    head: bytes
    digest: str


def look(path: Path) -> Opened:
    """Read the manifest alone. Raises MagnusError."""
    with _opened(path) as tar:
        return _first(tar, path)


def unpack(path: Path, opened: Opened, folder: Path) -> None:
    """Write all members below an empty folder, each proved while it is written.

    Raises ConflictError for what is damaged and InputError for what is no bundle; what was
    written until then is for nobody to use.
    """
    with _opened(path) as tar:
        if _first(tar, path).digest != opened.digest:
            raise ConflictError("it changed while it was read", where=str(path), hint=_AGAIN)
        left = {one.path: one for one in opened.manifest.members}
        for entry in tar:
            if entry.name != NAME:
                member = _declared(entry, left, path)
                _written(tar, entry, member, folder, path)
                del left[member.path]
    if left:
        raise _damaged(path, min(left), "it is missing: was the bundle cut?")
    (folder / NAME).write_bytes(opened.head)


def prove(folder: Path, members: tuple[Member, ...]) -> None:
    """Hold unpacked files against their digests. Raises ConflictError."""
    for one in members:
        where = folder / one.path
        try:
            same = where.stat().st_size == one.size and sha256_of(where) == one.sha256
        except OSError:
            same = False
        if not same:
            hint = "Remove the folder, then run magnusctl bundle apply again."
            message = "it is missing, or has other bytes than the bundle had"
            raise ConflictError(message, where=str(where), hint=hint)


def manifest_in(folder: Path) -> Opened:
    """The manifest of a folder that a bundle was unpacked to. Raises InputError."""
    where = folder / NAME
    try:
        with where.open("rb") as file:
            head = file.read(LARGEST + 1)
    except OSError as fault:
        hint = "Unpack one first:  magnusctl bundle apply FILE.tar"
        message = f"no bundle was unpacked here: {fault.strerror}"
        raise InputError(message, where=str(where), hint=hint) from None
    return Opened(read(head, str(where)), head, hashlib.sha256(head).hexdigest())


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise InputError("it is empty", where=str(path), hint=_AGAIN)
            with tarfile.open(fileobj=file, mode="r:", errorlevel=2) as tar:
                yield tar
    except tarfile.TarError as fault:
        message = f"it is no whole tar: {visible(str(fault))}"
        raise ConflictError(message, where=str(path), hint=_AGAIN) from None
    except OSError as fault:
        message = fault.strerror or str(fault)
        raise InputError(message, where=str(fault.filename or path)) from None
    except (ValueError, OverflowError, RecursionError):
        # What tarfile says of numbers and names that no tar has.
        raise InputError("it is no tar of ours", where=str(path), hint=_HOSTILE) from None


def _first(tar: tarfile.TarFile, path: Path) -> Opened:
    entry = tar.next()
    if entry is None or entry.name != NAME or not _plain(entry) or entry.size > LARGEST:
        message = f"this is no bundle: its first member is not {NAME}"
        raise InputError(message, where=str(path), hint="Make one with:  magnusctl bundle create")
    source = tar.extractfile(entry)
    assert source is not None
    head = source.read()
    return Opened(read(head, str(path)), head, hashlib.sha256(head).hexdigest())


def _plain(entry: tarfile.TarInfo) -> bool:
    """A file with bytes of its own: no link, device, folder, or file with holes."""
    return entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and entry.sparse is None


def _declared(entry: tarfile.TarInfo, left: dict[str, Member], path: Path) -> Member:
    """The member that an entry is. Its name is used only if the manifest has the very same."""
    name = visible(entry.name)
    if not _plain(entry):
        message = f"{name!r} in it is no plain file"
        raise InputError(message, where=str(path), hint=_HOSTILE)
    member = left.get(entry.name)
    if member is None:
        message = f"{name!r} in it is not in its {NAME}, or comes twice"
        raise InputError(message, where=str(path), hint=_HOSTILE)
    if entry.size != member.size:
        raise _damaged(path, member.path, f"it has {entry.size} bytes instead of {member.size}")
    return member


def _written(
    tar: tarfile.TarFile, entry: tarfile.TarInfo, member: Member, folder: Path, path: Path
) -> None:
    target = folder / member.path
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(entry)
    assert source is not None
    proving = Proving(source)
    with target.open("xb") as file:
        while piece := proving.read(_PIECE):
            file.write(piece)
    if proving.count != member.size or proving.digest != member.sha256:
        raise _damaged(path, member.path, "it has other bytes than were put in")


def _damaged(path: Path, member: str, why: str) -> ConflictError:
    return ConflictError(f"{member}: {why}", where=str(path), hint=_AGAIN)

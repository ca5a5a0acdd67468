"""The file of a bundle: one tar, its manifest first, written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import secrets
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from magnusctl.bundles.manifest import NAME, Manifest, Member, text
from magnusctl.errors import ConflictError, InputError, PreconditionError


def write(path: Path, manifest: Manifest, files: Iterable[tuple[Member, Path]]) -> str:
    """Write a bundle, and return the SHA-256 of its manifest. Raises MagnusError."""
    staged = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}")
    head = text(manifest).encode()
    try:
        with staged.open("xb") as target:
            with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
                tar.addfile(_entry(NAME, len(head)), io.BytesIO(head))
                for member, source in files:
                    _add(tar, member, source)
            target.flush()
            os.fsync(target.fileno())
        staged.replace(path)
    except OSError as fault:
        where, hint = str(path), "What was fetched is kept: run the same command again."
        if fault.errno == errno.ENOSPC:
            raise PreconditionError("the disk is full", where=where, hint=hint) from None
        message = f"cannot write: {fault.strerror or fault}"
        raise InputError(message, where=where, hint=hint) from None
    finally:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
    return hashlib.sha256(head).hexdigest()


def _add(tar: tarfile.TarFile, member: Member, source: Path) -> None:
    """A file may change between the look at it and now."""
    with source.open("rb") as file:
        if os.fstat(file.fileno()).st_size != member.size:
            raise _changed(source)
        proving = Proving(file)
        tar.addfile(_entry(member.path, member.size), proving)
    if proving.digest != member.sha256:
        raise _changed(source)


def _changed(source: Path) -> ConflictError:
    hint = "Nothing was written: run the same command again."
    return ConflictError("it changed while it was read", where=str(source), hint=hint)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """The same for everybody: no owner, no time, no right to run."""
    found = tarfile.TarInfo(name)
    found.size, found.mode = size, 0o644
    return found


class Proving:
    """A file that is read once, for its bytes and for its digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._found, self.count = file, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        data = self._file.read(size)
        self._found.update(data)
        self.count += len(data)
        return data

    @property
    def digest(self) -> str:
        """Of what was read so far."""
        return self._found.hexdigest()

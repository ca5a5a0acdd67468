"""A file of this machine, written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path


def write(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file. One that is there keeps its mode and owner; `mode` is a new one's.

    Raises OSError: then the old file is as it was, and nothing is left beside it.
    """
    path = Path(os.path.realpath(path))
    old = path.stat() if path.exists() else None
    if old and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file")
    staged = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            if old:
                os.fchmod(file.fileno(), old.st_mode & 0o7777)
                with contextlib.suppress(OSError):
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise

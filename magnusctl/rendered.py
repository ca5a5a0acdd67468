"""Rendered files on the control machine, to be read, compared and kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from magnusctl import whole
from magnusctl.errors import InputError
from magnusctl.quote import shown
from magnusctl.resources.block import Block
from magnusctl.resources.file import File
from magnusctl.state import Resource


def write(out: Path, host: str, desired: Sequence[Resource]) -> int:
    """Write `out/host/path` for every file; a block gets `.block` behind its name. Count them.

    Where a secret goes it says `(secret NAME)`.
    """
    count = 0
    for resource in desired:
        if isinstance(resource, File) and resource.ensure == "present":
            _write(out / host / resource.path.lstrip("/"), _bytes(resource.content))
        elif isinstance(resource, Block) and resource.ensure == "present":
            _write(out / host / f"{resource.path.lstrip('/')}.block", _bytes(resource.content))
        else:
            continue
        count += 1
    return count


def _bytes(text: str) -> bytes:
    return shown(text).encode("utf-8", "surrogateescape")


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole.write(path, data)
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=str(path)) from None

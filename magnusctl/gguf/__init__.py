"""GGUF files: their header says what a model is and what each of its tensors needs."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from magnusctl.errors import InputError
from magnusctl.gguf.facts import Sizes, config, quant, sizes
from magnusctl.gguf.fields import MOST_BYTES, LongArray, NotGguf, Truncated
from magnusctl.gguf.headers import Header, Tensor, header

__all__ = [
    "MOST_BYTES",
    "Header",
    "LongArray",
    "NotGguf",
    "Sizes",
    "Tensor",
    "Truncated",
    "config",
    "header",
    "quant",
    "read",
    "sizes",
]
_FIRST_BYTES = 2**20


def read(path: Path) -> Header:
    """The header of a file, of which no more is read than needed. Raises InputError."""
    try:
        # Opening a pipe would wait for whoever writes into it.
        if path.exists() and not path.is_file():
            raise InputError("it is no file", where=str(path))
        with path.open("rb") as file:
            return _grown(file)
    except Truncated:
        hint = "Its download is not complete: fetch it again."
        raise InputError("it ends within its header", where=str(path), hint=hint) from None
    except NotGguf as error:
        raise InputError(str(error), where=str(path)) from None
    # Of a name with a NUL in it, and of a loop of symbolic links, Python says these.
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {why}", where=str(path)) from None


def _grown(file: BinaryIO) -> Header:
    """Read twice as much each time, so a long vocabulary is gone through a few times only."""
    wanted, data = _FIRST_BYTES, b""
    while True:
        data += file.read(wanted - len(data))
        try:
            return header(data)
        except Truncated as missing:
            # This ends: with all of MOST_BYTES, header() itself says that no header is so long.
            if len(data) < wanted:
                raise
            wanted = min(max(missing.needed, 2 * wanted), MOST_BYTES)

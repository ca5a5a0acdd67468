"""Bytes become lines, and no host can fill our memory with one that never ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from magnusctl.answers import MAX_LINE
from magnusctl.errors import ProtocolError

MAX_BYTES = 64 * 1024 * 1024


def lines_of(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines without their ends; half a line is none. Raises ProtocolError past the limits."""
    rest, total = b"", 0
    for chunk in chunks:
        total += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _text(line)
        if len(rest) > MAX_LINE or total > MAX_BYTES:
            raise ProtocolError("the answer is too long to be one")


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape").rstrip("\r")

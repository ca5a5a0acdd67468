"""The one place where text becomes shell words."""

from __future__ import annotations

import re

_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]+", re.ASCII)


def sh(*words: object) -> str:
    """One command line, every word quoted for a POSIX shell.

    Raises ValueError for a NUL, which no shell word can hold.
    """
    return " ".join(_word(str(word)) for word in words)


def _word(text: str) -> str:
    if "\0" in text:
        raise ValueError("a shell word cannot hold a NUL byte")
    if _SAFE.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def visible(text: str) -> str:
    """Text of a host or a person, safe for a terminal: what would not be seen becomes an escape.

    Newlines stay. Control characters, bytes that are no UTF-8, and marks that change the direction
    of writing are shown as `\\x1b` or `\\u202e`.
    """
    return "".join(c if c == "\n" or c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

"""The one place where text becomes shell words, and the type of a text that is never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn, TextIO

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


def unicode_fits(stream: TextIO) -> bool:
    """Whether the stream can show ✓ and →."""
    try:
        "✓→│".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Secret:
    """A value that cannot be printed: every text of it is `(secret NAME)`.

    The resolver is asked once, when the value is first needed. `lock` keeps threads from asking at
    the same time. Two secrets of one name are the same.
    """

    __slots__ = ("_lock", "_resolve", "_value", "name")

    def __init__(
        self, name: str, resolve: Callable[[], str], lock: AbstractContextManager[Any] | None = None
    ) -> None:
        self.name = name
        self._resolve = resolve
        self._lock = lock or nullcontext()
        self._value: str | None = None

    def reveal(self) -> str:
        """The value. Raises what the resolver raises."""
        with self._lock:
            if self._value is None:
                self._value = self._resolve()
            return self._value

    def __repr__(self) -> str:
        return f"(secret {self.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.name == other.name

    def __hash__(self) -> int:
        return hash((Secret, self.name))

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(f"{self!r} cannot be copied or written down")

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{self!r} cannot be copied or written down")


# An invisible sign that no file of a host needs: so no other text is taken for a placeholder.
_FRAME = "\u2063"
_PLACEHOLDER = re.compile(rf"{_FRAME}\(secret ([^()\s]+?)(, quoted)?\){_FRAME}")


def placeholder(name: str) -> str:
    """What stands for a secret in a text, until its bytes are made."""
    return f"{_FRAME}(secret {name}){_FRAME}"


def quoted(value: object) -> str:
    """A value as a double-quoted string of YAML and JSON; a secret in it is escaped, too."""
    parts = _PLACEHOLDER.split(str(value))
    texts = [json.dumps(text)[1:-1] for text in parts[::3]]
    names = [f"{_FRAME}(secret {name}, quoted){_FRAME}" for name in parts[1::3]]
    return f'"{"".join(text + name for text, name in zip(texts, [*names, ""], strict=True))}"'


def secrets_in(text: str) -> tuple[str, ...]:
    """The names of the secrets that a text has placeholders for, each once."""
    return tuple(dict.fromkeys(match[1] for match in _PLACEHOLDER.finditer(text)))


def spoilt(text: str) -> bool:
    """Whether a placeholder in a text was altered, so that no value would take its place."""
    rest = _PLACEHOLDER.sub("", text)
    return any(mark in rest for mark in (_FRAME, "\\u2063", "%E2%81%A3"))


def shown(text: str) -> str:
    """A text with its placeholders as people read them: `(secret NAME)`."""
    return _PLACEHOLDER.sub(lambda match: f"(secret {match[1]})", text)


def revealed(text: str, secrets: Iterable[Secret]) -> str:
    """A text with the values of its secrets. Raises KeyError for one that is not among them."""
    known = {secret.name: secret for secret in secrets}

    def value(match: re.Match[str]) -> str:
        if match[2]:
            return json.dumps(known[match[1]].reveal(), ensure_ascii=False)[1:-1]
        return known[match[1]].reveal()

    return _PLACEHOLDER.sub(value, text)

"""Host keys: what the user's known_hosts files say, as ssh would read them. No I/O.

A line that this reader does not know never hides the others.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_BLANKS = re.compile("[ \t]+")


@dataclass(frozen=True)
class Entry:
    """One line that speaks of the host in question."""

    marker: str
    key_type: str
    key: bytes
    file: str
    line: int


def entries(text: str, file: str, host: str, port: int) -> Iterator[Entry]:
    """The lines of a known_hosts file that match a host."""
    name = host.lower() if port == 22 else f"[{host.lower()}]:{port}"
    for number, line in enumerate(text.split("\n"), start=1):
        fields = _BLANKS.split(line.strip(" \t\r"))
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#") or not _matches(fields[0], name):
            continue
        key = _key(fields[1], fields[2])
        if key:
            yield Entry(marker, fields[1], key, file, number)


def _key(key_type: str, coded: str) -> bytes | None:
    """The bytes of a key; None where ssh would not read the line: another type in it than before
    it, or signs that are no base64 of it."""
    try:
        key = base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        return None
    named = key_type.encode("utf-8", "surrogateescape")
    inside = len(named).to_bytes(4, "big") + named
    return key if key.startswith(inside) and base64.b64encode(key).decode() == coded else None


def _matches(patterns: str, name: str) -> bool:
    if patterns.startswith("|1|"):
        return _hashed(patterns, name)
    found = False
    for pattern in patterns.lower().split(","):
        negated = pattern.startswith("!")
        if _glob(pattern.removeprefix("!"), name):
            if negated:
                return False
            found = True
    return found


def _glob(pattern: str, name: str) -> bool:
    # In ssh only * and ? are wild; a bracket is part of [host]:port.
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _hashed(field: str, name: str) -> bool:
    parts = field.split("|")
    if len(parts) != 4:
        return False
    try:
        salt, wanted = base64.b64decode(parts[2]), base64.b64decode(parts[3])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), wanted)


def fingerprint(key: bytes) -> str:
    """As `ssh-keygen -l` prints it: `SHA256:` and unpadded base64."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def plain(found: Iterable[Entry]) -> list[Entry]:
    """The entries that pin a key."""
    return [entry for entry in found if not entry.marker]


def revoked(found: Iterable[Entry], key: bytes) -> Entry | None:
    """The line that revokes a key, if there is one."""
    return next((e for e in found if e.marker == "@revoked" and e.key == key), None)


def line(host: str, port: int, key_type: str, key: bytes) -> str:
    """A line to add to a known_hosts file."""
    name = host if port == 22 else f"[{host}]:{port}"
    return f"{name} {key_type} {base64.b64encode(key).decode()}\n"


def without_name(text: str, host: str, port: int) -> str | None:
    """A line without one host's name: empty when it was the only one, None when a pattern of the
    line covers it."""
    names, rest = (*_BLANKS.split(text.strip(" \t\r"), 1), "")[:2]
    name = host.lower() if port == 22 else f"[{host.lower()}]:{port}"
    if names.startswith("|1|"):
        return ""
    kept = [pattern for pattern in names.split(",") if pattern.lower() != name]
    if any(_glob(pattern.removeprefix("!").lower(), name) for pattern in kept):
        return None
    return f"{','.join(kept)} {rest}" if kept else ""

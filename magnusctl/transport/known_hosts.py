"""Host keys: what the user's known_hosts files say, as ssh would read them. No I/O.

A line that this reader does not know never hides the others.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


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
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#") or not _matches(fields[0], name):
            continue
        try:
            key = base64.b64decode(fields[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        yield Entry(marker, fields[1], key, file, number)


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
    names, _, rest = text.strip().partition(" ")
    name = host.lower() if port == 22 else f"[{host.lower()}]:{port}"
    if names.startswith("|1|"):
        return ""
    kept = [pattern for pattern in names.split(",") if pattern.lower() != name]
    if any(_glob(pattern.removeprefix("!").lower(), name) for pattern in kept):
        return None
    return f"{','.join(kept)} {rest}" if kept else ""

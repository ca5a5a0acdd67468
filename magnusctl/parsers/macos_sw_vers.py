"""`sw_vers`: which macOS it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, plain_lines

_VERSION = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}")
_BUILD = re.compile(r"[0-9]{1,3}[A-Z][0-9]{1,8}[a-z]?")


@dataclass(frozen=True)
class System:
    """The name, version and build of macOS; extra is the mark of a rapid response, as `(a)`."""

    product_name: str | None = None
    product_version: str | None = None
    build: str | None = None
    extra: str | None = None


def parse(text: str) -> System:
    """The system of `sw_vers`, or of one of its options that print a bare value."""
    lines = plain_lines(text)
    pairs: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.strip().partition(":")
        if colon and value.strip():
            pairs.setdefault(key.strip(), value.strip())
    bare = [line.strip() for line in lines if line.strip() and ":" not in line]
    versions, builds = (
        [pairs.get("ProductVersion", ""), *bare],
        [pairs.get("BuildVersion", ""), *bare],
    )
    return System(
        pairs.get("ProductName"),
        next(filter(_VERSION.fullmatch, versions), None),
        next(filter(_BUILD.fullmatch, builds), None),
        pairs.get("ProductVersionExtra"),
    )


def facts(text: str) -> Facts:
    """Name, version, build, and the version's first number as an int."""
    system = parse(text)
    major = _VERSION.match(system.product_version or "")
    return {
        "product_name": system.product_name,
        "product_version": system.product_version,
        "product_version_extra": system.extra,
        "build": system.build,
        "major": int(major[0].partition(".")[0]) if major else None,
        "error": complaint(plain_lines(text), "sw_vers"),
    }

"""`brew list --versions`: what Homebrew has installed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, plain_lines

_NAME = re.compile(r"(?:[a-z0-9][a-z0-9_.-]{0,99}/){0,2}[a-z0-9][A-Za-z0-9@+._-]{0,99}")
_VERSION = re.compile(r"(?=[^ ]{0,99}[0-9])[A-Za-z0-9][A-Za-z0-9.,_+~:-]{0,99}(?<![.,_-])")
_WORDS = re.compile(r"latest|HEAD(?:-[0-9a-f]{4,40})?")


def parse(text: str) -> Mapping[str, tuple[str, ...]]:
    """The installed versions of each formula and cask, oldest first as brew lists them."""
    found: dict[str, tuple[str, ...]] = {}
    for line in plain_lines(text):
        name, *versions = line.split() or [""]
        if versions and _NAME.fullmatch(name) and all(map(_is_version, versions)):
            found[name] = tuple(versions)
    return found


def facts(text: str) -> Facts:
    """The list of installed versions under the name of each formula or cask."""
    packages: Facts = {name: list(versions) for name, versions in parse(text).items()}
    failed = complaint(plain_lines(text), "brew")
    return {"error": failed} | packages if failed else packages


def _is_version(word: str) -> bool:
    return bool(_VERSION.fullmatch(word) or _WORDS.fullmatch(word))

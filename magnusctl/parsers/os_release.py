"""Which system a host runs: `/etc/os-release`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import lines, refusal

_USUAL = ("PRETTY_NAME", "ID", "ID_LIKE", "VERSION_ID", "VERSION_CODENAME")
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w{0,80})=(.*)")


def parse(text: str) -> Mapping[str, str]:
    """Each name with its value, quotes taken off; a quote that is not closed is not read."""
    found: dict[str, str] = {}
    for match in filter(None, map(_ASSIGNMENT.fullmatch, lines(text))):
        value = unquote(match[2].strip())
        if value is not None:
            found[match[1]] = value
    return found


def unquote(value: str) -> str | None:
    """A value as a shell reads it; None where a quote is not closed or text stands behind it."""
    if value[:1] == "'":
        return value[1:-1] if len(value) > 1 and value.find("'", 1) == len(value) - 1 else None
    if value[:1] != '"':
        plain = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
        return re.sub(r"\\(.)", r"\1", plain)
    inside: list[str] = []
    escaped = False
    for at, letter in enumerate(value[1:], 2):
        if letter == '"' and not escaped:
            rest = value[at:].strip()
            return None if rest and not rest.startswith("#") else "".join(inside)
        if escaped and letter not in '"\\$`':
            inside.append("\\")
        escaped = letter == "\\" and not escaped
        if not escaped:
            inside.append(letter)
    return None


def facts(text: str) -> Facts:
    """The names as they are, with their values; `error` where the file could not be read."""
    found = parse(text)
    return {**dict.fromkeys(_USUAL), **found} if found else {"error": refusal(text)}

"""The settings of a kernel: `sysctl`, or a file of sysctl.d."""

from __future__ import annotations

import re
from collections.abc import Mapping

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import clean, refusal

_LINE = re.compile(r"[ \t]*-?([A-Za-z0-9_][^\s=:]{0,200}(?::[^\s=]{0,100})?)[ \t]*=[ ]?(.*)")


def parse(text: str) -> Mapping[str, str]:
    """Each name with its value as it stands, tabs and all; a value of many lines is joined."""
    found: dict[str, str] = {}
    last = None
    for line in re.split(r"\r\n|\r|\n", clean(text)):
        match = _LINE.fullmatch(line)
        if not match or not re.search(r"[./]", match[1]):
            last = None
            continue
        name, value = match[1], match[2].strip(" ")
        found[name] = f"{found[name]}\n{value}" if name == last else value
        last = name
    return found


def facts(text: str) -> Facts:
    """The names as they are, with their values; `error` where the text has none."""
    found: Facts = dict(parse(text))
    return found or {"error": refusal(text)}

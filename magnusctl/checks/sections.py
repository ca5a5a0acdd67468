"""One text that asks several things at once, and its answer in sections again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_MARK = "== "


def asked(parts: Mapping[str, str]) -> str:
    """The text that answers every part below a line of its own."""
    # What has no newline at its end must not swallow the next mark.
    told = [f"echo; echo '{_MARK}{name}'; {text.strip()}" for name, text in parts.items()]
    # A last part that cannot run is no reason to lose the others.
    return "\n".join([*told, ":"])


def answered(lines: Sequence[str], name: str) -> str:
    """What one part of the text printed; empty where it printed nothing."""
    found: list[str] = []
    within = False
    for line in lines:
        if line.startswith(_MARK):
            within = line == f"{_MARK}{name}"
        elif within:
            found.append(line)
    return "\n".join(found[:-1] if found and not found[-1] else found)

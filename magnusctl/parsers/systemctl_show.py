"""The state of a unit: `systemctl show`, with what is-active and is-enabled say behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import lines, refusal

_PROPERTY = re.compile(r"\s*([A-Z][A-Za-z0-9]{1,80})=(.*)")
_ACTIVE = {"active", "inactive", "activating", "deactivating", "failed", "reloading",
           "maintenance", "refreshing", "unknown"}  # fmt: skip
_ENABLED = {"enabled", "enabled-runtime", "disabled", "static", "masked", "masked-runtime",
            "linked", "linked-runtime", "alias", "indirect", "generated", "transient",
            "not-found", "bad"}  # fmt: skip
_LOADS = "loaded|not-found|masked|error|bad-setting|merged|stub"
_UNIT = re.compile(
    rf"\s{{0,9}}(?:[●○×↻*x]\s{{1,3}})?([^\s=]{{1,300}}\.[a-z]{{4,9}})\s+({_LOADS})\s+([a-z]{{4,15}})\s+([a-z-]{{2,30}})"
    r"(?:\s+(.*))?"
)
_OTHERS = (
    (re.compile(r"\s*UNIT FILE\s+STATE"), "list-unit-files"),
    (re.compile(r"\s*UNIT\s+LOAD\s+ACTIVE\s+SUB"), "list-units"),
    (re.compile(r"\s*LISTEN\s+UNIT\s+ACTIVATES"), "list-sockets"),
    (re.compile(r"\s*JOB\s+UNIT\s+TYPE\s+STATE"), "list-jobs"),
    (re.compile(r"\s+Loaded: \S+"), "status"),
)


@dataclass(frozen=True)
class Unit:
    """A row of `systemctl list-units`."""

    name: str
    load: str
    active: str
    sub: str
    description: str


def blocks(text: str) -> tuple[Mapping[str, str], ...]:
    """The properties of each unit; systemctl parts units by an empty line."""
    found: list[dict[str, str]] = [{}]
    for line in lines(text):
        match = _PROPERTY.fullmatch(line)
        if match:
            found[-1].setdefault(match[1], match[2])
        elif not line.strip():
            found.append({})
    return tuple(block for block in found if block)


def parse(text: str) -> Mapping[str, str]:
    """The properties of a unit, of the first if the text tells of several."""
    found = blocks(text)
    return found[0] if found else {}


def state(text: str, answers: set[str]) -> str | None:
    """The first line that is one of the words with which is-active or is-enabled answer."""
    return next((line.strip() for line in lines(text) if line.strip() in answers), None)


def units(text: str) -> tuple[Unit, ...]:
    """The rows of `systemctl list-units`."""
    rows = [match for match in map(_UNIT.fullmatch, lines(text)) if match]
    return tuple(Unit(row[1], row[2], row[3], row[4], (row[5] or "").strip()) for row in rows)


def typed(value: str) -> int | str | None:
    """A property as a number where it is one; None for one that is not set."""
    if value in ("[not set]", "n/a"):
        return None
    return int(value) if re.fullmatch(r"0|-?[1-9]\d{0,19}", value) else value


def facts(text: str) -> Facts:
    """The properties as they are, numbers as such; `is_active` and `is_enabled` if asked too."""
    found: Facts = {name: typed(value) for name, value in parse(text).items()}
    every = blocks(text)
    if len(every) > 1:
        found["units"] = {
            block.get("Id") or block.get("Names") or str(at): {
                k: typed(v) for k, v in block.items()
            }
            for at, block in enumerate(every)
        }
    found |= {"is_active": state(text, _ACTIVE), "is_enabled": state(text, _ENABLED)}
    if not every:
        found |= _other(text)
    return found


def _other(text: str) -> Facts:
    """What the text is where it is not of `systemctl show`."""
    every = lines(text)
    for pattern, name in _OTHERS:
        if any(pattern.match(line) for line in every):
            rows = units(text)
            return {
                **_status(text),
                "format": f"systemctl {name} (not show)",
                "units": {row.name: dict(vars(row)) for row in rows},
                "failed": [row.name for row in rows if row.active == "failed"],
            }
    missing = re.search(r"^Unit \S{1,300} could not be found\.", text, re.MULTILINE)
    failed = re.search(r"^Failed to .{1,300}", text, re.MULTILINE)
    said = missing or failed
    known = refusal(text)
    return {"error": said[0].strip() if said and not known else known}


def _status(text: str) -> Facts:
    """The properties that `systemctl status` tells in other words."""
    load = re.search(r"^\s{1,20}Loaded: ([a-z-]{2,20})", text, re.MULTILINE)
    active = re.search(
        r"^\s{1,20}Active: ([a-z]{4,15})(?: \(([a-z-]{2,30})\))?", text, re.MULTILINE
    )
    pid = re.search(r"^\s{1,20}Main PID: (\d{1,10})\b", text, re.MULTILINE)
    found: Facts = {"LoadState": load[1]} if load else {}
    found |= {"ActiveState": active[1], "SubState": active[2] or active[1]} if active else {}
    return found | ({"MainPID": int(pid[1])} if pid else {})

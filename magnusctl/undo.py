"""The way back: what declares the state that a change ended, and the order of restoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from magnusctl.quote import sh
from magnusctl.resources import KINDS, ask
from magnusctl.resources.block import Block
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.interface import Interface
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.release import Release
from magnusctl.resources.service import Service
from magnusctl.state import ABSENT, STARTED_WITH, Action, Change, Resource, Risk, Step

# Kinds whose answer after the way back must be the very answer from before.
_EXACT = {"block", "directory", "file", "hostname", "sysctl"}
# Kinds that run something: it may run with what is gone, although the answer is the same.
_RUN = {"command", "interface", "launchd", "service"}


def former(change: Change) -> Resource | str:
    """What declares the state before a change; or why that cannot be had again."""
    return KINDS[change.resource.kind].former(change.resource, change.answer)


def undo_script(step: Step) -> str:
    """The shell text that takes a step back; nothing when no part of it can be.

    Not pure knowledge of files: bytes come from those that the host kept.
    """
    backs = [
        (change, back) for change in step.changes if not isinstance(back := former(change), str)
    ]
    return " && ".join(_back(change, back) for change, back in backs)


def _back(change: Change, back: Resource) -> str:
    scripts = [step.script for step in KINDS[back.kind].apply([_restoring(back)])]
    does = " && ".join(scripts)
    if change.resource.kind in _RUN:
        return does
    as_before = f"still {sh(change.answer)} {ask([change.resource])}"
    proof = f" && {as_before}" if change.resource.kind in _EXACT else ""
    return f"{{ {as_before} 2>/dev/null || {{ {does}{proof}; }}; }}"


def _restoring(back: Resource) -> Change:
    after = back.state()
    action = Action.DELETE if after == ABSENT else Action.UPDATE
    return Change(back, action, {}, after, guard="", again=STARTED_WITH in after)


def phase(back: Resource | str) -> int:
    """When something is restored: first what must stop, last what runs on."""
    match back:
        case Service(running=False) if back.unit.endswith(".mount"):
            # Its folders are on it: they go first, and its unit after it.
            return 2
        case Service(running=False) | Launchd(running=False) | Release(number=0):
            return 0
        case Command(unless=guard) if guard:
            return 0
        case Service() | Launchd() | Interface() | Command():
            return 3
        case Resource():
            return 2 if back.state() == ABSENT else 1
    return 4


def order(backs: Sequence[Resource | str]) -> list[int]:
    """The places of some former states, in the order in which they are restored: what was made
    goes in reverse, and so does what stops: whoever needs another stops before it. A folder that
    was removed comes back before what was in it."""

    def key(place: int) -> tuple[int, int, int, int]:
        when, back = phase(backs[place]), backs[place]
        if when in (0, 2):
            return when, -place, 0, 0
        if when == 1 and isinstance(back, Directory):
            inside = (n for n, one in enumerate(backs) if _is_in(one, back))
            return when, min([place, *inside]), 0, len(back.path)
        return when, place, 1, 0

    return sorted(range(len(backs)), key=key)


def _is_in(back: Resource | str, folder: Directory) -> bool:
    if not isinstance(back, (Block, Directory, File)) or phase(back) != 1:
        return False
    return back.path.startswith(f"{folder.path}/")


def undo_order(steps: Sequence[Step]) -> list[int]:
    """The numbers of the steps that can be taken back, in the order in which that is done."""
    backs = [former(step.changes[0]) for step in steps]
    return [number for number in order(backs) if not isinstance(backs[number], str)]


def encode(resource: Resource) -> dict[str, object]:
    """A resource as plain values: its kind, and the fields that are not at their defaults."""
    values: dict[str, object] = {"kind": resource.kind}
    for field in fields(resource):
        value = getattr(resource, field.name)
        if field.default is MISSING or value != field.default:
            values[field.name] = list(value) if isinstance(value, tuple) else value
    return values


_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "bool | None": (bool, type(None)),
    "tuple[str, ...]": (list,),
    "tuple[str, ...] | None": (list, type(None)),
    "Risk": (str,),
    "Literal['Manual', 'DHCP']": (str,),
    "Literal['beside', 'instead']": (str,),
}


def decode(values: Mapping[str, Any]) -> Resource:
    """The resource of some plain values. Raises ValueError for what this version does not know."""
    kinds = {kind.kind: kind for kind in Resource.__subclasses__()}
    kind = kinds.get(str(values.get("kind")))
    if kind is None:
        raise ValueError(f"no such kind: {values.get('kind')}")
    known = {field.name: str(field.type) for field in fields(kind)}
    plain = {}
    for name, value in values.items():
        if name == "kind":
            continue
        if not isinstance(value, _TYPES.get(known.get(name, ""), ())):
            raise ValueError(f"{kind.kind} has no such {name}")
        plain[name] = _typed(known[name], value)
    return kind(**plain)


def _typed(name: str, value: Any) -> Any:
    if name == "Risk":
        return Risk(value)
    return tuple(map(str, value)) if isinstance(value, list) else value

"""What no model needs any more: old releases, and files that only they had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from magnusctl.quote import sh
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Model, Standing
from magnusctl.resources.artifact import Artifact
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.roles.daemon import JOBS, LOGS, UNITS
from magnusctl.state import Resource

ROLE = "deploy"
"""What a plan says its changes are for."""
KEEP = 2
"""Releases of a model beside the one that serves: the way back needs no download."""


@dataclass(frozen=True)
class Garbage:
    """A release that nothing needs, or files of a model that no release needs; size in bytes."""

    host: str
    what: str
    size: int
    resources: tuple[Resource, ...]


def forgotten(record: Record) -> Iterator[Resource]:
    """That nothing is left of a release but its files of weights."""
    label = f"/etc/magnus/releases/{record.model}-{record.label}"
    if record.engine == "ollama":
        yield from _unnamed(record)
    unit = f"{UNITS}/{record.unit}" if record.unit.endswith(".service") else ""
    paths = [unit or f"{JOBS}/{record.unit}.plist"] if record.engine != "ollama" else []
    if record.engine != "ollama" and not unit:
        # launchd goes on in it, should a release have this number once more.
        paths.append(f"{LOGS}/{record.unit}.log")
    paths += [f"{label}.{end}" for end in ("yaml", "env", "modelfile")]
    paths += [f"{record.folder}/{name}" for name in ("how", "said", "log", "gate", "record")]
    for path in paths:
        yield File(path=path, ensure="absent", role=ROLE)
    yield Directory(path=record.folder, ensure="absent", role=ROLE)


def garbage(standings: Mapping[str, Standing], keep: int = KEEP) -> list[Garbage]:
    """What no model needs any more: old releases, and files that only they had."""
    found = []
    for host, standing in standings.items():
        kept: set[str] = set()
        for model in standing.models.values():
            old = _old(model, keep)
            kept |= {r.path for r in model.releases.values() if r not in old}
            for record in old:
                name = f"{model.name} {record.label}"
                found.append(Garbage(host, name, 0, tuple(forgotten(record))))
        for path, size in standing.files.items():
            if not any(one == path or one.startswith(f"{path}/") for one in kept):
                gone = Artifact(path=path, ensure="absent", role=ROLE)
                found.append(Garbage(host, path, size, (gone,)))
    return found


def _unnamed(record: Record) -> Iterator[Resource]:
    """That Ollama has no name for it any more; it takes the bytes that no name needs itself."""
    name = f"{record.model}:{record.label}"
    told = f'OLLAMA_HOST=$(sed -n "s/^ADDRESS=//p" "$ROOT"{sh(record.folder)}/how):{record.port}'
    program = f'"$(sed -n "s/^PROGRAM=//p" "$ROOT"{sh(record.folder)}/how)"'
    yield Command(
        label=f"ollama forgets {name}",
        run=f"{told} HOME=/root system {program} rm {sh(name)}",
        unless=f"! {told} HOME=/root system {program} show {sh(name)}",
        role=ROLE,
    )


def _old(model: Model, keep: int) -> Sequence[Record]:
    """All but the one that serves, one whose switch was cut, the newest others, and the way back:
    newer ones may have failed."""
    rest = sorted(number for number in model.releases if number not in (model.serving, model.begun))
    old = [model.releases[number] for number in rest[: max(0, len(rest) - keep)]]
    return [one for one in old if not keep or one != model.before]

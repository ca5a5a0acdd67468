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
    """That nothing is left of a release but its files of weights.

    First the host is asked once more whether it serves: since this was planned, somebody may have
    gone back to it.
    """
    needless = _needless(record)
    yield needless
    label = f"/etc/magnus/releases/{record.model}-{record.label}"
    unit = f"{UNITS}/{record.unit}" if record.unit.endswith(".service") else ""
    paths = [unit or f"{JOBS}/{record.unit}.plist"] if record.engine != "ollama" else []
    if record.engine != "ollama" and not unit:
        # launchd goes on in it, should a release have this number once more.
        paths.append(f"{LOGS}/{record.unit}.log")
    paths += [f"{label}.{end}" for end in ("yaml", "env", "modelfile")]
    paths += [f"{record.folder}/{name}" for name in ("how", "said", "log", "gate", "record")]
    for path in paths:
        yield File(path=path, ensure="absent", role=ROLE, after=(needless.id,))
    yield Directory(path=record.folder, ensure="absent", role=ROLE, after=(needless.id,))


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


def _needless(record: Record) -> Command:
    """That it does not serve, and is not on its way to, at the moment when the rest of it goes."""
    how = f'"$ROOT"{sh(f"{record.folder}/how")}'
    # In the job's own folder: nothing of it is to stay.
    asked = sh(f"needless.{record.model}.{record.label}")
    why = f"{record.model} {record.label} serves by now, or a switch to it was cut: it stays"
    note = f'"$STATE"/models/{sh(record.model)}/$note'
    told = [
        "for note in serving switching; do",
        f"  [ -r {note} ] || continue",
        f"  IFS=: read -r number rest <{note}",
        f'  [ "$number" != {record.number} ] || fail {sh(why)} || return 1',
        "done",
        *(_unnamed(record, how) if record.engine == "ollama" else ()),
        f": >{asked}",
    ]
    label = f"{record.model} {record.label} is needed by nobody"
    return Command(
        label=label,
        run="\n".join(told),
        unless=f"[ -e {asked} ] || [ ! -e {how} ]",
        role=ROLE,
    )


def _unnamed(record: Record, how: str) -> Iterator[str]:
    """Ollama has no name for it any more; it takes the bytes that no name needs itself."""
    name = sh(f"{record.model}:{record.label}")
    told = f'OLLAMA_HOST=$(sed -n "s/^ADDRESS=//p" {how}):{record.port} HOME=/root system'
    program = f'"$(sed -n "s/^PROGRAM=//p" {how})"'
    yield f"if {told} {program} show {name} >/dev/null 2>&1; then"
    yield f"  {told} {program} rm {name} || return 1"
    yield "fi"


def _old(model: Model, keep: int) -> Sequence[Record]:
    """All but the one that serves, one whose switch was cut, the newest others, and the way back:
    newer ones may have failed."""
    rest = sorted(number for number in model.releases if number not in (model.serving, model.begun))
    old = [model.releases[number] for number in rest[: max(0, len(rest) - keep)]]
    return [one for one in old if not keep or one != model.before]

"""What is done with models that are there: switched, stopped, started, forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from magnusctl.deploying.prepare import ROLE, context_of
from magnusctl.errors import InputError
from magnusctl.fleet import Fleet
from magnusctl.inventory.findings import nearest
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Model, Standing
from magnusctl.resources.artifact import Artifact
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.release import Release
from magnusctl.roles import sealed
from magnusctl.roles.daemon import JOBS, UNITS
from magnusctl.state import Resource

KEEP = 2
"""Releases of a model beside the one that serves: the way back needs no download."""
_START_S = 1800
Standings = Mapping[str, Standing]


@dataclass(frozen=True)
class Garbage:
    """A release that nothing needs, or files of a model that no release needs; size in bytes."""

    host: str
    what: str
    size: int
    resources: tuple[Resource, ...]


def find(standings: Standings, model: str, host: str | None = None) -> tuple[str, Model]:
    """A model by its name, and its host. Raises InputError for none, or for several hosts."""
    found = [
        (name, one.models[model])
        for name, one in standings.items()
        if model in one.models and host in (None, name)
    ]
    if not found:
        known = sorted({name for one in standings.values() for name in one.models})
        hint = nearest(model, known) or f"Models: {', '.join(known) or 'none'}"
        raise InputError(f"no model '{model}' was deployed", hint=hint)
    if len(found) > 1:
        hosts = ", ".join(name for name, _ in found)
        raise InputError(f"{model} is on several hosts: {hosts}", hint="Say which with --on HOST.")
    return found[0]


def numbered(model: Model, release: str | None) -> Record:
    """A release by its name, as `r3`; without one the newest good one before. Raises InputError."""
    known = ", ".join(f"r{number}" for number in sorted(model.releases)) or "none"
    if release is None:
        if model.before is None:
            message = f"{model.name} has no release before the one that serves"
            raise InputError(message, hint=f"Releases: {known}")
        return model.before
    number = release.removeprefix("r")
    if not number.isdecimal() or int(number) not in model.releases:
        raise InputError(f"{model.name} has no release '{release}'", hint=f"Releases: {known}")
    return model.releases[int(number)]


def switched(record: Record, model: Model, found: Standing) -> Release:
    """That a release serves that is on the host already."""
    free = found.sizes.get("card free") or found.sizes.get("memory free")
    beside = model.current is None or (free is not None and record.needed <= 0.95 * free)
    return Release(
        model=record.model,
        number=record.number,
        switch="beside" if beside else "instead",
        seconds=_START_S,
        role=ROLE,
    )


def begun(model: Model) -> Record:
    """The release whose switch did not come to its end. Raises InputError for none."""
    number = model.switching.partition(":")[0]
    if not number.isdecimal() or int(number) not in model.releases:
        raise InputError(
            f"no switch of {model.name} waits to be brought to its end",
            hint="Deploy it with the same words as before: what is there is not done again.",
        )
    return model.releases[int(number)]


def only(fleet: Fleet, inventory: Path, host: str, resources: Iterable[Resource]) -> Fleet:
    """The fleet of one host, of which these are wanted and nothing else."""
    context = context_of(fleet, inventory, host)
    wanted = sealed(context, iter([*resources]))
    return replace(fleet, machines=(replace(fleet.machine(host), desired=wanted),))


def forgotten(record: Record) -> Iterator[Resource]:
    """That nothing is left of a release but its files of weights."""
    label = f"/etc/magnus/releases/{record.model}-{record.label}"
    unit = f"{UNITS}/{record.unit}" if record.unit.endswith(".service") else ""
    paths = [unit or f"{JOBS}/{record.unit}.plist", f"{label}.yaml", f"{label}.env"]
    paths += [f"{record.folder}/{name}" for name in ("how", "said", "log", "gate", "record")]
    for path in paths:
        yield File(path=path, ensure="absent", role=ROLE)
    yield Directory(path=record.folder, ensure="absent", role=ROLE)


def garbage(standings: Standings, keep: int = KEEP) -> list[Garbage]:
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


def _old(model: Model, keep: int) -> Sequence[Record]:
    """All but the one that serves, one whose switch was cut, and the newest others."""
    busy = {model.serving, int(model.switching.partition(":")[0] or 0) if model.switching else 0}
    rest = sorted(number for number in model.releases if number not in busy)
    return [model.releases[number] for number in rest[: max(0, len(rest) - keep)]]


def removed(model: Model, record: Record) -> list[Resource]:
    """What takes a release away. Raises InputError for the one that serves."""
    if record.number == model.serving:
        hint = f"magnusctl models stop {model.name}"
        raise InputError(f"{record.label} of {model.name} serves now", hint=hint)
    return [*forgotten(record)]


def history(model: Model) -> Iterator[dict[str, object]]:
    """Each release with what it measured, the newest first."""
    for number in sorted(model.releases, reverse=True):
        record, gate = model.releases[number], model.gates.get(number, {})
        yield {
            "model": model.name,
            "release": record.label,
            "serving": number == model.serving,
            "running": number == model.serving and model.running,
            "made": record.made,
            "by": record.by,
            "source": record.source,
            "quant": record.quant,
            "engine": record.engine,
            "engine_version": record.engine_version,
            "context": record.context,
            "sequences": record.sequences,
            "front": record.front,
            "decode_tps": float(gate["decode_tps"]) if "decode_tps" in gate else None,
            "predicted_tps": record.predicted_tps,
            "passed": bool(gate),
        }


def differences(one: Record, two: Record) -> Iterator[tuple[str, str, str]]:
    """What differs between two releases."""
    for name in ("source", "quant", "engine", "engine_version", "revision", "context"):
        yield from _differs(name, one, two)
    for name in ("sequences", "kv_dtype", "arguments", "gpu_layers", "digest", "front"):
        yield from _differs(name, one, two)


def _differs(name: str, one: Record, two: Record) -> Iterator[tuple[str, str, str]]:
    before, after = getattr(one, name), getattr(two, name)
    if before != after:
        yield name, str(before), str(after)

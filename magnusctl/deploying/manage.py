"""What is done with models that are there: switched, stopped, started, forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from magnusctl.deploying.prepare import context_of
from magnusctl.errors import InputError
from magnusctl.fleet import Fleet
from magnusctl.inventory.findings import nearest
from magnusctl.releases.desired import SLOWEST_DISK, SPEAK_S
from magnusctl.releases.garbage import ROLE, forgotten
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Model, Standing
from magnusctl.resources.release import Release
from magnusctl.roles import sealed
from magnusctl.state import Resource

Standings = Mapping[str, Standing]


def find(standings: Standings, model: str, host: str | None = None) -> tuple[str, Model]:
    """A model by its name, and its host. Raises InputError for none, or for several hosts."""
    found = [
        (name, one.models[model])
        for name, one in standings.items()
        if model in one.models and host in (None, name)
    ]
    if not found:
        asked = [one for name, one in standings.items() if host in (None, name)]
        known = sorted({name for one in asked for name in one.models})
        hint = nearest(model, known) or f"Models: {', '.join(known) or 'none'}"
        raise InputError(f"no model '{model}' was deployed", hint=hint)
    if len(found) > 1:
        hosts = ", ".join(name for name, _ in found)
        raise InputError(f"{model} is on several hosts: {hosts}", hint="Say which with --on HOST.")
    return found[0]


def numbered(model: Model, release: str | None) -> Record:
    """A release by its name, as `r3`; without one the newest good one before, or while a switch
    from it was cut the one that still serves. Raises InputError."""
    known = ", ".join(f"r{number}" for number in sorted(model.releases)) or "none"
    if release is None and model.begun not in (0, model.serving) and model.current:
        return model.current
    if release is None:
        if model.before is None:
            message = f"{model.name} has no release before the one that serves"
            raise InputError(message, hint=f"Releases: {known}")
        return model.before
    number = release.removeprefix("r")
    if not number.isdecimal() or int(number) not in model.releases:
        raise InputError(f"{model.name} has no release '{release}'", hint=f"Releases: {known}")
    return model.releases[int(number)]


def last(model: Model) -> Record:
    """The release that serves, or did before it was stopped. Raises InputError."""
    return model.current or model.releases.get(model.stopped) or numbered(model, None)


def switched(record: Record, model: Model, found: Standing) -> Release:
    """That a release serves that is on the host already."""
    free = found.sizes.get("card free", found.sizes.get("memory free"))
    beside = model.current is None or (free is not None and record.needed <= 0.95 * free)
    return Release(
        model=record.model,
        number=record.number,
        switch="beside" if beside else "instead",
        seconds=_seconds(record, model.current),
        role=ROLE,
    )


def _seconds(*records: Record | None) -> int:
    """For the start of one, its answers, and the start of the other again."""
    weights = sum(one.weights for one in records if one)
    return int(2 * weights / SLOWEST_DISK) + 600 + 6 * SPEAK_S + 360


def begun(model: Model) -> Record:
    """The release whose switch did not come to its end. Raises InputError for none."""
    if model.begun not in model.releases:
        raise InputError(
            f"no switch of {model.name} waits to be brought to its end",
            hint="Deploy it with the same words as before: what is there is not done again.",
        )
    return model.releases[model.begun]


def only(fleet: Fleet, inventory: Path, host: str, resources: Iterable[Resource]) -> Fleet:
    """The fleet of one host, of which these are wanted and nothing else."""
    context = context_of(fleet, inventory, host)
    wanted = sealed(context, iter([*resources]))
    return replace(fleet, machines=(replace(fleet.machine(host), desired=wanted),))


def removed(model: Model, record: Record) -> list[Resource]:
    """What takes a release away. Raises InputError for one that serves, or is on its way to."""
    if record.number == model.serving:
        hint = f"magnusctl models stop {model.name}"
        raise InputError(f"{record.label} of {model.name} serves now", hint=hint)
    if record.number == model.begun:
        hint = f"magnusctl rollback --model {model.name}, or deploy-model {model.name} --resume"
        raise InputError(f"a switch to {record.label} of {model.name} was cut", hint=hint)
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
            "passed": number in model.gates,
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
        yield name, _plain(before), _plain(after)


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)

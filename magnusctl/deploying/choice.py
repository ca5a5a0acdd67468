"""The release that a deployment makes of a candidate: its number, port and way of switching."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from magnusctl import audit
from magnusctl.deploying.files import Files
from magnusctl.errors import InputError, PreconditionError
from magnusctl.fit.planner import Fit
from magnusctl.inventory.budgets import models_of
from magnusctl.inventory.models import Served
from magnusctl.inventory.serving import PORTS
from magnusctl.placement import Candidate, Wanted
from magnusctl.releases.front import front_address
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Model, Standing
from magnusctl.resources.artifact import Artifact
from magnusctl.roles.context import Context
from magnusctl.roles.ports import models_with_ports, ollama_port, ports_of

FIRST_PORT, LAST_PORT = 18100, 18999
FRONT_FIRST = 9100
"""Where the fronts of models begin that the inventory does not name."""


@dataclass(frozen=True)
class Chosen:
    """A release, and whether both it and the one before fit in memory at the same time."""

    record: Record
    beside: bool
    why: str
    served: Served | None


def choose(
    context: Context,
    wanted: Wanted,
    candidate: Candidate,
    files: Files,
    artifact: Artifact | None,
    standing: Standing,
    *,
    launch_of: Callable[[Record], str],
    sequences: int | None = None,
    version: str = "",
    port: int | None = None,
    arguments: tuple[str, ...] = (),
) -> Chosen:
    """The same release as now if nothing differs; a number of its own if something does.

    Raises PreconditionError where no port is free.
    """
    name, fit = wanted.name, candidate.fit
    served = models_of(context.inventory, context.name).get(name)
    model = standing.models.get(name, Model(name))
    form = candidate.artifact
    if form is None or fit is None:
        raise InputError(f"{name} cannot be served by {candidate.engine}", hint=candidate.why)
    record = Record(
        model=name,
        number=0,
        source=f"{wanted.entry.name}@{form.name}",
        engine=candidate.engine,
        format=form.format,
        quant=form.quant,
        path=f"{artifact.path}/{files.main}".rstrip("/") if artifact else form.tag,
        digest=artifact.digest if artifact else "",
        port=0,
        front=front_address(context, port or front_port(context, name, candidate, standing)),
        unit="",
        context=wanted.context,
        # What fit reckons with and what an engine may take at once is not the same for vLLM.
        sequences=sequences or wanted.sequences,
        kind=wanted.entry.kind,
        kv_dtype=wanted.kv_dtype,
        engine_version=version,
        repository=files.repository,
        revision=files.revision,
        weights=int(fit.weights),
        needed=_needed(fit, candidate),
        predicted_tps=fit.decode_tps,
        arguments=arguments,
        gpu_layers=_layers(fit, candidate),
        made=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=audit.who(),
    )
    record = _numbered(context, replace(record, launch=launch_of(record)), model, standing)
    _require_front(record, model, standing, context.name)
    beside, why = _beside(fit, model, record, standing)
    return Chosen(record, beside, why, served)


def _needed(fit: Fit, candidate: Candidate) -> int:
    """Bytes that it will hold: vLLM takes the whole of its share, and starts with nothing less."""
    device, share = candidate.site.device, candidate.site.utilization
    if candidate.engine == "vllm" and device.kind == "cuda" and device.memory and share:
        return max(int(fit.needed), int(share * device.memory * device.count))
    return int(fit.needed)


def _layers(fit: Fit, candidate: Candidate) -> int | None:
    """Layers on the card, where not all of them are there."""
    if candidate.engine != "llamacpp" or candidate.site.device.kind != "cuda" or fit.fits:
        return None
    return fit.gpu_layers


def _numbered(context: Context, record: Record, model: Model, standing: Standing) -> Record:
    """A release that is the same to those who use it keeps its number, also one whose switch did
    not come to its end, or failed."""
    newest = max(model.releases, default=0)
    # One that never passed its gate was never anybody's.
    again = newest if newest not in model.gates else 0
    for number in (model.serving, model.begun, again):
        old = model.releases.get(number)
        if number == again and old and old.port in standing.ports and old.engine != "ollama":
            # That may be why it failed.
            continue
        if old is not None and old.same == replace(record, number=number).same:
            return old
    number = model.next
    if record.engine == "ollama":
        # All of them are behind its one port.
        unit = "net.magnus.ollama" if context.host.macos else "ollama.service"
        return replace(record, number=number, port=ollama_port(context), unit=unit)
    port = free_port(standing, context.name)
    unit = f"magnus-release-{record.model}-r{number}"
    label = f"net.magnus.release.{record.model}.r{number}"
    return replace(
        record,
        number=number,
        port=port,
        unit=label if context.host.macos else f"{unit}.service",
    )


def _require_front(record: Record, model: Model, standing: Standing, host: str) -> None:
    """A port that nobody else has: nginx would serve no model at all for want of one.

    Raises PreconditionError.
    """
    port = int(record.front.rpartition(":")[2])
    own = {int(one.front.rpartition(":")[2]) for one in model.releases.values()}
    for other in standing.models.values():
        fronts = {one.front.rpartition(":")[2] for one in other.releases.values()}
        if other.name != model.name and str(port) in fronts:
            message = f"port {port} is the front of {other.name}"
            raise PreconditionError(message, host=host, hint="Give another one with --port N.")
    if port in standing.ports and port not in own:
        hint = "See who listens there:  ss -ltnp        or give another one with --port N"
        raise PreconditionError(f"port {port} is taken there", host=host, hint=hint)


def free_port(standing: Standing, host: str) -> int:
    """One that nobody listens on and no kept release has. Raises PreconditionError."""
    kept = {one.port for model in standing.models.values() for one in model.releases.values()}
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if port not in standing.ports and port not in kept:
            return port
    message = f"no port from {FIRST_PORT} to {LAST_PORT} is free for a release"
    raise PreconditionError(message, host=host, hint=f"magnusctl models gc --on {host}")


def front_port(context: Context, name: str, candidate: Candidate, standing: Standing) -> int:
    """The port that clients know: as the inventory says, as it was, else the first free one."""
    served = models_of(context.inventory, context.name).get(name)
    if served and served.port and candidate.engine != "ollama":
        return served.port
    current = standing.models.get(name, Model(name)).releases
    if current:
        return int(current[max(current)].front.rpartition(":")[2])
    for other, _, port in models_with_ports(context, candidate.engine):
        if other == name and candidate.engine != "ollama":
            return port
    fronts = {
        int(one.front.rpartition(":")[2])
        for model in standing.models.values()
        for one in model.releases.values()
    }
    declared = {port for port, _ in ports_of(context)}
    taken = {*standing.ports, *fronts, *declared, *PORTS.values()}
    return next(port for port in range(FRONT_FIRST, FRONT_FIRST + 900) if port not in taken)


def _beside(fit: Fit, model: Model, record: Record, standing: Standing) -> tuple[bool, str]:
    """Whether the old one can go on until the new one has spoken."""
    current = model.current
    if current is None:
        return True, "nothing runs yet"
    if current.number == record.number:
        return True, "it serves already"
    free = standing.sizes.get("card free", standing.sizes.get("memory free"))
    need = record.needed
    gib = 1024**3
    if free is not None:
        fits = need <= 0.95 * free
        told = (
            f"{need / gib:.1f} GiB are needed beside r{current.number}, {free / gib:.1f} are free"
        )
        return fits, told
    if fit.limit is None:
        return False, "what is free is not known"
    running = sum(one.needed for one in standing.running)
    fits = running + need <= fit.limit.usable
    usable = fit.limit.usable / gib
    return fits, f"{(running + need) / gib:.1f} of {usable:.1f} GiB with both"

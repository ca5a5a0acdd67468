"""A model on its way to a host: which one, with which files, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from magnusctl import measures, placement
from magnusctl.catalogue import local
from magnusctl.catalogue.local import Local
from magnusctl.deploying import files as files_of
from magnusctl.deploying import prepare
from magnusctl.deploying.ask import standings_of
from magnusctl.deploying.files import Files
from magnusctl.deploying.prepare import Prepared, context_of
from magnusctl.errors import CheckFailed, InputError, PreconditionError
from magnusctl.fit.planner import Fit
from magnusctl.fitting import Question, wanted_of
from magnusctl.fleet import Fleet
from magnusctl.inventory.budgets import models_of
from magnusctl.placement import Candidate, Wanted
from magnusctl.releases.standing import Standing
from magnusctl.roles.context import Context

READ_SPEED = "storage.read-speed"
"""The check of `verify`, in MB/s."""
_WEIGHTS = (".safetensors", ".gguf", ".bin")
_SLUG = re.compile(r"[^a-z0-9.]+")
Told = Callable[[str, str], None]


@dataclass(frozen=True)
class Order:
    """What was asked for: `source` is a folder on this machine with the files."""

    question: Question
    source: Path | None = None
    port: int | None = None
    arguments: tuple[str, ...] = ()
    force: bool = False
    instead: bool = False
    peers: bool = True


@dataclass(frozen=True)
class Placed:
    """Which model goes where: all candidates, the one that was chosen first."""

    wanted: Wanted
    candidates: tuple[Candidate, ...]
    own: Local | None

    @property
    def chosen(self) -> Candidate:
        """Where it goes."""
        return self.candidates[0]


def place(
    fleet: Fleet, order: Order, standings: Mapping[str, Standing], host: str | None
) -> Placed:
    """Judge every host that was asked, and choose. Raises MagnusError."""
    own = _own(order)
    wanted = _wanted(fleet, order, own)
    live = {name: prepare.live_of(found, wanted.name) for name, found in standings.items()}
    present = {name: _keys(found) for name, found in standings.items()}
    found = placement.candidates(fleet.inventory, wanted, host, live, present)
    return Placed(wanted, tuple(one for one in found if one.host in standings), own)


def _own(order: Order) -> Local | None:
    """A model that no catalogue knows: its files are at hand."""
    path = Path(order.question.model)
    like_a_path = path.suffix == ".gguf" or "/" in order.question.model
    return local.of_folder(path) if like_a_path and path.exists() else None


def _wanted(fleet: Fleet, order: Order, own: Local | None) -> Wanted:
    served = fleet.inventory.models.get(order.question.model)
    if order.source and served is not None:
        # The inventory names it, and its files say what it is.
        own = local.of_folder(order.source)
        found = wanted_of(replace(order.question, model=str(order.source)), fleet.inventory)
        declared = models_of(fleet.inventory, served.host)[order.question.model]
        # It holds no place for a conversation: they share what there is.
        pools = (order.question.engine or declared.engine) == "vllm"
        return replace(
            found,
            name=order.question.model,
            entry=own.entry,
            artifact=own.artifact,
            context=order.question.context or served.context,
            sequences=order.question.sequences or (1 if pools else served.sequences),
        )
    found = wanted_of(order.question, fleet.inventory)
    if served is None:
        found = replace(found, name=slug(found.entry.name))
    return found


def slug(name: str) -> str:
    """A name that units, files and requests can hold."""
    return _SLUG.sub("-", name.lower()).strip("-.")[:48] or "model"


def _keys(found: Standing) -> list[str]:
    """As the catalogue calls them; of GGUF a release names a file within the folder."""
    return [
        f"{one.source.partition('@')[0]}@{one.format}-{one.quant}"
        for model in found.models.values()
        for one in model.releases.values()
        if any(one.path == path or one.path.startswith(f"{path}/") for path in found.files)
    ]


def require_fit(placed: Placed, order: Order) -> None:
    """Nothing is moved for what would not fit. Raises CheckFailed, or PreconditionError."""
    chosen = placed.chosen
    if chosen.verdict is True or order.force:
        return
    name = placed.wanted.name
    hint = f"See what would fit:  magnusctl fit {order.question.model} --on {chosen.host}"
    if chosen.verdict is None:
        message = f"whether {name} fits cannot be told: {chosen.why}"
        raise PreconditionError(message, host=chosen.host, hint=hint)
    raise CheckFailed(f"{name} does not fit: {chosen.why}", host=chosen.host, hint=hint)


def files(
    inventory: Path, placed: Placed, order: Order, context: Context, told: Told, *, live: bool
) -> Files:
    """The files of what was chosen, with their digests; offline only those that this machine
    knows, or their whole size. Raises MagnusError."""
    form, entry, engine = placed.chosen.artifact, placed.wanted.entry, placed.chosen.engine
    if form is None:
        raise InputError(f"no form of {placed.wanted.name} is for {engine}")

    def say(text: str) -> None:
        told(context.name, text)

    own = placed.own or (local.of_folder(order.source) if order.source else None)
    if own is not None:
        pinned = files_of.known(inventory, entry, form) if order.source else None
        return files_of.same(pinned, own.folder, say) if pinned else files_of.of_folder(own, say)
    weights = placement.weights_at(placed.wanted, placed.chosen.site, form)
    likely = int(weights.file) if weights else 0
    if engine == "ollama" and form.tag:
        return files_of.tagged(form, likely)
    if live:
        version = prepare.version_of(context, engine)
        return files_of.locked(inventory, entry, form, engine, version, say)
    return files_of.known(inventory, entry, form) or files_of.unpinned(form, likely)


def made(
    fleet: Fleet,
    inventory: Path,
    placed: Placed,
    order: Order,
    found: Standing,
    told: Told,
    *,
    live: bool = True,
) -> Prepared:
    """The release and all that it stands on; offline nobody is asked. Raises MagnusError."""
    host = placed.chosen.host
    context = context_of(fleet, inventory, host)
    chosen = files(inventory, placed, order, context, told, live=live)
    candidate = sized(placed, chosen)
    if candidate.fit and candidate.fit.fits is False and placed.chosen.verdict and not order.force:
        raise _larger(placed, candidate.fit)
    return prepare.prepare(
        fleet,
        context,
        placed.wanted,
        candidate,
        chosen,
        found,
        port=order.port,
        read_rate=_read_rate(inventory, host),
        sequences=_at_once(fleet, order, placed),
        arguments=order.arguments,
        instead=order.instead,
        live=live,
        peers=lambda: _peers(fleet, inventory, host) if order.peers else {},
    )


def _read_rate(inventory: Path, host: str) -> float | None:
    """Bytes/s at which the host's disk was read when it was last verified from here."""
    found = measures.history(inventory).get((host, READ_SPEED), ())
    return found[-1][1] * 1e6 if found else None


def _at_once(fleet: Fleet, order: Order, placed: Placed) -> int | None:
    """Conversations that the engine may take at the same time."""
    served = fleet.inventory.models.get(order.question.model)
    if order.question.sequences or served is None or placed.chosen.engine != "vllm":
        return order.question.sequences
    return served.sequences


def sized(placed: Placed, chosen: Files) -> Candidate:
    """The candidate by the real size of its files: a recipe is no better than they are."""
    found = placed.chosen
    weights = sum(one.size for one in chosen.files if one.path.endswith(_WEIGHTS))
    if found.artifact is None or not weights:
        return found
    form = replace(found.artifact, size_bytes=weights)
    fit, _ = placement.fit_at(placed.wanted, found.site, form)
    return replace(found, artifact=form, fit=fit or found.fit)


def _peers(fleet: Fleet, inventory: Path, host: str) -> Mapping[str, Standing]:
    """What hosts say that are on a link with this one, as far as they say anything."""
    links = fleet.inventory.links.values()
    linked = {other for link in links if host in link.ends for other in link.ends} - {host}
    serving = [name for name in linked if "inference" in fleet.inventory.hosts[name].roles]
    return standings_of(fleet, inventory, serving) if serving else {}


def _larger(placed: Placed, fit: Fit) -> CheckFailed:
    """What fitted by its recipe, and does not by its files."""
    short = -(fit.margin or 0.0) / 1024**3
    hint = "Take a shorter context or a smaller form; --force does it anyway."
    message = f"its files are larger than was reckoned: short by {short:.1f} GiB"
    return CheckFailed(message, host=placed.chosen.host, hint=hint)


def host_of(fleet: Fleet, order: Order) -> str | None:
    """The host that is meant: as was said, or as the inventory has it; None for any."""
    served = fleet.inventory.models.get(order.question.model)
    return order.question.on or (served.host if served else None)


def only(fleet: Fleet, prepared: Prepared) -> Fleet:
    """The fleet of the one host that a deployment is about."""
    return replace(fleet, machines=(prepared.machine,))

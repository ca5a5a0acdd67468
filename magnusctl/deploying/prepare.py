"""A deployment made ready for one host: what it is now, which release is wanted, as resources."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from magnusctl import secrets
from magnusctl.asking import ask_one
from magnusctl.converge import Machine
from magnusctl.deploying.choice import Chosen, choose
from magnusctl.deploying.engineargs import (
    check_arguments,
    require_cache_type,
    require_own_words,
)
from magnusctl.deploying.files import Files, artifact
from magnusctl.deploying.lending import Lender, borrowed, lender_of
from magnusctl.engines import ENGINES
from magnusctl.errors import PreconditionError
from magnusctl.fleet import Fleet
from magnusctl.inventory.budgets import models_of
from magnusctl.inventory.project import project_of
from magnusctl.inventory.select import variables_of
from magnusctl.placement import Candidate, Live, Wanted
from magnusctl.releases import desired, standing
from magnusctl.releases.desired import SLOWEST_DISK, Wish
from magnusctl.releases.garbage import ROLE, garbage
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Standing
from magnusctl.render import renderer
from magnusctl.resources.artifact import Artifact
from magnusctl.roles import sealed
from magnusctl.roles.context import Context
from magnusctl.roles.engines import common, llamacpp, mlx, ollama, vllm
from magnusctl.roles.storage import MAC_USER, MODELS, folder_of

_VERSION = re.compile(r"^(vllm|mlx-lm)==(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Prepared:
    """A host with what a deployment wants of it."""

    machine: Machine
    chosen: Chosen
    wish: Wish
    files: Files
    artifact: Artifact | None
    present: bool
    """Whether the files are there already, whole."""
    lender: Lender | None = None
    """The peer that they are fetched from, where one has them."""


def context_of(fleet: Fleet, inventory: Path, host: str) -> Context:
    """What templates of a host are given."""
    whole = fleet.inventory
    kept = secrets.secrets_of(whole, inventory.resolve().parent)
    render = renderer(project_of(inventory))
    return Context(whole, host, whole.hosts[host], variables_of(whole, host), render, kept)


def program_of(context: Context, engine: str) -> str:
    """The program that runs models, which provision brings."""
    mac = context.host.macos
    return {
        "vllm": f"{vllm.ENVIRONMENT}/bin/vllm",
        "mlx": f"{mlx.ENVIRONMENT}/bin/python",
        "llamacpp": llamacpp.BREW if mac else f"{llamacpp.FOLDER}/llama-server",
        "ollama": ollama.BREW if mac else f"{ollama.FOLDER}/bin/ollama",
    }[engine]


def asked(context: Context, machine: Machine) -> Standing:
    """What a host serves and keeps now. Raises MagnusError."""
    programs = [program_of(context, engine) for engine in ENGINES]
    return ask_one(machine, standing.probe(folder_of(context), programs))


def live_of(found: Standing, model: str) -> Live:
    """What a host said of its memory, for the planner. A release of the same model makes room, if
    it must."""
    card = found.sizes.get("card free")
    free = card if card is not None else found.sizes.get("memory free")
    mine = sum(one.needed for one in found.running if one.model == model)
    return Live(
        free_bytes=None if free is None else free + mine,
        limit_bytes=found.sizes.get("wired total"),
        total_bytes=None if card is not None else found.sizes.get("memory total"),
    )


def prepare(
    fleet: Fleet,
    context: Context,
    wanted: Wanted,
    candidate: Candidate,
    files: Files,
    found: Standing,
    *,
    port: int | None = None,
    read_rate: float | None = None,
    sequences: int | None = None,
    arguments: Sequence[str] = (),
    instead: bool = False,
    live: bool = True,
    peers: Callable[[], Mapping[str, Standing]] = dict,
) -> Prepared:
    """The release and all that it stands on. Raises MagnusError where it cannot be."""
    machine, engine = fleet.machine(context.name), candidate.engine
    program = program_of(context, engine)
    if live and program not in found.programs:
        hint = f"magnusctl provision -l {context.name} -t inference"
        raise PreconditionError(f"{engine} is not installed there", host=context.name, hint=hint)
    kept, present, lender = _brought(context, wanted, candidate, files, found, live, peers)
    require_own_words(engine, arguments)
    if live and arguments:
        check_arguments(machine, engine, program, arguments)
    require_cache_type(engine, wanted.kv_dtype)

    def wish_of(record: Record, switch: str = "beside") -> Wish:
        return _wish(context, wanted.name, candidate, record, kept, switch, read_rate)

    chosen = choose(
        context,
        wanted,
        candidate,
        files,
        kept,
        found,
        launch_of=lambda record: desired.launch_digest(context, wish_of(record)),
        sequences=sequences,
        version=version_of(context, engine),
        port=port,
        arguments=tuple(arguments),
    )
    if instead and chosen.beside and chosen.why not in ("nothing runs yet", "it serves already"):
        chosen = replace(chosen, beside=False, why="as was asked for")
    wish = wish_of(chosen.record, "beside" if chosen.beside else "instead")
    wanted_there = (replace(one, role=ROLE) for one in desired.resources(context, wish))
    resources = sealed(context, wanted_there)
    return Prepared(
        replace(machine, desired=resources),
        chosen,
        wish,
        files,
        kept,
        present=present,
        lender=lender,
    )


def _brought(
    context: Context,
    wanted: Wanted,
    candidate: Candidate,
    files: Files,
    found: Standing,
    live: bool,
    peers: Callable[[], Mapping[str, Standing]],
) -> tuple[Artifact | None, bool, Lender | None]:
    """The files as a resource, whether they are there already, and who could lend them."""
    if files.tag:
        return None, False, None
    kept = _artifact(context, wanted, candidate, files)
    if not live or kept.path in found.files:
        return kept, kept.path in found.files, None
    require_room(context, kept, found)
    lender = None
    if files.folder is None:
        lender = lender_of(context.inventory, context.name, kept, peers())
    return (borrowed(kept, lender) if lender else kept), False, lender


def _wish(
    context: Context,
    name: str,
    candidate: Candidate,
    record: Record,
    kept: Artifact | None,
    switch: str,
    read_rate: float | None,
) -> Wish:
    served, site = models_of(context.inventory, context.name).get(name), candidate.site
    # What nobody measured may be far less than it is sold for.
    assumed = site.disk.mb_s * 1e6 / 4 if site.disk else SLOWEST_DISK
    return Wish(
        record=record,
        artifact=kept,
        switch=switch,
        floor_tps=(served.target.decode or 0.0) if served else 0.0,
        disk_bytes_s=read_rate or assumed,
        memory=served.memory if served else None,
        cores=served.cores if served else None,
        cpus=common.cores_of(context).get(name, ""),
        gpu_share=site.utilization if candidate.engine == "vllm" else None,
    )


def _artifact(context: Context, wanted: Wanted, candidate: Candidate, files: Files) -> Artifact:
    program = program_of(context, candidate.engine)
    return artifact(
        files,
        _folder_name(wanted, candidate),
        folder_of(context),
        engine=candidate.engine,
        program=f"{program.rpartition('/')[0]}/hf",
        group=MAC_USER if context.host.macos else MODELS,
        token=desired.TOKEN if context.variables.inference.hub_token else "",
    )


def require_room(context: Context, kept: Artifact, found: Standing) -> None:
    """The files beside those of the release that serves, which stay for the way back.

    Raises PreconditionError, before a byte moves.
    """
    free = found.sizes.get("disk free")
    if free is None or kept.size <= free:
        return
    gib = 1024**3
    spare = sum(one.size for one in garbage({context.name: found}))
    raise PreconditionError(
        f"{kept.size / gib:.1f} GiB are to come, and {free / gib:.1f} GiB are free",
        host=context.name,
        hint=f"magnusctl models gc --on {context.name} frees {spare / gib:.1f} GiB"
        if spare
        else "Free some space on the disk of the models there.",
    )


def _folder_name(wanted: Wanted, candidate: Candidate) -> str:
    form = candidate.artifact.name if candidate.artifact else "files"
    return re.sub(r"[^a-z0-9._-]+", "-", f"{wanted.entry.name}-{form}".lower())


def version_of(context: Context, engine: str) -> str:
    """The version that the inventory pins: of a lock, or of an archive by its name."""
    inference = context.variables.inference
    if engine in ("llamacpp", "ollama"):
        if context.host.macos:
            return "Homebrew's"
        archive = inference.ollama.archive if engine == "ollama" else inference.llamacpp.archive
        return archive.url.rpartition("/")[2].split(".tar")[0]
    lock = inference.vllm.lock if engine == "vllm" else inference.mlx.lock
    if lock == "none":
        return "the user's own build"
    found = dict(_VERSION.findall(context.render(f"locks/{lock}")))
    name = "vllm" if engine == "vllm" else "mlx-lm"
    return f"{name} {found[name].split(';')[0].rstrip(' ')}" if name in found else lock

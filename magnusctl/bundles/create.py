"""A bundle made: what is wanted, fetched into a folder beside it, then written as one file."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from magnusctl import __version__, modellock
from magnusctl.bundles import collect, fetch, hubprogram, tarball
from magnusctl.bundles.collect import Engine, Source
from magnusctl.bundles.fetch import Told
from magnusctl.bundles.manifest import Manifest, Member, Pinned
from magnusctl.catalogue import key
from magnusctl.catalogue.local import of_folder
from magnusctl.deploying import deploy, files, prepare
from magnusctl.deploying.deploy import Order, Placed
from magnusctl.deploying.files import Files
from magnusctl.errors import InputError, PreconditionError
from magnusctl.fleet import Fleet
from magnusctl.inventory.findings import nearest
from magnusctl.releases.standing import Standing
from magnusctl.roles.context import Context


@dataclass(frozen=True)
class Made:
    """A bundle that was written; `digest` is of its manifest, and stands for all of it."""

    manifest: Manifest
    path: Path
    cache: Path
    digest: str
    notes: tuple[str, ...]


def create(
    fleet: Fleet, inventory: Path, order: Order, output: Path, told: Told, *, weights: bool
) -> Made:
    """Make a bundle of a model for a host. Raises MagnusError."""
    host = order.question.on or ""
    _require_host(fleet, host)
    if not output.resolve().parent.is_dir():
        raise InputError("there is no such folder", where=str(output.parent))
    # Its host is not asked: it may be out of reach from here.
    placed = deploy.place(fleet, order, {host: Standing()}, host)
    context = prepare.context_of(fleet, inventory, host)
    found, pinned = _files(inventory, placed, order, context, told)
    folder = deploy.slug(placed.wanted.entry.name)
    engine = collect.engine(context, placed.chosen.engine, told)
    sources = [*(collect.model(found, folder) if weights else ()), *engine.sources]
    cache = output.with_name(f"{output.name}.cache")
    members = _brought(sources, cache, told)
    manifest = _manifest(fleet, placed, order, context, engine, pinned, folder, [*members])
    digest = tarball.write(output, manifest, sorted(members.items(), key=lambda one: one[0].path))
    return Made(manifest, output, cache, digest, tuple(_notes(placed, engine)))


def _require_host(fleet: Fleet, host: str) -> None:
    hosts = fleet.inventory.hosts
    if host not in hosts:
        hint = nearest(host, hosts) or f"Hosts: {', '.join(hosts)}"
        raise InputError(f"there is no host '{host}'", where="--on", hint=hint)
    if "inference" not in hosts[host].roles:
        raise InputError("it has not the role inference", where=f"host {host}")


def _files(
    inventory: Path, placed: Placed, order: Order, context: Context, told: Told
) -> tuple[Files, Pinned | None]:
    """The model's files, and what magnus.lock will say of them on the other side."""
    if placed.own is not None and order.source is None:
        return files.of_folder(placed.own, told), None
    form, engine = placed.chosen.artifact, placed.chosen.engine
    if form is None:
        raise InputError(f"no form of {placed.wanted.name} is for {engine}")
    entry = placed.wanted.entry
    if not form.repository and files.known(inventory, entry, form) is None:
        return files.of_folder(of_folder(order.source or Path()), told), None
    version = version_of(context, engine)
    found = files.locked(inventory, entry, form, engine, version, told)
    lock = modellock.read(modellock.place(inventory)).models[key(entry, form)]
    values = asdict(lock) | {"files": tuple(Member(**asdict(one)) for one in lock.files)}
    if order.source is not None:
        found = files.same(found, order.source, told)
    return found, Pinned(**values)


def version_of(context: Context, engine: str) -> str:
    """The engine's version, as the inventory pins it."""
    if engine != "ollama":
        return prepare.version_of(context, engine) or "unknown"
    url = context.variables.inference.ollama.archive.url
    return "Homebrew's" if context.host.macos else f"ollama {url.split('/')[-2]}"


def _brought(sources: Sequence[Source], cache: Path, told: Told) -> dict[Member, Path]:
    """Every member with the file that holds it."""
    _require_room(sources, cache)
    found = {}
    for number, one in enumerate(sources, 1):
        if one.path is None and not (cache / one.sha256).exists():
            told(f"fetching {number} of {len(sources)}: {one.member}")
        path = one.path or _fetched(one, cache, told)
        member = Member(path=one.member, size=path.stat().st_size, sha256=one.sha256)
        found[member] = path
    return found


def _fetched(source: Source, cache: Path, told: Told) -> Path:
    assert source.wanted is not None
    if hubprogram.is_for(source.wanted):
        return hubprogram.fetch(source.wanted, cache)
    return fetch.fetch(source.wanted, cache, told)


def _require_room(sources: Sequence[Source], cache: Path) -> None:
    """Before a byte moves: what is still to come, and then all of it once more in the tar."""
    try:
        cache.mkdir(exist_ok=True)
        here = {entry.name: entry.stat().st_size for entry in os.scandir(cache)}
        free = shutil.disk_usage(cache).free
    except OSError as fault:
        message = f"cannot write: {os.strerror(fault.errno or errno.EIO)}"
        raise InputError(message, where=str(cache)) from None
    need = sum(one.size or 0 for one in sources)
    for one in sources:
        if one.path is None:
            held = here.get(one.sha256, here.get(f"{one.sha256}.part", 0))
            need += max(0, (one.size or 0) - held)
    if need > free:
        gib = 1024**3
        message = f"{need / gib:.1f} GiB are needed, {free / gib:.1f} GiB are free"
        hint = "Name a file on a larger disk with -o."
        raise PreconditionError(message, where=str(cache), hint=hint)


def _manifest(
    fleet: Fleet,
    placed: Placed,
    order: Order,
    context: Context,
    engine: Engine,
    pinned: Pinned | None,
    folder: str,
    members: Sequence[Member],
) -> Manifest:
    wanted, form = placed.wanted, placed.chosen.artifact
    served = order.question.model in fleet.inventory.models
    return Manifest.model_validate(
        {
            "schema": 1,
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "made_by": f"magnusctl {__version__}",
            "model": wanted.name if placed.own else order.question.model,
            "folder": folder,
            "quant": form.name if form and not served and not placed.own else "",
            "own": placed.own is not None and not served,
            "key": key(wanted.entry, form) if form else wanted.name,
            "pinned": pinned,
            "host": context.name,
            "system": context.host.os,
            "engine": placed.chosen.engine,
            "engine_version": version_of(context, placed.chosen.engine),
            "python": engine.python,
            "packages": engine.packages,
            "archives": tuple(engine.archives),
            "members": tuple(sorted(members, key=lambda one: one.path)),
        }
    )


def _notes(placed: Placed, engine: Engine) -> list[str]:
    chosen, host = placed.chosen, placed.chosen.host
    notes = [f"{url} is not in the bundle: {host} has it" for url in engine.there]
    if chosen.verdict is False:
        notes.append(f"{placed.wanted.name} does not fit on {host} as it is declared: {chosen.why}")
    if engine.packages:
        names = ", ".join(engine.packages)
        notes.append(f"not in the bundle, {host} needs them of its own system's packages: {names}")
    if engine.python:
        notes.append(
            f"not in the bundle: Python {engine.python}, whose path there is told to "
            "bundle apply with --python"
        )
    return notes

"""A bundle taken in: unpacked beside its place, pinned in magnus.lock, and what to do next."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from magnusctl import modellock, whole
from magnusctl.bundles import overlay, unpack
from magnusctl.bundles.manifest import ENGINE, MODEL, NAME, Manifest
from magnusctl.bundles.unpack import Opened
from magnusctl.errors import ConflictError, InputError, PreconditionError
from magnusctl.fleet import Fleet
from magnusctl.inventory.validate import load
from magnusctl.modellock import Lock
from magnusctl.quote import sh
from magnusctl.resources.directory import Directory
from magnusctl.state import Resource

OVERLAY = "overlay.yaml"


@dataclass(frozen=True)
class Applied:
    """A bundle in its folder; `unpacked` and `pinned` tell what was not so before."""

    manifest: Manifest
    folder: Path
    digest: str
    unpacked: bool
    pinned: bool

    @property
    def overlay(self) -> Path:
        """What is laid over the inventory, so that the host needs no network."""
        return self.folder / OVERLAY


def apply(bundle: Path, inventory: Path, folder: Path, python: str = "") -> Applied:
    """Prove and unpack a bundle, and pin its model. Raises MagnusError; then nothing was done."""
    opened = unpack.look(bundle)
    manifest = opened.manifest
    _require_host(inventory, manifest)
    new = _require_same(inventory, manifest)
    unpacked = not _is_there(folder, opened)
    if unpacked:
        _unpacked(bundle, opened, folder, inventory, python)
    else:
        unpack.prove(folder, manifest.members)
        if python or not (folder / OVERLAY).exists():
            _write_overlay(folder, manifest, inventory, python)
    if new:
        modellock.write(modellock.place(inventory), new)
    return Applied(manifest, folder, opened.digest, unpacked, new is not None)


def _require_host(inventory: Path, manifest: Manifest) -> None:
    hosts = load([inventory]).hosts
    if manifest.host not in hosts:
        message = f"the bundle is for {manifest.host}, which is no host of this inventory"
        raise InputError(message, where=str(inventory), hint=f"Hosts: {', '.join(hosts)}")


def _require_same(inventory: Path, manifest: Manifest) -> Lock | None:
    """What is to be added to magnus.lock. What it pins already is never pinned anew."""
    if manifest.pinned is None:
        return None
    place, wanted = modellock.place(inventory), manifest.pinned.locked
    known = modellock.read(place).models.get(manifest.key)
    if known is None:
        return Lock({manifest.key: wanted})
    if {*known.files} != {*wanted.files}:
        message = f"it pins {manifest.key} at {known.revision[:12]}, and the bundle has "
        message += f"{wanted.revision[:12]} with other files"
        hint = "Take that entry out of the file if the bundle's is wanted. Nothing was unpacked."
        raise ConflictError(message, where=str(place), hint=hint)
    return None


def _is_there(folder: Path, opened: Opened) -> bool:
    """Whether this very bundle was unpacked to a folder; another is never written over."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    hint = "Name another folder with --to, or remove that one."
    if not folder.is_dir():
        raise InputError("it is no folder", where=str(folder), hint=hint)
    if not (folder / NAME).is_file():
        raise InputError("something else is in it", where=str(folder), hint=hint)
    if unpack.manifest_in(folder).digest != opened.digest:
        raise InputError("another bundle is in it", where=str(folder), hint=hint)
    return True


def _unpacked(bundle: Path, opened: Opened, folder: Path, inventory: Path, python: str) -> None:
    """Beside its place until all of it is proved."""
    staged = folder.with_name(f".{folder.name[:200]}.{secrets.token_hex(4)}")
    try:
        _make(staged, opened.manifest)
        unpack.unpack(bundle, opened, staged)
        _write_overlay(staged, opened.manifest, inventory, python)
        staged.replace(folder)
    except OSError as fault:
        message = f"cannot write: {fault.strerror}"
        raise InputError(message, where=str(folder), hint="Nothing was unpacked.") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _make(staged: Path, manifest: Manifest) -> None:
    staged.mkdir(parents=True)
    free, gib = shutil.disk_usage(staged).free, 1024**3
    if manifest.size > free:
        message = f"{manifest.size / gib:.1f} GiB are needed, {free / gib:.1f} GiB are free"
        hint = "Name a folder on a larger disk with --to."
        raise PreconditionError(message, where=str(staged.parent), hint=hint)


def _write_overlay(folder: Path, manifest: Manifest, inventory: Path, python: str) -> None:
    """An overlay that the inventory would not take is none."""
    path = folder / OVERLAY
    whole.write(path, overlay.text(manifest, python).encode(), 0o644)
    try:
        load([inventory, path])
    except InputError as error:
        error.message = f"the inventory does not take what the bundle says: {error.message}"
        path.unlink()
        raise


def needs_python(manifest: Manifest, python: str) -> bool:
    """Whether the host would still have to download an interpreter."""
    return bool(manifest.python and not python)


def commands(found: Applied, options: Sequence[str]) -> list[str]:
    """What to type next; `options` name the inventory."""
    manifest = found.manifest
    over = (*options, "--overlay", found.overlay)
    lines = []
    if manifest.below(ENGINE):
        lines.append(sh("magnusctl", "bundle", "push", found.folder, *options))
        lines.append(sh("magnusctl", "provision", "-l", manifest.host, *over))
    source = found.folder / MODEL / manifest.folder
    if manifest.below(MODEL) and manifest.engine != "ollama":
        words = ["--on", manifest.host, *over]
        if manifest.own:
            lines.append(sh("magnusctl", "deploy-model", _path(source), *words))
        else:
            form = ["--engine", manifest.engine, "--quant", manifest.quant]
            words = [*words, *(form if manifest.quant else ()), "--from", source]
            lines.append(sh("magnusctl", "deploy-model", manifest.model, *words))
    return lines


def _path(source: Path) -> str:
    """A path that no command takes for a name."""
    return str(source) if source.is_absolute() else f"./{source}"


def wanted(manifest: Manifest, fleet: Fleet) -> Sequence[Resource]:
    """What a host is to have of a bundle, to be pushed."""
    group = "wheel" if fleet.inventory.hosts[manifest.host].macos else "root"
    there = overlay.artifact(manifest, group)
    if there is None:
        raise InputError("there is nothing in it to push", where=f"bundle for {manifest.host}")
    folders = ("/opt/magnus", overlay.TOP)
    return [*(Directory(path=p, group=group, role=overlay.ROLE) for p in folders), there]

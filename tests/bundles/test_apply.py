"""A bundle is taken in whole and as it was made, or nothing of it is."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from magnusctl import modellock
from tests.bundles.mirror import sha256
from tests.bundles.scene import (
    ARCHIVE,
    DATA,
    MODEL,
    WEIGHTS,
    Scene,
    archive,
    members,
    tar_of,
)

GGUF = f"model/{MODEL}/{WEIGHTS}"
ENGINE = f"engine/archives/llamacpp/{ARCHIVE}"


def left(scene: Scene) -> set[str]:
    """What is in the project that had only an inventory."""
    known = {"magnus.yaml", "host", "templates"}
    return {path.name for path in scene.far.folder.iterdir()} - known


def refused(scene: Scene, bundle: Path, code: int, *words: str) -> str:
    """What is said of a bundle that is not taken, after a look that nothing is left of it."""
    done = scene.apply(bundle, *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert left(scene) == set()
    return done.stderr


def test_it_is_unpacked_pinned_and_laid_over(llama: Scene) -> None:
    said = llama.applied(llama.made())
    folder = llama.far.folder / "bundle"
    assert (folder / GGUF).read_bytes() == DATA
    assert (folder / ENGINE).read_bytes() == archive()
    lock = modellock.read(llama.far.folder / "magnus.lock")
    assert lock == modellock.read(llama.near.folder / "magnus.lock")
    assert f"deploy-model {MODEL} --on a --overlay bundle/overlay.yaml" in said
    assert f"--engine llamacpp --quant q4_k_m --from bundle/model/{MODEL}" in said
    done = llama.far.run("inventory", "check", "--overlay", "bundle/overlay.yaml")
    assert done.returncode == 0, done.stderr


def test_the_second_time_changes_nothing(llama: Scene) -> None:
    bundle = llama.made()
    llama.applied(bundle)
    before = {p: p.stat().st_mtime_ns for p in llama.far.folder.glob("bundle/**/*")}
    done = llama.apply(bundle, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["unpacked"], told["pinned"]) == (False, False)
    assert {p: p.stat().st_mtime_ns for p in llama.far.folder.glob("bundle/**/*")} == before
    (llama.far.folder / "bundle" / GGUF).write_bytes(DATA[:-1] + b"x")
    done = llama.apply(bundle)
    assert done.returncode == 4
    assert WEIGHTS in done.stderr


@pytest.mark.parametrize(("member", "data"), [(GGUF, DATA), (ENGINE, archive())])
def test_one_flipped_byte_is_found_and_its_member_named(
    llama: Scene, member: str, data: bytes
) -> None:
    bundle = llama.made()
    whole = bytearray(bundle.read_bytes())
    whole[whole.index(data) + len(data) // 2] ^= 1
    bundle.write_bytes(whole)
    said = refused(llama, bundle, 4)
    assert f"{member}: it has other bytes than were put in" in said


@pytest.mark.parametrize("size", [0, 100, 600, 5000, 1 << 20, -11000])
def test_a_bundle_that_was_cut_is_none(llama: Scene, size: int) -> None:
    bundle = llama.made()
    bundle.write_bytes(bundle.read_bytes()[:size])
    assert str(bundle) in refused(llama, bundle, 2 if size == 0 else 4)


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member of another kind."""
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, target
    return found


HOSTILE: dict[str, tuple[tarfile.TarInfo | str, bytes]] = {
    "absolute": ("/etc/passwd", b"x"),
    "out of it": ("../outside", b"x"),
    "out of a part": (f"model/{MODEL}/../../../outside", b"x"),
    "stranger": ("engine/stranger", b"x"),
    "link": (entry("engine/link", tarfile.SYMTYPE, "/etc"), b""),
    "hard link": (entry("engine/link", tarfile.LNKTYPE, "/etc/passwd"), b""),
    "device": (entry("engine/null", tarfile.CHRTYPE), b""),
    "pipe": (entry("engine/pipe", tarfile.FIFOTYPE), b""),
    "folder": (entry("engine/folder", tarfile.DIRTYPE), b""),
    "escape": ("engine/\x1b[2J", b"x"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_member_writes_nothing(llama: Scene, what: str, tmp_path: Path) -> None:
    whole = members(llama.made())
    parts = [*whole.items()]
    bundle = tar_of(tmp_path / "evil.tar", parts[0], HOSTILE[what], *parts[1:])
    said = refused(llama, bundle, 2)
    assert "in it is" in said
    assert "\x1b" not in said
    assert not (tmp_path / "outside").exists()


def test_a_member_that_comes_twice_is_refused(llama: Scene, tmp_path: Path) -> None:
    parts = [*members(llama.made()).items()]
    said = refused(llama, tar_of(tmp_path / "evil.tar", *parts, parts[1]), 2)
    assert "comes twice" in said


def test_a_link_in_the_place_of_a_member_is_refused(llama: Scene, tmp_path: Path) -> None:
    parts = [*members(llama.made()).items()]
    link = entry(ENGINE, tarfile.SYMTYPE, "/etc/passwd")
    said = refused(llama, tar_of(tmp_path / "evil.tar", parts[0], (link, b""), parts[2]), 2)
    assert "is no plain file" in said


Change = Callable[[dict[str, object]], object]


def path_of_first(path: str) -> Change:
    def change(told: dict[str, object]) -> None:
        told["members"][0]["path"] = told["archives"][0]["member"] = path  # type: ignore[index]

    return change


FORGED: dict[str, Change] = {
    "schema": lambda told: told.update(schema=2),
    "out": path_of_first("engine/../../outside"),
    "absolute": path_of_first("/engine/a"),
    "another part": path_of_first("overlay.yaml"),
    "marker": path_of_first("engine/a\nb"),
    "host": lambda told: told.update(host="b; rm"),
    "folder": lambda told: told.update(folder=".."),
    "variable": lambda told: told.update(more=1),
    "other weights": lambda told: told["members"][1].update(sha256="0" * 64),  # type: ignore[index]
    "none": lambda told: told.clear(),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_manifest_is_refused(llama: Scene, what: str, tmp_path: Path) -> None:
    parts = members(llama.made())
    told = json.loads(parts["manifest.json"])
    FORGED[what](told)
    forged = {**parts, "manifest.json": json.dumps(told).encode()}
    said = refused(llama, tar_of(tmp_path / "evil.tar", *forged.items()), 2)
    assert "manifest.json" in said


@pytest.mark.parametrize(
    ("data", "code", "why"),
    [
        (b"no tar at all\n" * 100, 4, "it is no whole tar"),
        (b"\0" * 2048, 2, "its first member is not manifest.json"),
    ],
)
def test_what_is_no_bundle_is_told(
    llama: Scene, tmp_path: Path, data: bytes, code: int, why: str
) -> None:
    (tmp_path / "x.tar").write_bytes(data)
    assert why in refused(llama, tmp_path / "x.tar", code)


def test_a_pin_that_is_there_is_never_replaced(llama: Scene) -> None:
    bundle = llama.made()
    lock = llama.far.write("magnus.lock", (llama.near.folder / "magnus.lock").read_text())
    lock.write_text(lock.read_text().replace(sha256(DATA), "0" * 64))
    before = lock.read_text()
    done = llama.apply(bundle)
    assert done.returncode == 4
    assert f"it pins {MODEL}@gguf-Q4_K_M at" in done.stderr
    assert lock.read_text() == before
    assert left(llama) == {"magnus.lock"}


def test_a_folder_with_something_else_is_left_alone(llama: Scene) -> None:
    llama.far.write("mine/notes.txt", "mine\n")
    done = llama.apply(llama.made(), "--to", "mine")
    assert done.returncode == 2
    assert "something else is in it" in done.stderr
    assert left(llama) == {"mine"}


def test_a_bundle_for_another_inventory_is_refused(llama: Scene) -> None:
    bundle = llama.made()
    path = llama.far.folder / "magnus.yaml"
    path.write_text(path.read_text().replace("  a:\n", "  other:\n"))
    assert "is no host of this inventory" in refused(llama, bundle, 2)

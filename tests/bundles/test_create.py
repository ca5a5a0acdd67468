"""A bundle holds what is pinned, is written whole or not at all, and goes on where it was cut."""

from __future__ import annotations

import json
import tarfile

from tests.bundles.mirror import sha256, wheel
from tests.bundles.scene import (
    ARCHIVE,
    DATA,
    MODEL,
    PACKAGES,
    REPOSITORY,
    UV,
    VLLM_MODEL,
    VLLM_WORDS,
    WEIGHTS,
    Scene,
    archive,
    members,
)

GGUF = f"model/{MODEL}/{WEIGHTS}"
ENGINE = f"engine/archives/llamacpp/{ARCHIVE}"


def test_the_manifest_is_first_and_names_every_byte(llama: Scene) -> None:
    found = members(llama.made())
    assert [*found] == ["manifest.json", ENGINE, GGUF]
    assert found[GGUF] == DATA
    assert found[ENGINE] == archive()
    told = json.loads(found["manifest.json"])
    assert told["schema"] == 1
    assert told["key"] == f"{MODEL}@gguf-Q4_K_M"
    assert told["packages"] == ["libgomp1", "curl"]
    assert [(one["path"], one["size"], one["sha256"]) for one in told["members"]] == [
        (name, len(data), sha256(data)) for name, data in [*found.items()][1:]
    ]


def test_members_tell_nothing_of_who_made_them(llama: Scene) -> None:
    with tarfile.open(llama.made()) as tar:
        told = {(e.uid, e.gid, e.uname, e.gname, e.mtime, e.mode) for e in tar}
    assert told == {(0, 0, "", "", 0, 0o644)}


def test_the_second_run_fetches_nothing(llama: Scene) -> None:
    first = members(llama.made())
    asked = len(llama.hub.asked), len(llama.mirror.asked)
    second = members(llama.made())
    assert (len(llama.hub.asked), len(llama.mirror.asked)) == asked
    assert [*first.items()][1:] == [*second.items()][1:]


def test_a_cut_download_is_gone_on_with_by_the_next_run(llama: Scene) -> None:
    llama.hub.fault(WEIGHTS, "cut", after=1 << 20)
    llama.hub.fault(WEIGHTS, "refuse", status=404)
    done = llama.create()
    assert done.returncode == 2, done.stderr
    assert "answers 404" in done.stderr
    assert not (llama.near.folder / "a.tar").exists()
    assert members(llama.made())[GGUF] == DATA
    assert [one.first for one in llama.hub.asked if one.path == WEIGHTS] == [0, 1 << 20]


def test_other_bytes_of_an_archive_make_no_bundle(llama: Scene) -> None:
    llama.mirror.put(f"/{ARCHIVE}", archive() + b"more")
    done = llama.create("--without-weights")
    assert done.returncode == 4
    assert ARCHIVE in done.stderr
    assert "is declared" in done.stderr
    assert {one.name for one in llama.near.folder.glob("*a.tar*")} == {"a.tar.cache"}


def test_files_at_hand_are_held_against_the_lock(llama: Scene) -> None:
    folder = llama.near.folder / "mine"
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(DATA)
    assert members(llama.made("--from", "mine"))[GGUF] == DATA
    assert WEIGHTS not in [one.path for one in llama.hub.asked]
    (folder / WEIGHTS).write_bytes(DATA[:-1] + b"x")
    done = llama.create("--from", "mine")
    assert done.returncode == 2
    assert "other bytes than magnus.lock pins" in done.stderr


def test_wheels_are_those_of_the_lock(vllm: Scene) -> None:
    # A newer one is on the same page.
    vllm.mirror.index(*PACKAGES, wheel("tiny_one", "1.1"))
    found = members(vllm.made("--without-weights", *VLLM_WORDS, model=VLLM_MODEL))
    named = {f"engine/wheels/{name}": data for name, data in PACKAGES}
    assert {n: d for n, d in found.items() if n.startswith("engine/wheels/")} == named
    assert found[f"engine/archives/uv/{UV[0]}"] == UV[1]
    assert not [name for name in found if name.startswith("model/")]
    told = json.loads(found["manifest.json"])
    assert told["python"] == "3.12"
    assert told["engine_version"] == "tiny.txt"
    assert len(told["pinned"]["files"]) == 2


def test_an_index_of_html_serves_as_well(vllm: Scene) -> None:
    vllm.mirror.index(*PACKAGES, html=True)
    found = members(vllm.made("--without-weights", *VLLM_WORDS, model=VLLM_MODEL))
    assert {f"engine/wheels/{name}" for name, _ in PACKAGES} < {*found}


def test_a_wheel_that_no_page_has_is_named(vllm: Scene) -> None:
    vllm.mirror.index(PACKAGES[0], wheel("tiny_two", "2.1"))
    done = vllm.create("--without-weights", *VLLM_WORDS, model=VLLM_MODEL)
    assert done.returncode == 2
    assert "no wheel of tiny-two 2.0 has a hash of tiny.txt" in done.stderr


def test_programs_read_one_object_a_line(llama: Scene) -> None:
    done = llama.create("--json", "--without-weights")
    *notes, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["type"] for one in notes} == {"note"}
    assert last["type"] == "bundle-created"
    assert last["members"] == 1
    assert last["bytes"] == len(archive())
    head = members(llama.near.folder / "a.tar")["manifest.json"]
    assert last["sha256"] == sha256(head)


def test_a_host_that_is_none_is_refused(llama: Scene) -> None:
    done = llama.near.run("bundle", "create", MODEL, "--on", "b", "-o", "a.tar")
    assert done.returncode == 2
    assert "there is no host 'b'" in done.stderr
    assert not llama.hub.asked


def test_what_would_not_fit_on_the_disk_is_told_before_a_byte_moves(llama: Scene) -> None:
    llama.made()
    lock = llama.near.folder / "magnus.lock"
    lock.write_text(lock.read_text().replace(f"size: {len(DATA)}", "size: 4000000000000000"))
    (llama.near.folder / "a.tar").unlink()
    asked = len(llama.hub.asked)
    done = llama.create()
    assert done.returncode == 3
    assert "GiB are needed" in done.stderr
    assert len(llama.hub.asked) == asked
    assert REPOSITORY in lock.read_text()

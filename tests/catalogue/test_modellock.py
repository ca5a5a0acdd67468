"""magnus.lock: what is written is read back, nobody's entry is lost, and a slip has its place."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from magnusctl import modellock
from magnusctl.errors import InputError, Locked
from magnusctl.inventory import yaml as strict
from magnusctl.modellock import Lock, LockedFile, LockedModel

MODEL = LockedModel(
    repository="Qwen/Qwen2.5-14B-Instruct-AWQ",
    revision="539535859b135b0244c91f3e59816150c8056698",
    files=(
        LockedFile("config.json", 787, "a" * 64),
        LockedFile("m.safetensors", 5 << 30, "b" * 64),
    ),
    engine="vllm",
    engine_version="0.9.1",
    written_at="2026-05-17",
)
KEY = "qwen2.5-14b@safetensors-AWQ-int4-g128"
WRITTEN = """\
# Written by magnusctl: which files each model's name stands for. Commit it.
schema: 1
models:
  "a@gguf-Q4_K_M":
    repository: "b/c"
    revision: "539535859b135b0244c91f3e59816150c8056698"
    engine: "vllm"
    engine_version: "0.9.1"
    written_at: "2026-05-17"
    files:
      - {path: "config.json", size: 787, sha256: "AAA"}
      - {path: "m.safetensors", size: 5368709120, sha256: "BBB"}
""".replace("AAA", "a" * 64).replace("BBB", "b" * 64)


def test_a_lock_that_is_not_there_locks_nothing(tmp_path: Path) -> None:
    assert modellock.read(modellock.place(tmp_path / "magnus.yaml")) == Lock()


def test_how_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "magnus.lock"
    backwards = replace(MODEL, repository="b/c", files=MODEL.files[::-1])
    modellock.write(path, Lock({"a@gguf-Q4_K_M": backwards}))
    assert path.read_text() == WRITTEN
    assert [one.name for one in tmp_path.iterdir()] == ["magnus.lock"]
    # Another reader of YAML sees the same.
    assert yaml.safe_load(WRITTEN)["models"]["a@gguf-Q4_K_M"]["files"][1]["size"] == 5 << 30


def test_what_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "magnus.lock"
    newer = replace(MODEL, engine_version="0.9.2")
    modellock.write(path, Lock({KEY: MODEL, "b": MODEL}))
    held = modellock.write(path, Lock({"a": MODEL, KEY: newer}))
    assert held == modellock.read(path) == Lock({KEY: newer, "a": MODEL, "b": MODEL})
    lines = path.read_text().splitlines()
    assert [line for line in lines if line.startswith('  "')] == ['  "a":', '  "b":', f'  "{KEY}":']


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(st.dictionaries(TEXT, st.tuples(TEXT, TEXT), max_size=4))
def test_any_text_is_read_back(told: dict[str, tuple[str, str]]) -> None:
    lock = Lock({k: replace(MODEL, repository=a, engine_version=b) for k, (a, b) in told.items()})
    document = strict.read(modellock.text(lock), "magnus.lock")
    assert modellock._checked(document) == lock


WRONG = {
    "schema: 1\n": ("schema: 2\n", "magnus.lock:2:9"),
    "schema: 1": ("schemas: 1", "magnus.lock:2:1"),
    'revision: "5': ('revision: "main5', "magnus.lock:6:15"),
    "size: 787": ("size: -1", "magnus.lock:11:37"),
    'sha256: "aa': ('sha256: "a', "magnus.lock:11:50"),
    'path: "config.json"': ('path: "../config.json"', "magnus.lock:11:16"),
    "2026-05-17": ("yesterday", "magnus.lock:9:17"),
    "    engine:": ("    motor:", "magnus.lock:7:5"),
    "models:\n": ("models: [\n", "magnus.lock:5:15"),
}


@pytest.mark.parametrize("old", WRONG)
def test_a_slip_has_its_place(tmp_path: Path, old: str) -> None:
    path = tmp_path / "magnus.lock"
    new, place = WRONG[old]
    path.write_text(WRITTEN.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        modellock.read(path)
    assert f"{tmp_path}/{place}:" in str(caught.value)
    with pytest.raises(InputError):
        modellock.write(path, Lock({KEY: MODEL}))
    assert path.read_text() == WRITTEN.replace(old, new, 1)


@pytest.mark.parametrize(
    "change",
    [{"files": ()}, {"revision": ""}, {"files": (LockedFile("/etc/passwd", 1, "a" * 64),)}],
)
def test_what_could_not_be_read_back_is_not_written(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "magnus.lock"
    with pytest.raises(InputError):
        modellock.write(path, Lock({KEY: replace(MODEL, **change)}))  # type: ignore[arg-type]
    assert not path.exists()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        modellock.write(tmp_path / "gone" / "magnus.lock", Lock({KEY: MODEL}))
    (tmp_path / "magnus.lock").mkdir()
    with pytest.raises(InputError):
        modellock.write(tmp_path / "magnus.lock", Lock({KEY: MODEL}))


def _writes(path: Path, name: str) -> None:
    # Those whose turn it is not may wait for all writes of the others.
    modellock.WAIT_S = 60
    for number in range(10):
        modellock.write(path, Lock({f"{name}-{number}": MODEL}))


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "magnus.lock"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_writes, args=(path, name)) for name in "abc"]
    for one in writers:
        one.start()
    for one in writers:
        one.join(60)
    assert [one.exitcode for one in writers] == [0, 0, 0]
    assert set(modellock.read(path).models) == {f"{n}-{i}" for n in "abc" for i in range(10)}


def test_a_writer_that_does_not_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modellock, "WAIT_S", 0.1)
    held = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Locked, match="another command"):
            modellock.write(tmp_path / "magnus.lock", Lock({KEY: MODEL}))
    finally:
        os.close(held)
    assert modellock.write(tmp_path / "magnus.lock", Lock({KEY: MODEL})) == Lock({KEY: MODEL})

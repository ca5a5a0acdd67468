"""Which files a model consists of, how a host comes by them, and that they are the right ones."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from magnusctl import modellock
from magnusctl.catalogue import find, local
from magnusctl.catalogue.entries import key
from magnusctl.deploying.files import Files, artifact, known, locked, of_folder, same, tagged
from magnusctl.errors import InputError
from magnusctl.modellock import Lock, LockedFile, LockedModel
from magnusctl.resources.artifact import Artifact

LIMIT = 48 * 10**9
TOKEN = "/etc/magnus/hub-token"
COMMIT = "1" * 40
SHARDS = (
    LockedFile("config.json", 700, "a" * 64),
    LockedFile("model 1.safetensors", 4_000_000_000, "b" * 64),
)
HUB = Files(SHARDS, "Qwen/Qwen2.5-14B-Instruct-AWQ", COMMIT)


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody had set up a mirror of the hub."""
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


def wanted(files: Files, name: str = "qwen", engine: str = "vllm", **words: Any) -> Artifact:
    """The files as a resource of a host."""
    program, group = "/opt/magnus/venvs/vllm/bin/hf", "magnus-models"
    given = {"program": program, "group": group, "token": TOKEN, **words}
    return artifact(files, name, "/srv/models", engine=engine, **given)


def test_two_releases_with_the_same_files_share_a_folder() -> None:
    turned = replace(HUB, files=SHARDS[::-1], repository="mirror/of-it", revision="2" * 40)
    one, two = wanted(HUB), wanted(turned, engine="llamacpp", token="")
    assert one.path == two.path
    assert one.digest == two.digest
    assert one.path.startswith("/srv/models/store/qwen-")
    assert len(one.path.rpartition("-")[2]) == 12
    # So does a folder that is pushed from here.
    assert wanted(replace(HUB, folder=Path("/tmp/x"))).path == one.path


@pytest.mark.parametrize(
    "changed", [{"sha256": "c" * 64}, {"size": 701}, {"path": "config2.json"}], ids=str
)
def test_other_files_have_another_folder(changed: dict[str, Any]) -> None:
    other = replace(HUB, files=(replace(SHARDS[0], **changed), SHARDS[1]))
    assert wanted(other).path != wanted(HUB).path


def test_files_come_by_curl_from_the_commit_that_is_pinned() -> None:
    found = wanted(HUB)
    assert (found.source, found.program, found.token) == ("curl", "", TOKEN)
    base = f"https://huggingface.co/Qwen/Qwen2.5-14B-Instruct-AWQ/resolve/{COMMIT}"
    assert [one.url for one in found.files] == [
        f"{base}/config.json",
        f"{base}/model%201.safetensors",
    ]
    assert found.digest == wanted(replace(HUB, revision="3" * 40)).digest


def test_a_mirror_of_the_hub_is_asked_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    assert wanted(HUB).files[0].url.startswith("https://hub.example/Qwen/")
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    with pytest.raises(InputError, match="no token is sent in the clear"):
        wanted(HUB)
    assert wanted(HUB, token="").source == "curl"


@pytest.mark.parametrize(
    ("size", "engine", "source"),
    [
        (LIMIT, "vllm", "curl"),
        (LIMIT + 1, "vllm", "hf"),
        (LIMIT + 1, "mlx", "hf"),
        (LIMIT + 1, "llamacpp", "curl"),  # it has no environment with the hub's program
        (LIMIT + 1, "ollama", "curl"),
    ],
)
def test_only_what_the_hub_gives_to_its_own_program_alone_comes_by_that(
    size: int, engine: str, source: str
) -> None:
    # The limit is of one file: many small ones may be more.
    many = [LockedFile(f"{n}.safetensors", LIMIT // 2, f"{n}" * 64) for n in range(3)]
    large = replace(HUB, files=(*many, LockedFile("model.safetensors", size, "b" * 64)))
    found = wanted(large, engine=engine)
    assert found.source == source
    assert found.program == ("/opt/magnus/venvs/vllm/bin/hf" if source == "hf" else "")
    assert (found.repository, found.revision) == (HUB.repository, COMMIT)


def test_what_is_pushed_shows_nobody_a_token() -> None:
    large = LockedFile("model.safetensors", LIMIT + 1, "b" * 64)
    found = wanted(Files((large,), folder=Path("/models/mine")))
    assert (found.source, found.token, found.program) == ("pushed", "", "")
    assert [one.url for one in found.files] == [""]


@pytest.mark.parametrize(
    ("names", "main"),
    [
        (["m-00002-of-00002.gguf", "m-00001-of-00002.gguf"], "m-00001-of-00002.gguf"),
        (["mine.gguf"], "mine.gguf"),
        (["config.json", "model.safetensors"], ""),
        ([], ""),
    ],
)
def test_an_engine_is_given_the_first_file_of_gguf_else_the_folder(
    names: list[str], main: str
) -> None:
    assert Files(tuple(LockedFile(name, 1, "a" * 64) for name in names)).main == main


def test_the_size_is_that_of_the_files_or_what_is_reckoned() -> None:
    assert HUB.size == 4_000_000_700
    form = find("llama3.2:3b").artifact
    assert form
    pulled = tagged(form, 2_000_000_000)
    assert (pulled.tag, pulled.size, pulled.files) == ("llama3.2:3b", 2_000_000_000, ())


def test_what_is_pinned_is_asked_of_nobody(tmp_path: Path) -> None:
    inventory = tmp_path / "magnus.yaml"
    entry = find("qwen2.5-14b").entry
    form = next(one for one in entry.artifacts if one.name == "awq")
    assert known(inventory, entry, form) is None
    pinned = LockedModel(HUB.repository, COMMIT, SHARDS, "vllm", "0.32.0", "2026-05-17")
    name = key(entry, form)
    modellock.write(modellock.place(inventory), Lock({name: pinned}))
    assert known(inventory, entry, form) == HUB
    said: list[str] = []
    assert locked(inventory, entry, form, "vllm", "0.32.0", said.append) == HUB
    assert said == []


def model_in(folder: Path) -> Path:
    """A model of one's own, as small as can be."""
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "hidden_size": 8}))
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 8)
    (folder / "sub" / "tokenizer.json").write_text("{}")
    (folder / ".git").write_text("not of the model")
    return folder


def test_files_of_a_folder_have_the_digests_of_their_bytes(tmp_path: Path) -> None:
    folder = model_in(tmp_path / "mine")
    found = of_folder(local.of_folder(folder), lambda text: None)
    assert found.folder == folder
    names = ["config.json", "model.safetensors", "sub/tokenizer.json"]
    assert [one.path for one in found.files] == names
    for one in found.files:
        data = (folder / one.path).read_bytes()
        assert (one.size, one.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert same(replace(found, folder=None, revision=COMMIT), folder, print).revision == COMMIT


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(b"\x01" + path.read_bytes()[1:]), "other bytes than"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "other bytes than"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "other bytes than"),
        (lambda path: path.unlink(), "is missing"),
    ],
    ids=["a flipped byte", "one more", "one less", "none"],
)
def test_a_folder_with_another_file_than_is_pinned_is_refused(
    spoil: Any, message: str, tmp_path: Path
) -> None:
    folder = model_in(tmp_path / "mine")
    pinned = replace(of_folder(local.of_folder(folder), lambda text: None), folder=None)
    said: list[str] = []
    assert same(pinned, folder, said.append).folder == folder
    assert said[-1] == "sub/tokenizer.json: as pinned"
    spoil(folder / "model.safetensors")
    with pytest.raises(InputError, match=message) as caught:
        same(pinned, folder, lambda text: None)
    assert caught.value.where == str(folder / "model.safetensors")

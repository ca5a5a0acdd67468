"""What the hub says of a repository is pinned; what it refuses is said in words that help."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from magnusctl import hub
from magnusctl.catalogue.entries import TRANSFORMERS_FILES
from magnusctl.errors import InputError, MagnusError, PreconditionError, Unreachable
from magnusctl.modellock import LockedFile
from tests.catalogue.simulatedhub import COMMIT, TOKEN, SimulatedHub, digest_of, serving
from tests.lab.hub import hub as lab_hub

pytest.importorskip("huggingface_hub")
CONFIG = b'{"model_type": "llama"}\n'


@pytest.fixture
def simulated() -> Iterator[SimulatedHub]:
    small = {"config.json": CONFIG, "README.md": b"# no part of it\n", "onnx/config.json": b"{}"}
    with serving(SimulatedHub(small, {"model.safetensors": 5 << 30})) as served:
        yield served


def resolved(served: SimulatedHub, **given: object) -> hub.Pinned:
    settings = {"revision": None, "include": TRANSFORMERS_FILES, "endpoint": served.endpoint}
    return hub.resolve("maker/model", **{**settings, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("revision", [None, "", "main", COMMIT])
def test_what_is_chosen_is_pinned(simulated: SimulatedHub, revision: str | None) -> None:
    found = resolved(simulated, revision=revision)
    assert found.repository == "maker/model"
    assert found.revision == COMMIT
    assert found.files == (
        LockedFile("config.json", len(CONFIG), hashlib.sha256(CONFIG).hexdigest()),
        LockedFile("model.safetensors", 5 << 30, digest_of("model.safetensors")),
    )
    assert found.size == (5 << 30) + len(CONFIG)


def test_large_files_and_others_are_not_read(simulated: SimulatedHub) -> None:
    resolved(simulated)
    read = [path for path, _ in simulated.seen if "/resolve/" in path]
    assert read == [f"/maker/model/resolve/{COMMIT}/config.json"]


def test_the_token_goes_to_the_hub_alone(simulated: SimulatedHub) -> None:
    with serving(SimulatedHub()) as elsewhere:
        elsewhere.changed = {"config.json": CONFIG}
        simulated.moved_to = elsewhere.endpoint
        found = resolved(simulated, token=TOKEN)
    assert found.files[0].sha256 == hashlib.sha256(CONFIG).hexdigest()
    assert {told for _, told in simulated.seen} == {f"Bearer {TOKEN}"}
    assert [told for _, told in elsewhere.seen] == [""]


def test_a_token_that_lies_about_is_not_sent(
    simulated: SimulatedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    resolved(simulated)
    assert {told for _, told in simulated.seen} == {""}


def test_a_file_that_is_not_what_the_listing_says_is_refused(simulated: SimulatedHub) -> None:
    for data in (CONFIG.replace(b"llama", b"qwen2"), CONFIG + b" ", CONFIG[:-1]):
        simulated.changed = {"config.json": data}
        with pytest.raises(InputError, match="did not arrive as the hub lists it"):
            resolved(simulated)


def test_a_part_that_is_missing_is_named() -> None:
    parts = {f"m-Q4_K_M-{n:05}-of-00003.gguf": 7 for n in (1, 3)}
    with (
        serving(SimulatedHub({}, parts)) as served,
        pytest.raises(InputError, match=r"m-Q4_K_M-00002-of-00003\.gguf"),
    ):
        resolved(served, include=("*.gguf",))


def test_without_a_digest_only_small_files_are_taken(
    simulated: SimulatedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SMALL_BYTES", len(CONFIG) - 1)
    with pytest.raises(InputError, match="no digest"):
        resolved(simulated)
    assert not [path for path, _ in simulated.seen if "/resolve/" in path]


@pytest.mark.parametrize("path", ["../config.json", "/etc/config.json", "a\\config.json"])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with (
        serving(SimulatedHub({path: b"{}"})) as served,
        pytest.raises(InputError, match="plain path"),
    ):
        resolved(served)


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], type[MagnusError], str]] = {
    "gated": ({"status": 403, "code": "GatedRepo"}, {}, PreconditionError, "Accept its licence"),
    "its files gated": ({"gated_files": True}, {}, PreconditionError, "set HF_TOKEN"),
    "a bad token": ({"status": 401}, {"token": TOKEN}, PreconditionError, "still valid"),
    "not allowed": ({"status": 403}, {"token": TOKEN}, PreconditionError, "refuses the token: 403"),
    "no token": ({"status": 401}, {}, PreconditionError, "without a token: 401"),
    "no revision": ({}, {"revision": "v9"}, InputError, "no revision 'v9'"),
    "busy": ({"status": 503}, {}, Unreachable, "answered with 503"),
    "asked too often": ({"status": 429}, {}, Unreachable, "Try again"),
    "no JSON": ({"garbage": b"<html>"}, {}, Unreachable, "none that is known"),
    "no object": ({"garbage": b"[]"}, {}, Unreachable, "none that is known"),
    "no commit": ({"garbage": b'{"id": "m", "siblings": []}'}, {}, InputError, "no commit"),
    "no such file": ({}, {"include": ("confg.json",)}, InputError, "did you mean 'config.json'"),
    "nothing chosen": ({}, {"include": ("*.gguf",)}, InputError, "There is: README.md"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_say_what_to_do(simulated: SimulatedHub, case: str) -> None:
    behaves, given, kind, words = REFUSED[case]
    for key, value in behaves.items():
        setattr(simulated, key, value)
    with pytest.raises(MagnusError) as caught:
        resolved(simulated, **given)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.where == "maker/model"
    assert TOKEN not in str(caught.value)


def test_a_repository_that_is_not_there(simulated: SimulatedHub) -> None:
    with pytest.raises(InputError, match="no such repository"):
        hub.resolve("maker/other", None, ("*",), endpoint=simulated.endpoint)
    with pytest.raises(InputError, match="no name of a repository"):
        hub.resolve("a/b/c", None, ("*",), endpoint=simulated.endpoint)


def test_nobody_answers() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(Unreachable) as caught:
            hub.resolve("maker/model", None, ("*",), endpoint=endpoint)
    assert "--from DIR" in str(caught.value)


def test_another_simulated_hub_is_understood_too() -> None:
    """That of the lab: large files behind a redirect, and what is gated needs its token."""
    weights = b"w" * (2 << 20)
    files = {"config.json": CONFIG, "model.safetensors": weights, "README.md": b"#"}
    with lab_hub() as served:
        served.add("maker/free", files)
        served.add("maker/gated", files, gated=TOKEN)
        free, gated = (
            hub.resolve(name, None, TRANSFORMERS_FILES, endpoint=served.url, token=token)
            for name, token in (("maker/free", None), ("maker/gated", TOKEN))
        )
        assert free.revision == served.repositories["maker/free"].commit
        assert [one.sha256 for one in free.files] == [
            hashlib.sha256(data).hexdigest() for data in (CONFIG, weights)
        ]
        assert gated.files == free.files
        for token in (None, "hf_of-somebody-else"):
            with pytest.raises(PreconditionError, match="accepted its licence"):
                hub.resolve(
                    "maker/gated", None, TRANSFORMERS_FILES, endpoint=served.url, token=token
                )
        with pytest.raises(InputError, match="no such repository"):
            hub.resolve("maker/none", None, ("*",), endpoint=served.url)
        assert not [one for one in served.asked if one.path == "model.safetensors"]

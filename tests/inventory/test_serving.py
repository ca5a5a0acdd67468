"""Models must fit beside each other on their hosts, and engines listen where they can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from magnusctl.errors import InputError
from magnusctl.inventory.starter import example_path
from magnusctl.inventory.validate import load, warnings

HOST: dict[str, Any] = {
    "os": "ubuntu-24.04",
    "roles": ["inference"],
    "engine": "llamacpp",
    "hardware": {"cores": 8, "memory": "32GiB"},
    "variables": {"inference": {"reserve": {"memory": "2GiB", "cores": 1}}},
}
MAC: dict[str, Any] = {**HOST, "os": "macos-15", "engine": "mlx"}
GPU = {"cores": 8, "memory": "32GiB", "gpus": [{"name": "RTX", "memory": "24GiB"}]}


def said(folder: Path, host: dict[str, Any], models: dict[str, Any], **top: Any) -> str:
    """What is said of an inventory with one host `a`, or nothing."""
    path = folder / "magnus.yaml"
    whole = {name: {"host": "a", "model": f"{name}.gguf", **m} for name, m in models.items()}
    path.write_text(json.dumps({"hosts": {"a": host}, "models": whole, **top}))
    try:
        load([path])
    except InputError as error:
        return str(error)
    return ""


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("fits", HOST, {"m": {"memory": "30GiB", "cores": 7}}, ""),
    (
        "RAM, with the sum",
        HOST,
        {"m": {"memory": "20GiB"}, "n": {"memory": "11GiB"}},
        "models of a want 31.0 GiB, and 30.0 GiB are there (32GiB less a reserve of 2GiB): "
        "m 20GiB + n 11GiB",
    ),
    (
        "cores, with the sum",
        HOST,
        {"m": {"cores": 4}, "n": {"cores": 4}},
        "models of a want 8 cores, and 7 are there (8 less a reserve of 1): m 4 + n 4",
    ),
    (
        "not all resident",
        HOST,
        {"m": {"memory": "20GiB"}, "n": {"memory": "11GiB", "resident": False}},
        "",
    ),
    (
        "one that never fits",
        HOST,
        {"m": {"memory": "31GiB", "resident": False}},
        "model m wants 31GiB of a, and 30.0 GiB are there",
    ),
    (
        "a card",
        {**HOST, "hardware": GPU},
        {"m": {"memory": "20GiB"}, "n": {"memory": "5GiB"}},
        "want 25.0 GiB, and 24.0 GiB are there (24GiB of the card)",
    ),
    (
        "a Mac's share",
        MAC,
        {"m": {"memory": "22GiB"}},
        "want 22.0 GiB, and 20.4 GiB are there (85% of 24.0 GiB that its GPU may wire)",
    ),
    ("nobody said how much", {**HOST, "hardware": {}}, {"m": {"memory": "900GiB"}}, ""),
    ("no such host", HOST, {"m": {"host": "b"}}, "model m names the host 'b', which does not"),
    ("no role", {**HOST, "roles": ["base"]}, {"m": {}}, "model m: a serves nothing"),
    ("no such engine there", HOST, {"m": {"engine": "mlx"}}, "engine mlx needs macOS, and a is"),
    ("one port", HOST, {"m": {"port": 9}, "n": {"port": 9}}, "m and n of a have the same port 9"),
    (
        "the port of Ollama",
        HOST,
        {"m": {"engine": "ollama"}, "n": {"port": 11434}},
        "m and n of a have the same port 11434",
    ),
    (
        "disk",
        {**HOST, "hardware": {"disks": [{"name": "d", "size": "40GB"}]}},
        {"m": {"size": "36GB"}},
        "models of a take 36GB, and 34GB of the disk d are for them",
    ),
]


@pytest.mark.parametrize(
    ("host", "models", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_budgets_add_up_or_are_refused_with_the_sum(
    tmp_path: Path, host: dict[str, Any], models: dict[str, Any], wanted: str
) -> None:
    found = said(tmp_path, host, models)
    assert wanted in found
    assert bool(wanted) == bool(found), found


def test_an_engine_listens_on_a_link_of_its_host_only(tmp_path: Path) -> None:
    host = {**HOST, "variables": {"inference": {"listen": "10h"}}}
    assert "'listen': a is on no link '10h'" in said(tmp_path, host, {})


def test_a_key_must_be_declared(tmp_path: Path) -> None:
    host = {**HOST, "variables": {"inference": {"api_key": "nokey"}}}
    assert "names the secret 'nokey', which does not exist" in said(tmp_path, host, {})


def test_an_open_engine_without_a_key_is_warned_of(tmp_path: Path) -> None:
    text = example_path("magnus").read_text().replace(", api_key: vllm-key", "")
    (tmp_path / "magnus.yaml").write_text(text)
    (note,) = warnings(load([tmp_path / "magnus.yaml"]))
    assert "vllm on rtx3090 listens on link 10g without 'api_key'" in note
    assert warnings(load([example_path("magnus")])) == []


def test_the_example_that_asks_for_too_much_is_refused(tmp_path: Path) -> None:
    text = example_path("bigram-server").read_text().replace("450GiB", "550GiB")
    (tmp_path / "magnus.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        load([tmp_path / "magnus.yaml"])
    message = str(error.value)
    assert "models of bigram want 876.0 GiB, and 824.1 GiB are there" in message
    assert "fast 56GiB + coder 110GiB + primary 80GiB + reasoning 80GiB + complex 550GiB" in message


MORE: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("a tag", HOST, {"m": {"model": "llama3.2:3b"}}, "model m: llamacpp knows no tags"),
    ("no file", HOST, {"m": {"model": "mixtral"}}, "model m: llama.cpp serves a file .gguf"),
    (
        "two ports",
        {**HOST, "engine": "ollama"},
        {"m": {"port": 1}, "n": {"port": 2}},
        "models m and n of a: Ollama has one port for all",
    ),
    (
        "an isolated CPU that is none",
        {**HOST, "roles": ["trading"], "variables": {"trading": {"isolated_cpus": "2-9"}}},
        {},
        "a has no CPU 9: its 8 are numbered from 0",
    ),
    (
        "a CPU for two things",
        {**HOST, "roles": ["trading"], "variables": {"trading": {"isolated_cpus": "0-7"}}},
        {},
        "CPU 0 of a is both isolated and for housekeeping",
    ),
    (
        "backwards",
        {**HOST, "variables": {"trading": {"isolated_cpus": "7-2"}}},
        {},
        "'7-2' runs backwards: write it as '2-7'",
    ),
]


@pytest.mark.parametrize(
    ("host", "models", "wanted"), [c[1:] for c in MORE], ids=[c[0] for c in MORE]
)
def test_what_no_engine_or_kernel_could_do_is_refused(
    tmp_path: Path, host: dict[str, Any], models: dict[str, Any], wanted: str
) -> None:
    assert wanted in said(tmp_path, host, models)


WARNED: list[tuple[str, str, str]] = [
    (
        "    roles: [base, network, storage, cuda, inference, training]",
        "    roles: [network, storage, cuda, inference, training]",
        "vllm on rtx3090 listens on link 10g, and no firewall of the role base is there",
    ),
    (
        "    roles: [base, network, storage, inference]",
        "    roles: [inference, base, network, storage]",
        "roles of macmini are applied as listed; the usual order is base, network, storage, inf",
    ),
    (
        "      inference: {listen: 10g}\n",
        "      inference: {listen: 10g, api_key: vllm-key}\n",
        "'api_key' of macmini does nothing: mlx knows no keys",
    ),
]


@pytest.mark.parametrize(("was", "is_now", "wanted"), WARNED)
def test_what_is_allowed_and_not_meant_is_warned_of(
    tmp_path: Path, was: str, is_now: str, wanted: str
) -> None:
    text = example_path("magnus").read_text()
    assert was in text
    (tmp_path / "magnus.yaml").write_text(text.replace(was, is_now))
    notes = warnings(load([tmp_path / "magnus.yaml"]))
    assert any(wanted in note for note in notes), notes


def test_a_context_that_ollama_is_not_told_is_warned_of(tmp_path: Path) -> None:
    text = example_path("rtx4090-ollama").read_text().replace("context: 16384", "context: 65536", 1)
    (tmp_path / "magnus.yaml").write_text(text)
    (note,) = warnings(load([tmp_path / "magnus.yaml"]))
    assert "model primary wants a context of 65536, and Ollama on rtx4090 is told 16384" in note

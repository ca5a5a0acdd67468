"""Every model of the catalogue can be had, is what its config.json says, and is found by name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from magnusctl import catalogue
from magnusctl.catalogue import reading
from magnusctl.catalogue.entries import Artifact, Entry
from magnusctl.catalogue.lookup import names_of
from magnusctl.errors import InputError
from magnusctl.inventory import budgets, validate

ROOT = Path(__file__).parent.parent.parent
CONFIGS = ROOT / "benchmarks" / "fitdata" / "configs"
ENTRIES = {entry.name: entry for entry in catalogue.all_entries()}
ARTIFACTS = [(entry, one) for entry in ENTRIES.values() for one in entry.artifacts]
EACH = pytest.mark.parametrize(
    ("entry", "artifact"), ARTIFACTS, ids=[f"{e.name}@{a.name}" for e, a in ARTIFACTS]
)
QUANTS = re.compile(
    r"AWQ-int4-g128|GPTQ-Int[48]-g128|MLX-[34]bit-g64|fp8-block128|bf16|fp32|Q4_K_M|Q5_K_M|Q6_K|Q8_0"
)


@EACH
def test_an_artifact_can_be_had_and_read(entry: Entry, artifact: Artifact) -> None:
    reads = {"safetensors": {"vllm"}, "mlx": {"mlx"}, "gguf": {"llamacpp", "ollama"}}
    assert artifact.engines
    assert set(artifact.engines) <= reads[artifact.format] & set(catalogue.ENGINES)
    assert QUANTS.fullmatch(artifact.quant)
    assert re.fullmatch(r"[0-9a-f]{40}|", artifact.revision)
    assert artifact.include
    assert bool(artifact.tag) <= ("ollama" in artifact.engines)
    if artifact.format == "gguf":
        assert all(one.endswith(".gguf") and artifact.quant in one for one in artifact.include)


@EACH
def test_an_artifact_is_found_as_people_call_it(entry: Entry, artifact: Artifact) -> None:
    found = catalogue.Found(entry, artifact)
    assert catalogue.find(found.key) == found
    assert catalogue.find(f"{entry.name}@{artifact.name}") == found
    assert catalogue.find(entry.name, quant=artifact.quant.upper()) == found
    for name in ([artifact.tag] if artifact.tag else []) + [
        one for one in artifact.include if artifact.format == "gguf" and "*" not in one
    ]:
        assert catalogue.find(name, artifact.engines[-1]) == found
        assert catalogue.find(name.upper()) == found


def test_no_name_means_two_models() -> None:
    for entry in ENTRIES.values():
        alone = names_of([entry])
        assert {name: catalogue.find(name).entry.name for name in alone} == dict.fromkeys(
            alone, entry.name
        ), entry.name
    keys = [catalogue.key(*pair) for pair in ARTIFACTS]
    assert len(keys) == len(set(keys))


def test_what_the_wanted_models_are() -> None:
    chats = {name for name, entry in ENTRIES.items() if entry.kind == "chat"}
    assert {name: e.kind for name, e in ENTRIES.items() if name not in chats} == {
        "finbert": "classifier",
        "all-mpnet-base-v2": "embedding",
    }
    assert chats == {
        *(f"qwen2.5-{size}" for size in ("7b", "14b", "32b", "72b", "coder-32b")),
        *("llama-3.1-8b", "llama-3.1-70b", "llama-3.2-3b", "llama-3.3-70b"),
        *("deepseek-r1-distill-llama-70b", "deepseek-r1", "mixtral-8x7b", "tinyllama-1.1b"),
    }
    assert {name for name, e in ENTRIES.items() if e.gated} == {
        name for name in chats if name.startswith("llama-")
    }


@pytest.mark.parametrize("name", ENTRIES)
def test_facts_are_those_of_its_configuration(name: str) -> None:
    """The same facts as the fit planner is scored with, key by key."""
    path = _facts().get(name)
    assert path is not None, f"no configuration in {CONFIGS} is {name}'s"
    told = json.loads(path.read_text())
    assert _plain(ENTRIES[name].config) == {k: v for k, v in told.items() if k[0] != "_"}
    assert ENTRIES[name].source == " ".join(told["_source"].split())


def _facts() -> dict[str, Path]:
    if not CONFIGS.is_dir():
        pytest.skip(f"{CONFIGS} is not there")
    ids = {json.loads(path.read_text())["_model_id"].lower(): path for path in CONFIGS.iterdir()}
    repositories = {(one.repository.lower(), entry.name) for entry, one in ARTIFACTS}
    return {name: ids[repository] for repository, name in repositories if repository in ids}


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


INVENTORIES = sorted((ROOT / "inventory").glob("*.yaml"))


@pytest.mark.parametrize("path", INVENTORIES, ids=[path.stem for path in INVENTORIES])
def test_what_inventories_serve_is_known(path: Path) -> None:
    inventory = validate.load([path])
    served = [
        one for host in inventory.hosts for one in budgets.models_of(inventory, host).values()
    ]
    assert len(served) == len(inventory.models) > 0
    for one in served:
        found = catalogue.find(one.model, one.engine)
        assert found.artifact is not None, one.model
        assert one.engine in found.artifact.engines


FOUND = {
    ("qwen2.5-14b-instruct-awq", None, None): "qwen2.5-14b@awq",
    ("llama-3.3-70b-instruct-3bit", None, None): "llama-3.3-70b@mlx-3bit",
    ("qwen2.5:14b", None, None): "qwen2.5-14b@q4_k_m",
    ("llama3.2:3b", None, None): "llama-3.2-3b@q4_k_m",
    ("qwen2.5:32b", None, None): "qwen2.5-32b@q4_k_m",
    ("llama3.3:70b", None, None): "llama-3.3-70b@q4_k_m",
    ("deepseek-r1:70b", None, None): "deepseek-r1-distill-llama-70b@q4_k_m",
    ("deepseek-r1:671b", None, None): "deepseek-r1@q4_k_m",
    ("mixtral-8x7b-instruct-v0.1.Q4_K_M.gguf", None, None): "mixtral-8x7b@q4_k_m",
    ("qwen2.5-7b-instruct", None, None): "qwen2.5-7b@bf16",
    ("qwen2.5-coder-32b-instruct", None, None): "qwen2.5-coder-32b@bf16",
    ("Qwen/Qwen2.5-32B-Instruct-AWQ", None, None): "qwen2.5-32b@awq",
    ("qwen2.5-32b", None, None): "qwen2.5-32b@",
    ("deepseek-r1", None, None): "deepseek-r1@",
    ("qwen2.5-32b", "vllm", None): "qwen2.5-32b@awq",
    ("qwen2.5-32b", "mlx", None): "qwen2.5-32b@mlx-4bit",
    ("llama-3.3-70b", "mlx", None): "llama-3.3-70b@mlx-4bit",
    ("qwen2.5-32b", "ollama", None): "qwen2.5-32b@q4_k_m",
    ("qwen2.5-32b", None, "gguf"): "qwen2.5-32b@q4_k_m",
    ("qwen2.5-32b", "llamacpp", "q5_k_m"): "qwen2.5-32b@q5_k_m",
    ("qwen2.5-32b@Q5_K_M", None, None): "qwen2.5-32b@q5_k_m",
    ("llama3.1:8b", "ollama", None): "llama-3.1-8b@q4_k_m",
}


@pytest.mark.parametrize(("asked", "wanted"), FOUND.items())
def test_a_name_is_found(asked: tuple[str, str | None, str | None], wanted: str) -> None:
    found = catalogue.find(*asked)
    assert f"{found.entry.name}@{found.artifact.name if found.artifact else ''}" == wanted


REFUSED = {
    ("qwen2.5-34b", None, None): "did you mean 'qwen2.5-32b'?",
    ("xyz", None, None): "There are: ",
    ("qwen2.5-32b", None, "q4km"): "did you mean 'q4_k_m'? There is: awq (AWQ-int4-g128)",
    ("qwen2.5-14b-instruct-awq", None, "q8_0"): "names awq, and 'q8_0' was asked for",
    ("finbert", "mlx", None): "Engines that read it: vllm",
    ("qwen2.5:14b", "vllm", None): "It reads: qwen2.5-14b@awq",
    ("qwen2.5-14b", "vllm", "q8_0"): "which vllm does not read",
}


@pytest.mark.parametrize(("asked", "words"), REFUSED.items())
def test_what_is_not_known_is_said(asked: tuple[str, str | None, str | None], words: str) -> None:
    with pytest.raises(InputError) as caught:
        catalogue.find(*asked)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("model-00001-of-00002.safetensors", True),
        ("tokenizer.json", True),
        ("original/params.json", False),
        ("config.json/params", False),
        ("onnx/model.safetensors", False),
        ("consolidated.00.pth", False),
        ("README.md", False),
    ],
)
def test_which_files_belong_to_it(path: str, taken: bool) -> None:
    artifact = catalogue.find("llama-3.1-8b", "vllm", "bf16").artifact
    assert artifact is not None
    assert artifact.takes(path) is taken


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("kind: chat", "kind: chatty"), "x.yaml:4:11"),
        (("repository: a/b", "repository: ab"), "x.yaml:12:21"),
        (("engines: [ollama]", "engines: [olama]"), "x.yaml:11:19"),
        (("        include: ['m.gguf']\n", ""), "x.yaml:9:7: artifact q: a file of gguf is named"),
        (("licence: MIT", "license: MIT"), "x.yaml:5:5"),
    ],
)
def test_a_slip_in_a_file_is_found_where_it_is(change: tuple[str, str], place: str) -> None:
    assert [entry.name for entry in reading.entries(FILE, "x.yaml")] == ["m"]
    with pytest.raises(InputError) as caught:
        reading.entries(FILE.replace(*change), "x.yaml")
    assert place in str(caught.value)


FILE = """models:
  m:
    title: M
    kind: chat
    licence: MIT
    source: nowhere
    config: {hidden_size: 8}
    artifacts:
      q:
        format: gguf
        engines: [ollama]
        repository: a/b
        quant: Q4_0
        include: ['m.gguf']
"""

"""Models of one's own: folders and files as they lie on a disk, whole and cut."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from magnusctl import gguf
from magnusctl.catalogue import local
from magnusctl.catalogue.entries import ENGINES
from magnusctl.catalogue.forms import form_of
from magnusctl.catalogue.local import LocalFile
from magnusctl.errors import InputError

HEADERS = Path(__file__).parent.parent / "fixtures" / "gguf"
CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64}

FORMS: list[tuple[dict[str, Any], tuple[str, str, tuple[str, ...]]]] = [
    ({"torch_dtype": "bfloat16"}, ("safetensors", "bf16", ("vllm",))),
    ({"dtype": "float16"}, ("safetensors", "fp16", ("vllm",))),
    ({"text_config": {"torch_dtype": "bfloat16"}}, ("safetensors", "bf16", ("vllm",))),
    ({}, ("safetensors", "fp32", ("vllm",))),
    (
        {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}},
        ("safetensors", "AWQ-int4-g128", ("vllm",)),
    ),
    (
        {"quantization_config": {"quant_method": "gptq", "bits": 8, "group_size": 128}},
        ("safetensors", "GPTQ-Int8-g128", ("vllm",)),
    ),
    (
        {"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": -1}},
        ("safetensors", "GPTQ-Int4", ("vllm",)),
    ),
    (
        {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}},
        ("safetensors", "fp8-block128", ("vllm",)),
    ),
    ({"quantization_config": {"quant_method": "fp8"}}, ("safetensors", "fp8", ("vllm",))),
    (
        {"quantization_config": {"quant_method": "bitsandbytes", "bnb_4bit_quant_type": "nf4"}},
        ("safetensors", "bnb-nf4", ()),
    ),
    (
        {
            "quantization_config": {
                "quant_method": "compressed-tensors",
                "config_groups": {
                    "group_0": {"weights": {"num_bits": 4, "type": "int", "group_size": 128}}
                },
            }
        },
        ("safetensors", "int4-g128", ("vllm",)),
    ),
    ({"quantization": {"bits": 4, "group_size": 64}}, ("mlx", "MLX-4bit-g64", ("mlx",))),
    (
        {
            "quantization": {"bits": 3, "group_size": 64, "model.embed_tokens": {"bits": 6}},
            "quantization_config": {"bits": 3, "group_size": 64},
        },
        ("mlx", "MLX-3bit-g64", ("mlx",)),
    ),
    (
        {"quantization": {"bits": 4, "group_size": 32, "mode": "mxfp4"}},
        ("mlx", "MLX-mxfp4-g32", ("mlx",)),
    ),
    ({"quantization_config": "awq"}, ("safetensors", "fp32", ("vllm",))),
]


@pytest.mark.parametrize(("told", "wanted"), FORMS)
def test_what_a_configuration_says_of_its_weights(
    told: dict[str, Any], wanted: tuple[str, str, tuple[str, ...]]
) -> None:
    form = form_of({**CONFIG, **told})
    assert (form.format, form.quant, form.engines) == wanted
    assert set(form.engines) <= set(ENGINES)


def folder(path: Path, config: object = CONFIG, *names: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    if config is not None:
        (path / "config.json").write_text(json.dumps(config))
    for name in names:
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(b"x" * 10)
    return path


def test_a_folder_is_read_as_it_lies_there(tmp_path: Path) -> None:
    own = folder(
        tmp_path / "My Model",
        {**CONFIG, "_name_or_path": "x/y", "quantization": {"bits": 4, "group_size": 64}},
        *("model.safetensors", "tokenizer.json", ".git/config", ".gitattributes"),
    )
    found = local.of_folder(own)
    size = (own / "config.json").stat().st_size
    assert found.files == (
        LocalFile("config.json", size),
        LocalFile("model.safetensors", 10),
        LocalFile("tokenizer.json", 10),
    )
    assert found.entry.name == "my-model"
    assert found.entry.kind == "chat"
    assert found.entry.config == CONFIG
    assert found.artifact.size_bytes == 10
    assert found.artifact.include == ("config.json", "model.safetensors", "tokenizer.json")
    assert found.found.key == "my-model@mlx-MLX-4bit-g64"


@pytest.mark.parametrize(
    ("heads", "kind"),
    [
        (["BertForSequenceClassification"], "classifier"),
        (["MPNetForMaskedLM"], "embedding"),
        (["Qwen3Model"], "embedding"),
        (["Gemma3ForConditionalGeneration"], "chat"),
    ],
)
def test_what_a_model_is_for(tmp_path: Path, heads: list[str], kind: str) -> None:
    own = folder(tmp_path / "m", {"architectures": heads}, "model.safetensors")
    assert local.of_folder(own).entry.kind == kind


def unpacked(header: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.decompress((HEADERS / f"{header}.header.gz").read_bytes()))
    return path


@pytest.mark.parametrize("alone", [True, False])
def test_a_file_of_gguf_is_read_by_its_header(tmp_path: Path, alone: bool) -> None:
    file = unpacked("qwen2-q4_0", tmp_path / "own" / "Tiny-Q4_0.gguf")
    found = local.of_folder(file if alone else file.parent)
    assert found.entry.name == "tiny-q4_0"
    assert found.entry.config == gguf.config(gguf.read(file))
    assert found.entry.config["model_type"] == "qwen2"
    assert (found.artifact.format, found.artifact.quant) == ("gguf", "Q4_0")
    assert found.artifact.engines == ("llamacpp", "ollama")
    assert found.files == (LocalFile("Tiny-Q4_0.gguf", file.stat().st_size),)


def test_a_model_in_parts_is_one(tmp_path: Path) -> None:
    first = unpacked("llama-f16", tmp_path / "t-00001-of-00002.gguf")
    with pytest.raises(InputError, match="No such file"):
        local.of_folder(tmp_path)
    (tmp_path / "t-00002-of-00002.gguf").write_bytes(b"y" * 7)
    found = local.of_folder(tmp_path)
    assert found.entry.name == "t"
    assert [one.path for one in found.files] == ["t-00001-of-00002.gguf", "t-00002-of-00002.gguf"]
    assert found.artifact.size_bytes == first.stat().st_size + 7
    with pytest.raises(InputError, match="part of a model") as caught:
        local.of_folder(tmp_path / "t-00002-of-00002.gguf")
    assert "t-00001-of-00002.gguf" in caught.value.hint


INDEX = {
    "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
}
WRONG: dict[str, tuple[object, dict[str, bytes], str]] = {
    "empty": (None, {}, "there is no model in it"),
    "no weights": (CONFIG, {}, "its weights are not there"),
    "not JSON": (None, {"config.json": b"{"}, "this is no JSON"),
    "not UTF-8": (None, {"config.json": b"\xff"}, "not UTF-8"),
    "nested": (None, {"config.json": b"[" * 200_000}, "this is no JSON"),
    "a list": ([1], {"model.safetensors": b"x"}, "no model's configuration"),
    "a part missing": (
        CONFIG,
        {
            "model.safetensors.index.json": json.dumps(INDEX).encode(),
            "model-00001-of-00002.safetensors": b"x",
        },
        "model-00002-of-00002.safetensors",
    ),
    "two models": (None, {"a.gguf": b"x", "b.gguf": b"x"}, "more than one file .gguf"),
    "no GGUF": (None, {"a.gguf": b"no such thing"}, "a.gguf"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_none_is_refused(tmp_path: Path, case: str) -> None:
    config, files, words = WRONG[case]
    own = folder(tmp_path / "own", None if config is None else config)
    for name, data in files.items():
        (own / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        local.of_folder(own)
    assert words in str(caught.value)
    assert str(own) in caught.value.where


def test_what_is_not_there_or_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        local.of_folder(tmp_path / "gone")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match=r"ends in \.gguf"):
        local.of_folder(tmp_path / "a.txt")
    own = folder(tmp_path / "own", CONFIG, "a.safetensors")
    (own / "b.safetensors").symlink_to("nowhere")
    with pytest.raises(InputError, match="No such file"):
        local.of_folder(own)


def test_a_folder_full_of_files_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "MOST_FILES", 3)
    own = folder(tmp_path / "own", CONFIG, "a.safetensors", "b", "c")
    with pytest.raises(InputError, match="more than 3 files"):
        local.of_folder(own)

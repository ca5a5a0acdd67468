"""In which form weights are, by what config.json says of their quantisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from magnusctl.catalogue.entries import Format
from magnusctl.inventory.models import Engine
from magnusctl.parsers.json_values import record, whole, words

_PLAIN = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}


@dataclass(frozen=True)
class Form:
    """A format, the label of a quantisation, and which engines read it."""

    format: Format
    quant: str
    engines: tuple[Engine, ...]


def form_of(config: Mapping[str, Any]) -> Form:
    """The form of the weights beside a config.json.

    mlx-lm writes `quantization`, transformers `quantization_config`; with neither, the weights are
    as torch_dtype says, and in 32 bits where it is silent, as transformers takes it.
    """
    converted = record(config.get("quantization"))
    if converted:
        return Form("mlx", _mlx(converted), ("mlx",))
    quantised = record(config.get("quantization_config"))
    if quantised:
        return _of_transformers(quantised)
    text = record(config.get("text_config"))
    told = next(
        (one for c in (config, text) for k in ("torch_dtype", "dtype") if (one := words(c.get(k)))),
        "float32",
    )
    plain = told.removeprefix("torch.")
    return Form("safetensors", _PLAIN.get(plain, plain), ("vllm",))


def _mlx(told: Mapping[str, Any]) -> str:
    bits, group = whole(told.get("bits")) or 4, whole(told.get("group_size")) or 64
    mode = words(told.get("mode")) or "affine"
    return f"MLX-{bits}bit-g{group}" if mode == "affine" else f"MLX-{mode}-g{group}"


def _of_transformers(told: Mapping[str, Any]) -> Form:
    method = (words(told.get("quant_method")) or "unknown").lower()
    label = {
        "awq": lambda: f"AWQ-int{_bits(told)}{_group(told)}",
        "gptq": lambda: f"GPTQ-Int{_bits(told)}{_group(told)}",
        "fp8": lambda: _fp8(told),
        "bitsandbytes": lambda: _bitsandbytes(told),
        "compressed-tensors": lambda: _compressed(told),
    }.get(method, lambda: method)()
    # vLLM reads those of bitsandbytes only with a plugin, which we install nowhere.
    return Form("safetensors", label, () if method == "bitsandbytes" else ("vllm",))


def _bits(told: Mapping[str, Any]) -> int:
    return whole(told.get("bits")) or whole(told.get("w_bit")) or 4


def _group(told: Mapping[str, Any]) -> str:
    size = whole(told.get("group_size")) or whole(told.get("q_group_size")) or 128
    return f"-g{size}" if size > 0 else ""


def _fp8(told: Mapping[str, Any]) -> str:
    block = told.get("weight_block_size")
    return f"fp8-block{block[0]}" if isinstance(block, list) and block else "fp8"


def _bitsandbytes(told: Mapping[str, Any]) -> str:
    if told.get("load_in_8bit") is True:
        return "bnb-int8"
    return f"bnb-{words(told.get('bnb_4bit_quant_type')) or 'fp4'}"


def _compressed(told: Mapping[str, Any]) -> str:
    groups = record(told.get("config_groups"))
    weights = record(record(next(iter(groups.values()), None)).get("weights"))
    kind = words(weights.get("type")) or "int"
    bits, size = whole(weights.get("num_bits")), whole(weights.get("group_size"))
    if bits is None:
        return "compressed-tensors"
    if kind == "float" and bits == 8:
        return "fp8"
    return f"{kind}{bits}" + (f"-g{size}" if size and size > 0 else "")

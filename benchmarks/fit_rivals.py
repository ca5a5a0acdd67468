"""Other estimators, as peers: what their published formulas answer to the same requests.

They are ours to the letter of the formula only: no code of theirs runs here. What an estimator
does not tell is left out of its answer. Each is given the parameter count of the real model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.fit_rows import EXPERT_COUNTS, GIB

Request = Mapping[str, Any]
Answers = Callable[[Request], dict[str, object]]

# llmfit's bytes per parameter, for memory (its own GB, 10^9) ...
_LLMFIT_BYTES: Mapping[str, float] = {
    **{"F16": 2.0, "BF16": 2.0, "Q8_0": 1.05, "Q6_K": 0.80, "Q5_K_M": 0.68, "Q4_K_M": 0.58},
    **{"Q4_0": 0.58, "Q3_K_M": 0.48, "Q2_K": 0.37, "MLX-4BIT": 0.55, "MLX-8BIT": 1.0},
    **{"AWQ": 0.5, "GPTQ-INT4": 0.5, "GPTQ-INT8": 1.0, "FP8": 1.0},
}
_LLMFIT_OTHER = 0.58
_FLAT_SHARE = 0.55
# A scale and a zero for each 128 numbers.
_GROUP_SCALES = {4: 4.156 / 4}
# GB/s as vendors state them; of two names that fit, the longer one is meant.
_GB_S: Mapping[str, float] = {
    **{"RTX 3070": 448, "RTX 3080": 760, "RTX 3090": 936, "RTX 4060": 272, "RTX 4070 Ti": 504},
    **{"RTX 4080": 717, "RTX 4090": 1008, "RTX 5090": 1792, "RTX 6000 Ada": 960, "RTX A6000": 768},
    **{"RTX 4000 Ada": 360, "Tesla T4": 320, "Tesla P40": 346, "A100 80GB": 2039, "H100": 3350},
    **{"A100 PCIe 80GB": 1935, "H20": 4000, "M1": 68, "M1 Pro": 200, "M1 Max": 400},
    **{"M1 Ultra": 800, "M2": 100, "M2 Pro": 200, "M2 Max": 400, "M2 Ultra": 800, "M3": 100},
    **{"M3 Pro": 150, "M3 Max": 400, "M3 Ultra": 819, "M4": 120, "M4 Pro": 273, "M4 Max": 546},
}


def accelerate(request: Request) -> dict[str, object]:
    """`accelerate estimate-memory`: parameters x nominal bits, and nothing else."""
    bits = _nominal_bits(request["quant"])
    if bits is None:
        return {}
    weights = parameters(request["config"])[0] * bits / 8 / GIB
    sizes = {f"{name}_gib": weights for name in ("artifact", "weights", "total")}
    return {**sizes, "fits": _within(request, weights)}


def gpustack(request: Request) -> dict[str, object]:
    """gpustack, for vLLM: 1.2 x files + 2 GiB, of the share of the card that the engine takes."""
    total = 1.2 * _files(request) / GIB + 2
    return {"total_gib": total, "fits": _within(request, total, request.get("utilization") or 0.9)}


def llmfit(request: Request) -> dict[str, object]:
    """llmfit: a table of bytes per parameter, the cache by its heads, 0.5 GB; a flat speed."""
    config, (every, active) = request["config"], parameters(request["config"])
    each = _llmfit_bytes(request["quant"])
    weights, kv = every * each, _cache_bytes(config) * request["context"]
    total = weights + kv + 0.5e9
    return {
        "artifact_gib": weights / GIB,
        "weights_gib": weights / GIB,
        "kv_gib": kv / GIB,
        "total_gib": total / GIB,
        "fits": _within(request, total / GIB),
        "decode_tps": _flat(request, active * (_nominal_bits(request["quant"]) or 4) / 8),
    }


def flat(request: Request) -> dict[str, object]:
    """0.55 x bandwidth over the bytes that a token reads; speed only."""
    every, active = parameters(request["config"])
    return {"decode_tps": _flat(request, _files(request) * active / every)}


RIVALS: Mapping[str, Answers] = {
    "accelerate": accelerate,
    "gpustack": gpustack,
    "llmfit": llmfit,
    "flat 0.55": flat,
}


def parameters(config: Mapping[str, Any]) -> tuple[float, float]:
    """All of them, and those that one token takes."""
    hidden, layers, heads = (
        config[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")
    )
    width = config.get("head_dim") or hidden // heads
    keys = config.get("num_key_value_heads") or heads
    tables = _tables(config)
    attention = 2 * hidden * width * (heads + keys)
    experts = next((config[key] for key in EXPERT_COUNTS if config.get(key)), 0)
    ffn = 3 * hidden * (config.get("moe_intermediate_size") or config["intermediate_size"])
    if not experts:
        every = tables + layers * (attention + 3 * hidden * config["intermediate_size"])
        return every, every
    mixed = (layers - config.get("first_k_dense_replace", 0)) * experts * ffn
    every = config.get("total_params") or tables + layers * attention + mixed
    return every, every - mixed * (1 - config["num_experts_per_tok"] / experts)


def _tables(config: Mapping[str, Any]) -> float:
    """Of the words that come in and go out."""
    tables = 1 if config.get("tie_word_embeddings") else 2
    return float(config["vocab_size"] * config["hidden_size"] * tables)


def _files(request: Request) -> float:
    """Bytes of the files, for those that look at them: safetensors keep their tables in 16 bits."""
    every, bits = parameters(request["config"])[0], _nominal_bits(request["quant"])
    if request["format"] != "safetensors" or not bits:
        return every * _llmfit_bytes(request["quant"])
    tables = _tables(request["config"])
    return (every - tables) * bits * _GROUP_SCALES.get(bits, 1.0) / 8 + 2 * tables


def _cache_bytes(config: Mapping[str, Any]) -> float:
    heads = config["num_attention_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    keys = config.get("num_key_value_heads") or heads
    return float(2 * 2 * config["num_hidden_layers"] * keys * width)


def _nominal_bits(quant: str) -> int | None:
    found = re.search(r"\d+", quant)
    return int(found[0]) if found else None


def _llmfit_bytes(quant: str) -> float:
    label = quant.upper()
    known = sorted(_LLMFIT_BYTES, key=len, reverse=True)
    return next((_LLMFIT_BYTES[key] for key in known if key in label), _LLMFIT_OTHER)


def _within(request: Request, gib: float, share: float = 1.0) -> bool | None:
    device = request["device"]
    if not device or not device["memory_gib"]:
        return None
    limit = device.get("limit_gib") or device["memory_gib"] * device["count"] * share
    return bool(gib <= limit)


def _flat(request: Request, bytes_read: float) -> float | None:
    device = request["device"] or {"name": ""}
    known = sorted((one for one in _GB_S if one in device["name"]), key=len, reverse=True)
    rate = device.get("bandwidth_gbs") or (_GB_S[known[0]] if known else None)
    return rate * 1e9 * _FLAT_SHARE / bytes_read if rate else None

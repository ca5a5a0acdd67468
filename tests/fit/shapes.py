"""Architectures by name, from the catalogue and from public config.json files."""

from __future__ import annotations

from collections.abc import Mapping

from magnusctl import catalogue
from magnusctl.fit.devices import GIB, Device
from magnusctl.fit.engines import engine_of
from magnusctl.fit.planner import Fit, Request, plan
from magnusctl.fit.shape import Shape, shape_of
from magnusctl.fit.weights import weights_of

# Facts of config.json files that the catalogue has no entry for.
OTHERS: Mapping[str, Mapping[str, object]] = {
    "llama-2-13b": {
        "model_type": "llama",
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "vocab_size": 32000,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": False,
    },
    "one-kv-head": {
        "model_type": "llama",
        "hidden_size": 2048,
        "intermediate_size": 16384,
        "num_hidden_layers": 18,
        "num_attention_heads": 8,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "vocab_size": 256000,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
    },
    "gemma-3-27b": {
        "model_type": "gemma3",
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 5376,
            "intermediate_size": 21504,
            "num_hidden_layers": 62,
            "num_attention_heads": 32,
            "num_key_value_heads": 16,
            "head_dim": 128,
            "vocab_size": 262208,
            "sliding_window": 1024,
            "max_position_embeddings": 131072,
        },
    },
    "gpt-oss-20b": {
        "model_type": "gpt_oss",
        "hidden_size": 2880,
        "intermediate_size": 2880,
        "num_hidden_layers": 24,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "vocab_size": 201088,
        "num_local_experts": 32,
        "num_experts_per_tok": 4,
        "sliding_window": 128,
        "max_position_embeddings": 131072,
        "tie_word_embeddings": False,
    },
    "phi-4": {
        "model_type": "phi3",
        "hidden_size": 5120,
        "intermediate_size": 17920,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "num_key_value_heads": 10,
        "vocab_size": 100352,
        "max_position_embeddings": 16384,
        "tie_word_embeddings": False,
    },
    "qwen3-30b-a3b": {
        "model_type": "qwen3_moe",
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "moe_intermediate_size": 768,
        "num_hidden_layers": 48,
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "head_dim": 128,
        "vocab_size": 151936,
        "num_experts": 128,
        "num_experts_per_tok": 8,
        "max_position_embeddings": 40960,
        "tie_word_embeddings": False,
    },
}


def shape(name: str) -> Shape:
    """One architecture."""
    return shape_of(OTHERS[name] if name in OTHERS else catalogue.find(name).entry.config)


def rtx3090(**more: float) -> Device:
    """A card of 24 GiB."""
    return Device("cuda", "NVIDIA GeForce RTX 3090", memory=24 * GIB, **more)  # type: ignore[arg-type]


def asked(
    name: str, device: Device, context: int, *, quant: str = "Q4_K_M", engine: str = "llamacpp"
) -> Request:
    """A request for a GGUF file."""
    one = shape(name)
    weights = weights_of(one, "gguf", quant)
    return Request(one, weights, engine_of(engine, "gguf"), device, context)


def fit(name: str, device: Device, context: int, *, quant: str = "Q4_K_M") -> Fit:
    """How it fits."""
    return plan(asked(name, device, context, quant=quant))

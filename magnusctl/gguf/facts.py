"""What a GGUF header tells of its model: a configuration, sizes, and the label of its mixture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from magnusctl.gguf.fields import LongArray, NotGguf
from magnusctl.gguf.headers import Header, Tensor, whole
from magnusctl.gguf.quants import GUESSED, LABELS

# Of architectures that transformers names otherwise; `gptoss` is Ollama's word.
_MODEL_TYPES: Mapping[str, str] = {
    **{"qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe", "gpt-oss": "gpt_oss"},
    **{"gptoss": "gpt_oss", "deepseek2": "deepseek_v3", "nomic-bert": "bert"},
    **{"jina-bert-v2": "bert", "glm4moe": "glm4_moe", "command-r": "cohere"},
}
# Their names for the number of experts; others say num_experts.
_EXPERTS: Mapping[str, str] = {
    **{"mixtral": "num_local_experts", "gpt_oss": "num_local_experts"},
    **{"phimoe": "num_local_experts", "deepseek_v3": "n_routed_experts"},
    **{"deepseek": "n_routed_experts", "glm4_moe": "n_routed_experts"},
}
_SHAPE: Mapping[str, str] = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "max_position_embeddings": "context_length",
}
_MIXTURE: Mapping[str, str] = {
    "num_experts_per_tok": "expert_used_count",
    "moe_intermediate_size": "expert_feed_forward_length",
    "n_shared_experts": "expert_shared_count",
    "shared_expert_intermediate_size": "expert_shared_feed_forward_length",
    "first_k_dense_replace": "leading_dense_block_count",
}
_BLOCK = re.compile(r"blk\.(\d{1,4})\.", re.ASCII)
# Those of one tensor for all experts, and of one for each, as files until early 2024 have them.
_EXPERT = re.compile(r"blk\.\d+\.(?:ffn_\w+_exps\.|ffn_(?:gate|up|down)\.\d+\.)", re.ASCII)


@dataclass(frozen=True)
class Sizes:
    """Bytes of tensors; `layers` has those of each block, with the experts in it.

    embedding, output, layers and other are the total; experts are a share of the layers.
    """

    total_bytes: int
    embedding_bytes: int
    output_bytes: int
    experts_bytes: int
    layers: tuple[int, ...]
    other: int


def config(header: Header) -> dict[str, object]:
    """The facts under the names of a config.json; what the file does not tell is left out.

    Raises NotGguf for a file that names no architecture, as do the later parts of a model.
    """
    if not header.architecture:
        raise NotGguf("it names no architecture: it is no model, or not the first part of one")
    model_type = _model_type(header)
    found: dict[str, object] = {"model_type": model_type}
    found |= _told(header, _SHAPE)
    found |= _layers(header) | _vocabulary(header) | _windows(header)
    if _count(header, "expert_count"):
        found |= _mixture(header, model_type)
    if _count(header, "attention.kv_lora_rank"):
        found |= _latent(header)
        # The file's describe how the engine keeps the cache, a config.json the heads themselves.
        found.pop("head_dim", None)
        found["num_key_value_heads"] = found.get("num_attention_heads")
    return {name: value for name, value in found.items() if value is not None}


def _count(header: Header, name: str) -> int | None:
    return whole(header.metadata.get(f"{header.architecture}.{name}"))


def _told(header: Header, names: Mapping[str, str]) -> dict[str, object]:
    return {ours: _count(header, theirs) for ours, theirs in names.items()}


def _model_type(header: Header) -> str:
    if header.architecture == "llama" and _count(header, "expert_count"):
        return "mixtral"
    return _MODEL_TYPES.get(header.architecture, header.architecture)


def _layers(header: Header) -> dict[str, object]:
    """Without the blocks that only predict further tokens: a config.json counts those apart."""
    blocks = _count(header, "block_count")
    ahead = _count(header, "nextn_predict_layers") or 0
    return {"num_hidden_layers": None if blocks is None else max(0, blocks - ahead)}


def _vocabulary(header: Header) -> dict[str, object]:
    names = {tensor.name: tensor for tensor in header.tensors}
    size = _count(header, "vocab_size") or _tokens(header) or _rows(names.get("token_embd.weight"))
    separate = "output.weight" in names
    # Another part of the model may have the tensor that this one lacks.
    tied = not separate if separate or (header.parts == 1 and names) else None
    return {"vocab_size": size, "tie_word_embeddings": tied}


def _tokens(header: Header) -> int | None:
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    return len(tokens) if isinstance(tokens, tuple | LongArray) else None


def _rows(tensor: Tensor | None) -> int | None:
    return tensor.shape[1] if tensor and len(tensor.shape) == 2 else None


def _windows(header: Header) -> dict[str, object]:
    """The sliding window, and which layers slide where the file tells it; 0 means none."""
    window = _count(header, "attention.sliding_window") or None
    pattern = header.metadata.get(f"{header.architecture}.attention.sliding_window_pattern")
    found: dict[str, object] = {"sliding_window": window}
    if isinstance(pattern, tuple) and pattern and all(isinstance(one, bool) for one in pattern):
        kinds = {True: "sliding_attention", False: "full_attention"}
        return found | {"layer_types": [kinds[one] for one in pattern]}
    return found | {"sliding_window_pattern": whole(pattern) or None}


def _mixture(header: Header, model_type: str) -> dict[str, object]:
    found = _told(header, _MIXTURE)
    name = _EXPERTS.get(model_type, "num_experts")
    if name == "num_local_experts":
        # These have only experts, and call the width of one intermediate_size.
        width = found.pop("moe_intermediate_size")
        found["intermediate_size"] = _count(header, "feed_forward_length") or width
    return {name: _count(header, "expert_count"), **found}


def _latent(header: Header) -> dict[str, object]:
    """Multi-head latent attention; files before April 2025 have the heads' own lengths only."""
    rope = _count(header, "rope.dimension_count")
    key = _count(header, "attention.key_length_mla") or _count(header, "attention.key_length")
    value = _count(header, "attention.value_length_mla") or _count(header, "attention.value_length")
    return {
        "kv_lora_rank": _count(header, "attention.kv_lora_rank"),
        "q_lora_rank": _count(header, "attention.q_lora_rank") or None,
        "qk_rope_head_dim": rope,
        "qk_nope_head_dim": key - rope if key and rope and key > rope else None,
        "v_head_dim": value,
    }


def sizes(header: Header) -> Sizes:
    """What the tensors of this file need, without the gaps between them."""
    layers: dict[int, int] = {}
    for tensor in header.tensors:
        block = _BLOCK.match(tensor.name)
        if block:
            layers[int(block[1])] = layers.get(int(block[1]), 0) + tensor.bytes
    embedding = _bytes(header, "token_embd.")
    output = _bytes(header, "output.")
    total = _bytes(header, "")
    return Sizes(
        total_bytes=total,
        embedding_bytes=embedding,
        output_bytes=output,
        experts_bytes=sum(one.bytes for one in header.tensors if _EXPERT.match(one.name)),
        layers=tuple(layers.get(number, 0) for number in range(max(layers, default=-1) + 1)),
        other=total - embedding - output - sum(layers.values()),
    )


def _bytes(header: Header, prefix: str) -> int:
    return sum(tensor.bytes for tensor in header.tensors if tensor.name.startswith(prefix))


def quant(header: Header) -> str:
    """The label of the mixture, as Q4_K_M; 'mixed' where the file has none and types differ."""
    number = whole(header.metadata.get("general.file_type"))
    label = LABELS.get(number & ~GUESSED) if number is not None else None
    types = {tensor.type for tensor in header.tensors if len(tensor.shape) > 1}
    return label or (types.pop() if len(types) == 1 else "mixed")

"""A checkpoint made on the spot, as vLLM and MLX read it: a whole model of the kind llama, far too
small to know anything."""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

# vLLM on a CPU wants heads of 32 or more, MLX groups of 64.
_HIDDEN, _LAYERS, _HEADS, _FEED = 64, 2, 2, 128
CONTEXT = 4096
_START, _END = "<s>", "</s>"
_WORDS = (_START, _END, "user", "assistant", *(f"word{number}" for number in range(124)))
WEIGHTS = "model.safetensors"
Tensor = tuple[str, tuple[int, ...], list[float]]


def write(folder: Path, seed: int = 7) -> Path:
    """Write the model into a folder of its own, and say where; the same bytes for every seed.

    Its text never ends by itself.
    """
    folder.mkdir(parents=True)
    own = {"tokenizer": _tokenizer(), "tokenizer_config": _tokenizer_config()}
    for name, values in {"config": _config(), **own}.items():
        (folder / f"{name}.json").write_text(json.dumps(values))
    (folder / WEIGHTS).write_bytes(_safetensors(random.Random(seed)))
    return folder


def configured(folder: Path, **values: object) -> Path:
    """Have its configuration say something else; the folder."""
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    return folder


def cut(folder: Path) -> Path:
    """Take half of its weights away, as a copy does that was interrupted; the folder."""
    file = folder / WEIGHTS
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return folder


def _config() -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(_WORDS),
        "hidden_size": _HIDDEN,
        "intermediate_size": _FEED,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": _HEADS,
        "num_key_value_heads": _HEADS,
        "head_dim": _HIDDEN // _HEADS,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-5,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": _WORDS.index(_START),
        "eos_token_id": _WORDS.index(_END),
        "dtype": "float32",
        "torch_dtype": "float32",
    }


def _tokenizer() -> dict[str, object]:
    """Every word between blanks is a token, unknown ones are the first."""
    vocabulary = {word: number for number, word in enumerate(_WORDS)}
    return {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        **dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder")),
        "model": {"type": "WordLevel", "unk_token": _START, "vocab": vocabulary},
    }


def _tokenizer_config() -> dict[str, object]:
    said = "{% for m in messages %}{{ m['role'] }} {{ m['content'] }} {% endfor %}assistant "
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": _START,
        "bos_token": _START,
        "eos_token": _END,
        "model_max_length": CONTEXT,
        "chat_template": said,
    }


def _safetensors(chance: random.Random) -> bytes:
    """Its header is padded to a multiple of eight bytes, as the format wants it."""
    head: dict[str, Mapping[str, object]] = {"__metadata__": {"format": "pt"}}
    blobs, at = [], 0
    for name, shape, values in _tensors(chance):
        blobs.append(struct.pack(f"<{len(values)}f", *values))
        end = at + len(blobs[-1])
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": (at, end)}
        at = end
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def _tensors(chance: random.Random) -> Iterator[Tensor]:
    def noise(name: str, rows: int, columns: int, scale: float = 1.0) -> Tensor:
        width = scale / math.sqrt(columns)
        values = [chance.gauss(0, width) for _ in range(rows * columns)]
        return f"{name}.weight", (rows, columns), values

    def ones(name: str) -> Tensor:
        return f"{name}.weight", (_HIDDEN,), [1.0] * _HIDDEN

    yield noise("model.embed_tokens", len(_WORDS), _HIDDEN, 8.0)
    yield ones("model.norm")
    name, shape, head = noise("lm_head", len(_WORDS), _HIDDEN, 2.0)
    # An end is never the likeliest: every answer is as long as it was asked for.
    end = _WORDS.index(_END)
    head[end * _HIDDEN : (end + 1) * _HIDDEN] = [0.0] * _HIDDEN
    yield name, shape, head
    for layer in range(_LAYERS):
        part = f"model.layers.{layer}"
        yield ones(f"{part}.input_layernorm")
        yield ones(f"{part}.post_attention_layernorm")
        for letter in "qkvo":
            yield noise(f"{part}.self_attn.{letter}_proj", _HIDDEN, _HIDDEN)
        yield noise(f"{part}.mlp.gate_proj", _FEED, _HIDDEN)
        yield noise(f"{part}.mlp.up_proj", _FEED, _HIDDEN)
        yield noise(f"{part}.mlp.down_proj", _HIDDEN, _FEED)

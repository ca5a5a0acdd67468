"""A GGUF file made on the spot: a whole model of the kind llama, far too small to know anything."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

_HIDDEN, _LAYERS, _HEADS, _FEED, _CONTEXT = 64, 2, 2, 128, 4096
_ALIGNMENT, _F32 = 32, 0
_SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_NORMAL, _CONTROL = 1, 3
_U32, _FLOAT, _BOOL, _STRING, _ARRAY, _I32 = 4, 6, 7, 8, 9, 5
Tensor = tuple[str, tuple[int, ...], Sequence[float]]


def write(path: Path) -> None:
    """Write the model; the same bytes every time."""
    tokens = [*_alphabet(), "Ġt", *_SPECIALS]
    tensors = list(_tensors(tokens, random.Random(7)))
    fields = list(_fields(tokens))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields)) + b"".join(fields)
    blobs, at = [], 0
    for name, shape, values in tensors:
        head += _text(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}QIQ", *shape, _F32, at)
        blob = struct.pack(f"<{len(values)}f", *values)
        blobs.append(blob + bytes(-len(blob) % _ALIGNMENT))
        at += len(blobs[-1])
    path.write_bytes(head + bytes(-len(head) % _ALIGNMENT) + b"".join(blobs))


def _alphabet() -> Iterator[str]:
    """The letters for all bytes, as GPT-2 has them: what cannot be printed is moved up."""
    printed = {*range(33, 127), *range(161, 173), *range(174, 256)}
    moved = iter(range(256, 512))
    yield from (chr(byte) if byte in printed else chr(next(moved)) for byte in range(256))


def _fields(tokens: Sequence[str]) -> Iterator[bytes]:
    first = len(tokens) - len(_SPECIALS)
    kinds = [_CONTROL if number >= first else _NORMAL for number in range(len(tokens))]
    yield _field("general.architecture", _STRING, _text("llama"))
    yield _field("general.name", _STRING, _text("tiny, simulated"))
    for key, number in {
        "context_length": _CONTEXT,
        "embedding_length": _HIDDEN,
        "block_count": _LAYERS,
        "feed_forward_length": _FEED,
        "attention.head_count": _HEADS,
        "attention.head_count_kv": _HEADS,
        "rope.dimension_count": _HIDDEN // _HEADS,
        "vocab_size": len(tokens),
    }.items():
        yield _field(f"llama.{key}", _U32, struct.pack("<I", number))
    epsilon = struct.pack("<f", 1e-5)
    yield _field("llama.attention.layer_norm_rms_epsilon", _FLOAT, epsilon)
    own = "tokenizer.ggml"
    yield _field(f"{own}.model", _STRING, _text("gpt2"))
    yield _field(f"{own}.pre", _STRING, _text("gpt-2"))
    yield _field(f"{own}.tokens", _ARRAY, _array(_STRING, [_text(token) for token in tokens]))
    packed = [struct.pack("<i", kind) for kind in kinds]
    yield _field(f"{own}.token_type", _ARRAY, _array(_I32, packed))
    yield _field(f"{own}.merges", _ARRAY, _array(_STRING, [_text("Ġ t")]))
    for key, number in {"bos": first, "eos": first + 2, "padding": first}.items():
        yield _field(f"{own}.{key}_token_id", _U32, struct.pack("<I", number))
    yield _field(f"{own}.add_bos_token", _BOOL, b"\0")


def _tensors(tokens: Sequence[str], chance: random.Random) -> Iterator[Tensor]:
    """Random weights; only printable letters are ever said, so that every token is text."""

    def noise(columns: int, rows: int, scale: float = 1.0) -> tuple[tuple[int, int], list[float]]:
        width = scale / math.sqrt(columns)
        return (columns, rows), [chance.gauss(0, width) for _ in range(columns * rows)]

    def ones(name: str) -> Tensor:
        return name, (_HIDDEN,), [1.0] * _HIDDEN

    words = len(tokens)
    yield ("token_embd.weight", *noise(_HIDDEN, words, 8.0))
    yield ones("output_norm.weight")
    shape, head = noise(_HIDDEN, words, 2.0)
    for number in range(words):
        if not 65 <= number < 91:
            head[number * _HIDDEN : (number + 1) * _HIDDEN] = [0.0] * _HIDDEN
    yield "output.weight", shape, head
    for layer in range(_LAYERS):
        part = f"blk.{layer}"
        yield ones(f"{part}.attn_norm.weight")
        yield ones(f"{part}.ffn_norm.weight")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield (f"{part}.{name}.weight", *noise(_HIDDEN, _HIDDEN))
        for name in ("ffn_gate", "ffn_up"):
            yield (f"{part}.{name}.weight", *noise(_HIDDEN, _FEED))
        yield (f"{part}.ffn_down.weight", *noise(_FEED, _HIDDEN))


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _field(key: str, kind: int, value: bytes) -> bytes:
    return _text(key) + struct.pack("<I", kind) + value


def _array(kind: int, items: Sequence[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)

"""The key-value cache: bytes for each token, and how many tokens a layer keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping

from magnusctl.fit.engines import Engine
from magnusctl.fit.shape import Shape, Unknown

BYTES: Mapping[str, float] = {
    **{"f32": 4, "f16": 2, "bf16": 2, "fp16": 2, "auto": 2, "fp8": 1, "fp8_e5m2": 1, "fp8_e4m3": 1},
    **{"q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32, "q4_1": 20 / 32, "q4_0": 18 / 32},
    **{"iq4_nl": 18 / 32, "int8": 1, "int4": 18 / 32},
}
"""Bytes of one number; those of llama.cpp with their scales."""


def bytes_of(kind: str) -> tuple[float, float]:
    """Bytes of a key and of a value number: `q8_0`, or `K iq4_nl / V f16`; nothing is 16 bit.

    Raises Unknown for a type that nobody knows.
    """
    words = kind.lower().strip() or "f16"
    both = re.match(r"k (\S+) */ *v (\S+)$", words)
    keys, values = both.groups() if both else (words.split()[0],) * 2
    for one in (keys, values):
        if one not in BYTES:
            raise Unknown(f"the cache type '{one}' is not known: one of {', '.join(BYTES)}")
    return BYTES[keys], BYTES[values]


def per_token(shape: Shape, engine: Engine, kind: str) -> float:
    """Bytes of one token in one layer."""
    if shape.encoder:
        return 0.0
    keys, values = bytes_of(kind)
    latent = shape.latent
    if latent and engine.latent:
        return (latent.kv_rank + latent.rope) * keys
    if latent:
        return shape.heads * ((latent.nope + latent.rope) * keys + latent.value * values)
    return shape.kv_heads * shape.head_dim * (keys + values)


def cells(shape: Shape, engine: Engine, layer: int, context: int, sequences: int) -> int:
    """Tokens that a layer keeps of `context`, which is for all sequences together."""
    slides = bool(shape.slides) and shape.slides[layer]
    if not slides or not engine.saves_windows:
        return context
    if engine.family == "llamacpp":
        # One pass of a prompt must fit beside what the window still sees.
        return min(context, _padded(shape.window * sequences + engine.batch))
    return min(context, shape.window * sequences)


def _padded(tokens: int) -> int:
    return -(-tokens // 256) * 256


def cache_bytes(shape: Shape, engine: Engine, context: int, sequences: int, kind: str) -> float:
    """Bytes of the whole cache for `context` tokens."""
    if shape.encoder:
        return 0.0
    held = sum(cells(shape, engine, n, context, sequences) for n in range(shape.layers))
    return per_token(shape, engine, kind) * held


def read_bytes(shape: Shape, engine: Engine, depth: int, kind: str) -> float:
    """Bytes of the cache that one new token reads after `depth` others."""
    if shape.encoder:
        return 0.0
    seen = sum(
        min(depth, shape.window) if shape.slides and shape.slides[n] else depth
        for n in range(shape.layers)
    )
    return per_token(shape, engine, kind) * seen

"""The tensors of a model, by its shape: what each is for and how large it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from magnusctl.fit.shape import Shape

_FUSED = {"phi3"}
"""Families whose files hold queries, keys and values as one tensor."""


@dataclass(frozen=True)
class Tensor:
    """`count` matrices of `rows` by `columns` (a vector has one row); `layer` is -1 outside."""

    role: str
    columns: int
    rows: int = 1
    layer: int = -1
    count: int = 1

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return self.columns * self.rows * self.count

    @property
    def vector(self) -> bool:
        """Whether it is a norm or a bias, which nobody quantises."""
        return self.rows == 1

    @property
    def expert(self) -> bool:
        """Whether only some tokens read it."""
        return self.role.endswith("_exps")


def tensors(shape: Shape) -> Iterator[Tensor]:
    """All of them; their elements add up to the published parameter counts."""
    yield Tensor("token_embd", shape.hidden, shape.vocab)
    if shape.encoder:
        yield Tensor("position_embd", shape.hidden, shape.positions + 2)
        yield Tensor("norm", 2 * shape.hidden)
    for layer in range(shape.layers):
        yield from _attention(shape, layer)
        yield from _feed_forward(shape, layer)
        yield Tensor(
            "norm", (4 if shape.family.startswith("gemma") else 2) * shape.hidden, 1, layer
        )
    yield Tensor("norm", shape.hidden)
    if not shape.tied:
        yield Tensor("output", shape.hidden, shape.vocab)


def parameters(shape: Shape) -> int:
    """How many numbers the model has."""
    return sum(tensor.elements for tensor in tensors(shape))


def _attention(shape: Shape, layer: int) -> Iterator[Tensor]:
    hidden, queries = shape.hidden, shape.heads * shape.head_dim
    keys = shape.kv_heads * shape.head_dim
    if shape.latent:
        yield from _latent(shape, layer)
        return
    if shape.family in _FUSED:
        yield Tensor("attn_qkv", hidden, queries + 2 * keys, layer)
    else:
        yield Tensor("attn_q", hidden, queries, layer)
        yield Tensor("attn_k", hidden, keys, layer)
        yield Tensor("attn_v", hidden, keys, layer)
    yield Tensor("attn_output", queries, hidden, layer)
    if shape.family in ("qwen2", "qwen2_moe"):
        yield Tensor("bias", queries + 2 * keys, 1, layer)
    elif shape.family == "gpt_oss":
        yield Tensor("bias", queries + 2 * keys + hidden + shape.heads, 1, layer)
    elif shape.encoder:
        yield Tensor("bias", queries + 2 * keys + hidden, 1, layer)
    elif shape.family.startswith(("qwen3", "gemma3")):
        yield Tensor("norm", 2 * shape.head_dim, 1, layer)


def _latent(shape: Shape, layer: int) -> Iterator[Tensor]:
    latent, hidden, heads = shape.latent, shape.hidden, shape.heads
    assert latent
    per_head = latent.nope + latent.rope
    if latent.q_rank:
        yield Tensor("attn_q_a", hidden, latent.q_rank, layer)
        yield Tensor("attn_q_b", latent.q_rank, heads * per_head, layer)
        yield Tensor("norm", latent.q_rank, 1, layer)
    else:
        yield Tensor("attn_q", hidden, heads * per_head, layer)
    yield Tensor("attn_kv_a_mqa", hidden, latent.kv_rank + latent.rope, layer)
    yield Tensor("norm", latent.kv_rank, 1, layer)
    yield Tensor("attn_kv_b", latent.kv_rank, heads * (latent.nope + latent.value), layer)
    yield Tensor("attn_output", heads * latent.value, hidden, layer)


def _feed_forward(shape: Shape, layer: int) -> Iterator[Tensor]:
    experts, hidden = shape.experts, shape.hidden
    if experts is None or layer < experts.dense_layers:
        yield from _matrices(shape, layer, shape.ffn, "", 1)
        if shape.encoder:
            yield Tensor("bias", shape.ffn + hidden, 1, layer)
        return
    yield Tensor("router", hidden, experts.count, layer)
    yield from _matrices(shape, layer, experts.width, "_exps", experts.count)
    if experts.shared:
        yield from _matrices(shape, layer, experts.width * experts.shared, "_shexp", 1)
    if shape.family == "gpt_oss":
        yield Tensor("bias", experts.count * (1 + 2 * experts.width + hidden), 1, layer)


def _matrices(shape: Shape, layer: int, width: int, suffix: str, count: int) -> Iterator[Tensor]:
    if shape.gated:
        yield Tensor(f"ffn_gate{suffix}", shape.hidden, width, layer, count)
    yield Tensor(f"ffn_up{suffix}", shape.hidden, width, layer, count)
    yield Tensor(f"ffn_down{suffix}", width, shape.hidden, layer, count)

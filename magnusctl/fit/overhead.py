"""What an engine takes beside weights and cache: buffers, activations, graphs, the runtime."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.fit.devices import CUDA_CONTEXT, GIB, Device
from magnusctl.fit.engines import Engine
from magnusctl.fit.shape import Shape

MIB = 1024**2
_PIPELINE = 640 * MIB
"""Of each card when there are several: llama.cpp keeps four copies of the inputs."""
_GRAPHS = 0.48 * GIB
_NON_TORCH = 0.35 * GIB
_HOST = 0.3 * GIB


@dataclass(frozen=True)
class Overhead:
    """Bytes: `buffers` the engine counts as its own; `runtime` nobody lists, and it is taken."""

    buffers: float
    runtime: float


def overhead(
    shape: Shape, engine: Engine, device: Device, context: int, sequences: int
) -> Overhead:
    """What comes on top for a context."""
    if engine.family == "llamacpp":
        return _llamacpp(shape, engine, device, context)
    if engine.family == "mlx":
        return Overhead(_mlx(shape, context), 0.0)
    if engine.family == "transformers":
        return Overhead(_transformers(shape, context), CUDA_CONTEXT)
    return _vllm(shape, engine, device, context, sequences)


def _llamacpp(shape: Shape, engine: Engine, device: Device, context: int) -> Overhead:
    compute = compute_buffer(shape, engine, context)
    if device.kind == "cuda":
        if device.count > 1:
            return Overhead(compute, (_PIPELINE + CUDA_CONTEXT) * device.count)
        return Overhead(compute, CUDA_CONTEXT)
    return Overhead(compute, _HOST if device.kind == "cpu" else 0.0)


def compute_buffer(shape: Shape, engine: Engine, context: int) -> float:
    """llama.cpp's buffer for one pass of a prompt (exact on logged runs of 2024 and 2025)."""
    tokens = min(engine.batch, context)
    flash = 4 * tokens * (shape.vocab + shape.hidden) + 2 * tokens * context
    if engine.flash:
        return flash
    scores = 4 * tokens * context * shape.heads + 4 * tokens * (context + 3 * shape.hidden)
    return max(flash, scores)


def _mlx(shape: Shape, context: int) -> float:
    """Of a prompt of 2048 tokens a pass: measured peaks lie 0.6 to 0.75 GiB above."""
    return min(context, 2048) / 2048 * 0.7 * GIB


def _transformers(shape: Shape, context: int) -> float:
    """Activations of a whole prompt at once."""
    return 2 * context * (3 * shape.ffn + 2.5 * shape.hidden) * 0.25 + 4 * shape.vocab


def _vllm(shape: Shape, engine: Engine, device: Device, context: int, sequences: int) -> Overhead:
    """Its profiling run: one batch through the model, then a sampler, then graphs.

    Without chunks a batch is a whole prompt: that, not the cache, is what a long context fails at.
    """
    tokens = min(context, engine.batch) if engine.chunked else context
    width = _width(shape)
    activation = 2 * tokens * (3 * width + 2.5 * shape.hidden)
    sampler = 4 * shape.vocab * max(sequences, 64) * 4
    per_card = _NON_TORCH if device.count == 1 else 2 * _NON_TORCH
    graphs = _GRAPHS if engine.graphs else 0.0
    return Overhead(activation + sampler, (per_card + graphs) * device.count)


def _width(shape: Shape) -> int:
    experts = shape.experts
    return experts.width * experts.active if experts else shape.ffn

"""How fast one stream of tokens can be: what each token reads, over what memory gives."""

from __future__ import annotations

import re
from collections.abc import Mapping

from magnusctl.fit.cache import read_bytes
from magnusctl.fit.devices import Device, bandwidth_gb_s
from magnusctl.fit.engines import Engine
from magnusctl.fit.shape import Shape
from magnusctl.fit.weights import Weights

# Share of the bandwidth, seconds for each layer beside that, and what a mixture keeps of the share:
# fitted on published measurements of one stream (benchmarks/fitdata).
_FITTED: Mapping[tuple[str, str], tuple[float, float, float]] = {
    ("llamacpp", "cuda"): (0.80, 50e-6, 0.9),
    ("llamacpp", "metal"): (0.76, 100e-6, 0.8),
    ("llamacpp", "cpu"): (0.60, 20e-6, 0.7),
    ("mlx", "metal"): (0.90, 100e-6, 0.9),
    ("vllm", "cuda"): (0.95, 150e-6, 0.9),
    ("vllm", "cpu"): (0.60, 20e-6, 0.7),
    ("transformers", "cuda"): (0.95, 900e-6, 0.9),
}
_SGLANG_LAYER_S = 110e-6
# llama.cpp on a Mac: the first generation has too few cores for its bandwidth, the fourth enough.
_METAL = {"1": 0.56, "2": 0.76, "3": 0.76}
_METAL_LATER = 0.87


def bandwidth_of(device: Device) -> float | None:
    """GB/s: as measured or declared, else by the device's name."""
    return device.bandwidth_gb_s or bandwidth_gb_s(device.name)


def decode_tps(
    shape: Shape,
    weights: Weights,
    engine: Engine,
    device: Device,
    depth: int,
    kv_dtype: str,
    gpu_share: float = 1.0,
) -> float | None:
    """Tokens/s of one stream after `depth` tokens; None where the bandwidth is not known.

    `gpu_share` of the weights lies on the cards, the rest is read from the memory beside them.
    """
    bandwidth = bandwidth_of(device)
    fitted = _FITTED.get((engine.family, device.kind))
    if bandwidth is None or fitted is None or shape.encoder:
        return None
    efficiency, per_layer, mixture = fitted
    if "sglang" in engine.name.lower():
        per_layer = _SGLANG_LAYER_S
    chip = re.search(r"apple m(\d+)", device.name.lower())
    if chip and engine.family == "llamacpp":
        efficiency = _METAL.get(chip[1], _METAL_LATER)
    experts = shape.experts
    active = experts.active / experts.count if experts else 1.0
    efficiency *= mixture if experts else 1.0
    cards = device.count if engine.family == "vllm" else 1
    data = weights.read(active) + read_bytes(shape, engine, depth, kv_dtype)
    here = data * gpu_share / (bandwidth * 1e9 * efficiency * cards)
    there = data * (1 - gpu_share) / (device.host_bandwidth_gb_s * 1e9 * 0.8)
    return 1 / (here + there + shape.layers * per_layer)

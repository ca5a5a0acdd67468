"""What a machine can do at most with a model: memory bandwidth bounds the speed of one stream."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# GB/s, as vendors state them; of two names that fit, the longer one is meant.
BANDWIDTH_GB_S: Mapping[str, float] = {
    **{"rtx 5090": 1792, "rtx 4090": 1008, "rtx 3090 ti": 1008, "rtx 3090": 936, "rtx 4080": 717},
    **{"a100": 1555, "a100 80gb": 1935, "a100 sxm4 80gb": 2039, "h100": 3350, "h100 pcie": 2039},
    **{"h200": 4800, "apple m1": 68, "apple m1 pro": 200, "apple m1 max": 400},
    **{"apple m1 ultra": 800, "apple m2": 100, "apple m2 pro": 200, "apple m2 max": 400},
    **{"apple m2 ultra": 800, "apple m3": 100, "apple m3 pro": 150, "apple m3 max": 400},
    **{"apple m3 ultra": 819, "apple m4": 120, "apple m4 pro": 273, "apple m4 max": 546},
}
SMALL_BYTES = 8 * 10**9
"""Below, what layers cost beside their weights decides, and here nobody knows their number."""
# Share of the bandwidth that an engine turns into tokens, fitted on published measurements of one
# stream: median error 6 to 20 %.
EFFICIENCY: Mapping[str, float] = {"llamacpp": 0.80, "ollama": 0.80, "mlx": 0.90, "vllm": 0.95}


def bandwidth_gb_s(device: str) -> float | None:
    """GB/s of a card or chip by its name, as `NVIDIA GeForce RTX 3090`; None for one not known, and
    for those of laptops, which share names with faster ones."""
    words = f" {' '.join(re.findall('[a-z0-9]+', device.lower()))} "
    if " laptop " in words or " max q " in words:
        return None
    known = sorted(BANDWIDTH_GB_S, key=len, reverse=True)
    return next((BANDWIDTH_GB_S[one] for one in known if f" {one} " in words), None)


def decode_rate(engine: str, devices: Sequence[str], weights_bytes: int | None) -> float | None:
    """Tokens/s of one stream that reads all of a dense model's weights for each token.

    None where the size of the files or the device is not known, and for models that are small.
    A model of which each token takes only a part (MoE) is faster than this.
    """
    rates = [bandwidth_gb_s(device) for device in devices[:1]]
    if (
        not weights_bytes
        or weights_bytes < SMALL_BYTES
        or not rates
        or rates[0] is None
        or engine not in EFFICIENCY
    ):
        return None
    return rates[0] * 1e9 * EFFICIENCY[engine] / weights_bytes

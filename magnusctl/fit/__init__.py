"""What a machine can do with a model: memory it takes, speed it reaches. Arithmetic only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from magnusctl.fit.devices import bandwidth_gb_s

SMALL_BYTES = 8 * 10**9
"""Below, what layers cost beside their weights decides, and here nobody knows their number."""
EFFICIENCY: Mapping[str, float] = {"llamacpp": 0.80, "ollama": 0.80, "mlx": 0.90, "vllm": 0.95}


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

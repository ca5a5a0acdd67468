"""What a machine can do at most, against what others measured of it."""

from __future__ import annotations

import pytest

from magnusctl.fit import decode_rate
from magnusctl.fit.devices import bandwidth_gb_s


@pytest.mark.parametrize(
    ("device", "found"),
    [
        ("NVIDIA GeForce RTX 3090", 936),
        ("GeForce RTX 3090 Ti", 1008),
        ("NVIDIA GeForce RTX 4090", 1008),
        ("NVIDIA H100 80GB HBM3", 3350),
        ("NVIDIA H100 PCIe", 2039),
        ("NVIDIA A100-SXM4-80GB", 2039),
        ("NVIDIA A100-PCIE-40GB", 1555),
        ("NVIDIA RTX A1000", None),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
        ("NVIDIA GeForce RTX 2080 Super with Max-Q Design", None),
        ("Apple M4 Pro", 273),
        ("Apple M4", 120),
        ("Apple M2 Ultra", 800),
        ("AMD Ryzen 7 5700X", None),
        ("", None),
    ],
)
def test_a_device_is_known_by_its_whole_name(device: str, found: float | None) -> None:
    assert bandwidth_gb_s(device) == found


# Published: llama-bench of the recorded outputs, and the M4 Pro's of llmfit.
@pytest.mark.parametrize(
    ("engine", "device", "bytes_", "measured"),
    [
        ("llamacpp", "Apple M4 Pro", 39.6 * 2**30, 4.9),
        ("mlx", "Apple M4 Pro", 9.53 * 10**9, 27.4),
    ],
)
def test_the_prediction_is_near_what_was_measured(
    engine: str, device: str, bytes_: float, measured: float
) -> None:
    found = decode_rate(engine, [device], int(bytes_))
    assert found is not None
    assert found == pytest.approx(measured, rel=0.4)


@pytest.mark.parametrize(
    ("engine", "devices", "size"),
    [
        ("vllm", [], 10**11),
        ("vllm", ["Voodoo 2"], 10**11),
        ("vllm", ["RTX 3090"], None),
        ("x", ["Apple M4"], 10**11),
        ("llamacpp", ["RTX 3090"], 5 * 10**9),
    ],
)
def test_what_is_not_known_is_not_guessed(
    engine: str, devices: list[str], size: int | None
) -> None:
    assert decode_rate(engine, devices, size) is None

"""What the scorer asks the planner: never with anything of the results."""

from __future__ import annotations

import json

import pytest

from benchmarks.fit_rows import INPUTS, Observation, device_kind, request
from tests.fit.scoring import COLUMNS, ROWS, row

ASKED = {"id", "config", "format", "quant", "engine", "device", "context", "sequences", "kv_dtype"}


@pytest.mark.parametrize("one", ROWS, ids=lambda one: one.row_id)
def test_a_request_has_nothing_of_the_results(one: Observation) -> None:
    offload = "offload_tps" in one.fields
    kept = INPUTS | {"config", "score_fields"} | ({"gpu_layers"} if offload else set())
    blank = {key: value if key in kept else "" for key, value in one.cells.items()}
    asked = request(one)
    assert asked == request(Observation(blank, one.config, one.row_id))
    assert set(asked) - ASKED <= {"utilization", "depth"} | ({"gpu_layers"} if offload else set())
    json.dumps(asked)  # it is a line of JSON for other askers
    assert not [key for key in one.config if key.startswith("_")]
    assert "/33 layers" not in str(asked["engine"])


def test_results_are_other_columns_than_inputs() -> None:
    results = {"artifact_bytes", "artifact_gib", "weights_gib", "weights_on_gpu_gib", "kv_gib"}
    results |= {"kv_capacity_tokens", "activation_or_compute_gib", "nontorch_gib", "cudagraph_gib"}
    results |= {"total_gib", "gpu_layers", "total_layers", "fits", "decode_tps", "note", "source"}
    assert results <= set(COLUMNS)
    assert not results & INPUTS


@pytest.mark.parametrize(
    ("device", "engine", "kind"),
    [
        ("", "", ""),
        ("Apple M3 Max 40-core GPU 64GB", "", "metal"),
        ("RTX 3090 + host", "", "cuda"),
        ("RTX 4090 + Ryzen 9 7900X, partial offload", "", "cuda"),
        ("16 GB NVIDIA GPU", "", "cuda"),
        ("AMD GPU (Vulkan)", "", "cuda"),
        ("Azure Cobalt 100 ARM, 64 cores", "", "cpu"),
        ("Intel N150 16GB (CPU)", "Ollama CPU", "cpu"),
        ("2x Xeon Gold (Skylake), 1 TB", "", "cpu"),
        ("Some board", "llama.cpp CPU", "cpu"),
        ("Some board", "llama.cpp", "cuda"),
    ],
)
def test_a_device_is_driven_by_what_its_name_says(device: str, engine: str, kind: str) -> None:
    assert device_kind(device, engine) == kind


@pytest.mark.parametrize(
    ("cells", "key", "found"),
    [
        ({"device": "RTX 3090", "n_devices": "2", "device_mem_gib": "24"}, "memory_gib", 24),
        ({"device": "A100 80GB", "n_devices": "4", "device_mem_gib": "320"}, "memory_gib", 80),
        ({"device": "Tesla T4", "n_devices": "2", "device_mem_gib": "32"}, "memory_gib", 16),
        ({"device": "H100 80GB", "n_devices": "2", "device_mem_gib": "79.22"}, "memory_gib", 79.22),
        ({"device": "2x Xeon, 1 TB, ~130 GB/s measured"}, "memory_gib", 1024),
        ({"device": "2x Xeon, 1 TB, ~130 GB/s measured"}, "bandwidth_gbs", 130),
        ({"device": "Xeon 6980P"}, "memory_gib", None),
        ({"device": "Xeon 6980P"}, "count", 1),
        ({"device": "Apple M3 16GB", "mem_limit_gib": "10.667"}, "limit_gib", 10.667),
        ({"device": "RTX 3090", "mem_limit_gib": "21.2"}, "limit_gib", None),
    ],
)
def test_a_device_is_asked_for_as_one_of_its_kind(
    cells: dict[str, str], key: str, found: float | None
) -> None:
    device = request(row(**cells))["device"]
    assert isinstance(device, dict)
    assert device.get(key) == found


@pytest.mark.parametrize(
    ("cells", "key", "found"),
    [
        ({}, "context", 4096),
        ({"ctx_tokens": "512"}, "context", 512),
        ({"n_seqs": "4"}, "sequences", 4),
        ({}, "sequences", 1),
        ({"engine": "vLLM 0.7 util 0.60"}, "utilization", 0.6),
        ({"engine": "vLLM 0.6.3"}, "utilization", None),
        ({"engine": "Ollama (llama.cpp) 23/33 layers"}, "engine", "Ollama (llama.cpp)"),
        ({"score_fields": "tps", "tps_depth_tokens": "64"}, "depth", 64),
        ({"score_fields": "fit", "tps_depth_tokens": "64"}, "depth", None),
        ({"score_fields": "offload_tps", "gpu_layers": "64"}, "gpu_layers", 64),
        ({"score_fields": "tps", "gpu_layers": "33"}, "gpu_layers", None),
        ({}, "device", None),
    ],
)
def test_a_row_becomes_a_request(cells: dict[str, str], key: str, found: object) -> None:
    assert request(row(**cells)).get(key) == found

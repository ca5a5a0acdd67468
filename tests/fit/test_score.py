"""The scorer of the fit planner: its arithmetic, and when a gate holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from benchmarks.fit_rows import Observation, unseen_files
from benchmarks.fit_score import (
    Mark,
    figures,
    gates,
    marks,
    measured,
    mixture_gates,
    offload_marks,
    percent,
    percentile,
    predicted,
)
from tests.fit.scoring import gate, row


def mark(field: str, true: float, said: float | None, **more: Any) -> Mark:
    """A mark of a dense model in the class gguf-metal."""
    kept = {"row_id": "t1", "group": "gguf-metal", "moe": False, "consumer": False, **more}
    return Mark(field=field, true=true, said=said, **kept)


@pytest.mark.parametrize(
    ("said", "true", "error"),
    [(11, 10, 10), (9, 10, 10), (10, 10, 0), (0, 10, 100), (0, 0, 0), (1, 0, math.inf)],
)
def test_an_error_is_a_share_of_the_truth(said: float, true: float, error: float) -> None:
    assert percent(said, true) == pytest.approx(error)


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([3], 0.9, 3),
        ([2, 1], 0.9, 2),
        (range(1, 11), 0.9, 9),
        (range(1, 12), 0.9, 10),
        (range(1, 101), 0.9, 90),
        ([4, 1, 3, 2], 0.5, 2),
        ([5, 6], 0, 5),
    ],
)
def test_a_percentile_is_the_nearest_rank(
    values: Sequence[float], share: float, found: float
) -> None:
    assert percentile(values, share) == found


def test_silence_is_left_out_of_sizes_and_a_miss_of_speeds() -> None:
    sizes = figures([mark("kv", 10, 11), mark("kv", 10, None)])
    speeds = figures([mark("tps", 10, 11), mark("tps", 10, None)])
    assert sizes is not None
    assert speeds is not None
    assert (sizes.n, sizes.silent, sizes.max) == (2, 1, 10)
    assert (speeds.near, speeds.silent, speeds.max) == (50, 1, math.inf)
    assert figures([]) is None


@pytest.mark.parametrize(
    ("cells", "field", "found"),
    [
        ({"artifact_bytes": str(2**31), "artifact_gib": "1.9"}, "artifact", 2),
        ({"artifact_gib": "1.9"}, "artifact", 1.9),
        ({"weights_gib": "3", "weights_on_gpu_gib": "2"}, "weights", 3),
        ({"weights_on_gpu_gib": "2"}, "weights", 2),
        ({"fits": "yes"}, "fit", 1),
        ({"fits": "no"}, "fit", 0),
        ({"fits": "partial"}, "fit", 0),
        ({}, "fit", None),
        ({"decode_tps": "7.5"}, "tps", 7.5),
        ({}, "total", None),
    ],
)
def test_what_a_row_says(cells: dict[str, str], field: str, found: float | None) -> None:
    assert measured(row(**cells), field) == found


BOTH: dict[str, object] = {"weights_gib": 4.0, "weights_on_gpu_gib": 3.1}
PER_GPU = {"engine": "vLLM TP2 (per GPU figures)", "n_devices": "2"}


@pytest.mark.parametrize(
    ("cells", "answer", "field", "found"),
    [
        ({}, {"fits": True}, "fit", 1),
        ({}, {"fits": False}, "fit", 0),
        ({}, {"fits": None}, "fit", None),
        ({}, {"decode_tps": 5}, "tps", 5),
        ({}, {"decode_tps": None}, "tps", None),
        ({}, {"artifact_gib": 4.0}, "artifact", 4),
        (PER_GPU, {"artifact_gib": 4.0}, "artifact", 4),
        (PER_GPU, {"weights_gib": 4.0}, "weights", 2),
        ({"weights_on_gpu_gib": "3"}, {"weights_gib": 4.0}, "weights", 4),
        (
            {"weights_on_gpu_gib": "3"},
            BOTH,
            "weights",
            3.1,
        ),
        ({"weights_gib": "4"}, BOTH, "weights", 4),
        ({"ctx_tokens": "200", "kv_capacity_tokens": "50"}, {"kv_gib": 2.0}, "kv", 0.5),
        ({"ctx_tokens": "200"}, {"kv_gib": 2.0}, "kv", 2),
        ({"kv_capacity_tokens": "8192"}, {"kv_gib": 2.0}, "kv", 4),
        ({"ctx_tokens": "200", "kv_capacity_tokens": "50"}, {"total_gib": 2.0}, "total", 2),
        ({}, {}, "total", None),
    ],
)
def test_an_answer_is_held_against_what_the_row_measured(
    cells: dict[str, str], answer: dict[str, object], field: str, found: float | None
) -> None:
    assert predicted(row(**cells), answer, field) == found


def test_a_row_is_scored_only_on_what_it_names() -> None:
    full = {"artifact_gib": "1", "kv_gib": "1", "total_gib": "1", "fits": "yes", "decode_tps": "1"}
    rows = [row(score_fields="kv;fit;kv_expanded;server_tps", **full)]
    found = marks(rows, {"t1": {"kv_gib": 1.0, "fits": True}}, frozenset({"t1"}))
    assert [one.field for one in found] == ["kv", "fit"]


def _file(row_id: str, size: str, quant: str = "Q4_0", config: str = "m") -> Observation:
    cells = {"artifact_gib": size, "quant": quant, "config": config, "score_fields": "artifact"}
    return row(row_id, **cells)


@pytest.mark.parametrize(
    ("rows", "seen", "scored"),
    [
        ([_file("a", "39.6"), _file("b", "39.59")], [], {"a"}),
        ([_file("a", "0.62"), _file("b", "0.6211")], [], {"a"}),
        ([_file("a", "36.2"), _file("b", "37.1")], [], {"a", "b"}),
        ([_file("a", "4"), _file("b", "4", quant="Q8_0")], [], {"a", "b"}),
        ([_file("a", "4"), _file("b", "4", config="n")], [], {"a", "b"}),
        ([_file("a", "4")], [_file("z", "4")], set()),
        ([_file("a", "4")], [_file("z", "5")], {"a"}),
        ([row("a", artifact_gib="4", score_fields="fit"), _file("b", "4")], [], {"b"}),
    ],
)
def test_each_file_counts_once(
    rows: list[Observation], seen: list[Observation], scored: set[str]
) -> None:
    assert unseen_files(rows, seen) == scored


@pytest.mark.parametrize(
    ("found", "start", "passed"),
    [
        ([mark("artifact", 200, 201)], "artifact median", True),
        ([mark("artifact", 1000, 1006)], "artifact median", False),
        ([*[mark("artifact", 1, 1)] * 9, mark("artifact", 1, 2)], "artifact p90", True),
        ([*[mark("artifact", 1, 1)] * 8, *[mark("artifact", 1, 2)] * 2], "artifact p90", False),
        ([*[mark("kv", 1, 1)] * 99, mark("kv", 100, 103)], "kv max", False),
        ([mark("total", 1, None)], "total median", False),
        ([mark("fit", 0, 0)], "fit: 'no'", True),
        ([*[mark("fit", 0, 0)] * 99, mark("fit", 0, 1)], "fit: 'no'", False),
        ([mark("fit", 0, None)], "fit: 'no'", False),
        ([*[mark("fit", 1, 1)] * 19, mark("fit", 1, 0)], "fit: 'yes'", True),
        ([*[mark("fit", 1, 1)] * 18, mark("fit", 1, 0)], "fit: 'yes'", False),
        ([*[mark("fit", 1, 1)] * 18, mark("fit", 1, None)], "fit: 'yes'", False),
        ([*[mark("tps", 4, 5)] * 3, mark("tps", 4, 6)], "tps gguf-metal within", True),
        ([mark("tps", 4, 5), mark("tps", 4, 6)], "tps gguf-metal within", False),
        ([*[mark("tps", 4, 4)] * 2, mark("tps", 4, None)], "tps gguf-metal within", False),
        ([mark("tps", 4, 4.7)], "tps gguf-metal median", False),
        ([mark("tps", 4, 9, group="mlx")], "tps gguf-metal within", None),
        ([mark("tps", 4, 9, group="gguf-cuda")], "tps gguf-cuda consumer within", None),
        ([mark("tps", 4, 9, group="gguf-cuda", consumer=True)], "tps gguf-cuda consumer wi", False),
        ([mark("tps", 4, 4, group="cpu"), mark("tps", 4, 9, group="cpu")], "tps cpu", False),
        ([mark("offload_tps", 3, 4)], "offload_tps", True),
        ([mark("offload_tps", 3, 5)], "offload_tps", False),
        ([], "rows without", None),
    ],
)
def test_a_gate_holds_or_not(found: list[Mark], start: str, passed: bool | None) -> None:
    assert gate(gates(found), start).passed is passed


def test_a_row_that_is_silent_on_one_field_is_silent_once() -> None:
    rows = [mark("kv", 1, 1, row_id=str(number)) for number in range(19)]
    silent = [mark(field, 1, None, row_id="x") for field in ("kv", "total")]
    assert gate(gates([*rows, *silent]), "rows without").value == pytest.approx(5)
    assert gate(gates([*rows, *silent]), "rows without").passed
    assert gate(gates([*rows[:-1], *silent]), "rows without").passed is False


def test_two_speeds_of_one_machine_make_a_ratio() -> None:
    half = {"score_fields": "offload_tps", "device": "RTX 4090 + host", "quant": "Q5_K_M"}
    one = row("a", gpu_layers="64", decode_tps="24", **half)
    two = row("b", gpu_layers="32", decode_tps="6", **half)
    other = row("c", gpu_layers="32", decode_tps="6", **{**half, "quant": "Q8_0"})
    said = {key: {"decode_tps": value} for key, value in (("a", 30), ("b", 6), ("c", 1))}
    (pair,) = offload_marks([two, one, other], said, frozenset("abc"))
    assert (pair.true, pair.said) == (4, 5)
    assert offload_marks([two, one], said, frozenset("c")) == []


def test_a_mixture_that_takes_the_wrong_experts_must_not_pass() -> None:
    near = [mark("tps", 10, 10, moe=True), mark("artifact", 10, 10, moe=True)]
    off = [mark("tps", 10, 3, moe=True), mark("artifact", 10, 2, moe=True)]
    assert [one.passed for one in mixture_gates(near, near)] == [False, False]
    assert [one.passed for one in mixture_gates(off, off)] == [True, True]

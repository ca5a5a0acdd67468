"""What an answer is worth: errors of one field, their summary, and the gates that must hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import attrgetter
from statistics import median

from benchmarks.fit_rows import Observation, artifact_gib

SIZES = ("artifact", "weights", "kv", "total")
FIELDS = (*SIZES, "fit", "tps", "offload_tps")
NEAR, OFFLOAD_NEAR = 25.0, 35.0

Answer = Mapping[str, object]


@dataclass(frozen=True)
class Mark:
    """One field of one row: what is true and what was said; a fit is 1 or 0."""

    row_id: str
    field: str
    group: str
    moe: bool
    consumer: bool
    true: float
    said: float | None

    @property
    def error(self) -> float:
        """Percent, without its sign; infinite where nothing was said."""
        return math.inf if self.said is None else percent(self.said, self.true)


@dataclass(frozen=True)
class Figures:
    """The errors of many marks; those of sizes leave out what was not said, and count it."""

    n: int
    silent: int
    median: float
    p90: float
    max: float
    near: float


@dataclass(frozen=True)
class Gate:
    """One demand; `passed` is None where there was no row to tell."""

    name: str
    n: int
    value: float
    limit: str
    passed: bool | None


def percent(said: float, true: float) -> float:
    """By how much of the truth a figure is off, without its sign."""
    return abs(said - true) / true * 100 if true else (0.0 if said == true else math.inf)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def marks(
    rows: Iterable[Observation], answers: Mapping[str, Answer], files: frozenset[str]
) -> list[Mark]:
    """All that the rows may be scored on; `artifact` only of the rows in `files`."""
    found = []
    for row in rows:
        for name in FIELDS[:-1]:
            if name not in row.fields or (name == "artifact" and row.row_id not in files):
                continue
            true = measured(row, name)
            if true is not None:
                found.append(_mark(row, name, true, predicted(row, answers[row.row_id], name)))
    return found


def _mark(row: Observation, name: str, true: float, said: float | None) -> Mark:
    return Mark(row.row_id, name, row.group, row.moe, row.consumer, true, said)


def measured(row: Observation, name: str) -> float | None:
    """What the row says of a field; None where its column is blank. Partly on the CPU is no fit."""
    if name == "fit":
        return {"yes": 1.0, "no": 0.0, "partial": 0.0}.get(row.cells["fits"])
    if name == "artifact":
        return artifact_gib(row)
    if name == "weights":
        return row.number("weights_gib") or row.number("weights_on_gpu_gib")
    return row.number({"tps": "decode_tps"}.get(name, f"{name}_gib"))


def predicted(row: Observation, answer: Answer, name: str) -> float | None:
    """What an answer says of a field, in the terms that the row measured it in."""
    if name == "fit":
        fits = answer.get("fits")
        return float(fits) if isinstance(fits, bool) else None
    if name == "tps":
        return _number(answer.get("decode_tps"))
    said = _number(answer.get(f"{name}_gib"))
    if name == "weights" and row.number("weights_gib") is None:
        said = _number(answer.get("weights_on_gpu_gib")) or said
    if said is None or name == "artifact":
        return said
    capacity = row.number("kv_capacity_tokens")
    if name == "kv" and capacity:
        said *= capacity / row.context  # vLLM tells the cache that was left, not what was asked
    return said / row.sharers


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def offload_marks(
    rows: Sequence[Observation], answers: Mapping[str, Answer], wanted: frozenset[str]
) -> list[Mark]:
    """The ratio of two speeds of one model on one machine, with different layers on the GPU."""
    able = [
        row
        for row in rows
        if "offload_tps" in row.fields and row.number("gpu_layers") and row.number("decode_tps")
    ]
    found = []
    for one, two in combinations(able, 2):
        if not wanted & {one.row_id, two.row_id} or _machine(one) != _machine(two):
            continue
        fast, slow = (one, two) if _speed(one) > _speed(two) else (two, one)
        over, under = (predicted(row, answers[row.row_id], "tps") for row in (fast, slow))
        said = over / under if over is not None and under else None
        found.append(_mark(fast, "offload_tps", _speed(fast) / _speed(slow), said))
    return found


def _machine(row: Observation) -> tuple[str, ...]:
    return tuple(row.cells[key] for key in ("config", "quant", "device", "n_devices"))


def _speed(row: Observation) -> float:
    return row.number("decode_tps") or 0.0


def figures(found: Sequence[Mark]) -> Figures | None:
    """None without a mark. Silence is an infinite error of a speed, and left out of a size."""
    if not found:
        return None
    limit = OFFLOAD_NEAR if found[0].field == "offload_tps" else NEAR
    errors = [mark.error for mark in found]
    said = [error for error in errors if math.isfinite(error) or found[0].field not in SIZES]
    silent = sum(mark.said is None for mark in found)
    near = sum(error <= limit for error in errors) / len(errors) * 100
    if not said:
        return Figures(len(found), silent, math.inf, math.inf, math.inf, near)
    return Figures(len(found), silent, median(said), percentile(said, 0.9), max(said), near)


def gates(found: Sequence[Mark]) -> list[Gate]:
    """Every demand of the protocol on the fields, with what was reached."""
    return [*_size_gates(found), *_fit_gates(found), *_speed_gates(found), _silence(found)]


_LIMITS: Sequence[tuple[str, str, float]] = (
    *(("artifact", "median", 0.5), ("artifact", "p90", 3), ("weights", "median", 1)),
    *(("weights", "p90", 3), ("kv", "median", 0.5), ("kv", "max", 2)),
    *(("total", "median", 5), ("total", "p90", 12)),
)


def _size_gates(found: Sequence[Mark]) -> list[Gate]:
    sizes = {name: [mark for mark in found if mark.field == name] for name in SIZES}
    return [
        _most(f"{name} {what} % error", sizes[name], attrgetter(what), limit)
        for name, what, limit in _LIMITS
    ]


def _fit_gates(found: Sequence[Mark]) -> list[Gate]:
    """Silence is a miss on either side."""
    fits = [mark for mark in found if mark.field == "fit"]
    no, yes = ([mark for mark in fits if mark.true == value] for value in (0.0, 1.0))
    false_fits = sum(mark.said != 0.0 for mark in no)
    wrong_no = sum(mark.said != 1.0 for mark in yes) / max(1, len(yes)) * 100
    return [
        Gate("fit: 'no' called 'fits'", len(no), false_fits, "0", not false_fits if no else None),
        Gate(
            "fit: 'yes' called 'no' %", len(yes), wrong_no, "<= 5", wrong_no <= 5 if yes else None
        ),
    ]


def _speed_gates(found: Sequence[Mark]) -> list[Gate]:
    speeds = [mark for mark in found if mark.field == "tps"]
    classes = {
        "gguf-cuda consumer": [m for m in speeds if m.group == "gguf-cuda" and m.consumer],
        **{name: [m for m in speeds if m.group == name] for name in ("gguf-metal", "mlx")},
    }
    apart = {"vLLM, SGLang": "safetensors", "cpu": "cpu"}
    result = []
    for name, some in classes.items():
        result.append(_least(f"tps {name} within 25 %", some, 75))
        result.append(_most(f"tps {name} median % error", some, attrgetter("median"), 15))
    for name, group in apart.items():
        some = [m for m in speeds if m.group == group]
        result.append(_least(f"tps {name} within 25 %", some, 55))
    pairs = [mark for mark in found if mark.field == "offload_tps"]
    return [*result, _least("offload_tps ratio within 35 %", pairs, 100)]


def _silence(found: Sequence[Mark]) -> Gate:
    rows = {mark.row_id for mark in found}
    silent = {mark.row_id for mark in found if mark.said is None}
    share = len(silent) / max(1, len(rows)) * 100
    passed = share <= 5 if rows else None
    return Gate("rows without an answer %", len(rows), share, "<= 5", passed)


def mixture_gates(widened: Sequence[Mark], narrowed: Sequence[Mark]) -> list[Gate]:
    """Speed of all experts, memory of the active ones: answers so wrong must not pass."""
    speeds = [mark for mark in widened if mark.field == "tps" and mark.moe]
    sizes = [mark for mark in narrowed if mark.field == "artifact" and mark.moe]
    fast, small = figures(speeds), figures(sizes)
    return [
        Gate(
            "MoE: speed of all experts within 25 %, must fail",
            len(speeds),
            fast.near if fast else math.nan,
            "< 75",
            fast.near < 75 if fast else None,
        ),
        Gate(
            "MoE: files of active experts, median % error, must fail",
            len(sizes),
            small.median if small else math.nan,
            "> 0.5",
            small.median > 0.5 if small else None,
        ),
    ]


def _most(name: str, some: Sequence[Mark], take: Callable[[Figures], float], limit: float) -> Gate:
    value = figures(some)
    reached = take(value) if value else math.nan
    return Gate(name, len(some), reached, f"<= {limit:g}", reached <= limit if value else None)


def _least(name: str, some: Sequence[Mark], limit: float) -> Gate:
    value = figures(some)
    reached = value.near if value else math.nan
    return Gate(name, len(some), reached, f">= {limit:g}", reached >= limit if value else None)

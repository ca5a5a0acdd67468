"""Marks become tables for people, and one document for programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.fit_rows import Observation
from benchmarks.fit_score import FIELDS, SIZES, Answer, Figures, Gate, Mark, figures

GROUPS = ("gguf-cuda", "gguf-metal", "mlx", "safetensors", "cpu", "gguf")
WORST = 5

_CLASSES: Sequence[tuple[str, Callable[[Mark], bool]]] = (
    ("all", lambda mark: True),
    *((group, lambda mark, group=group: mark.group == group) for group in GROUPS),
    ("dense", lambda mark: not mark.moe),
    ("MoE", lambda mark: mark.moe),
)


def draw(
    contenders: Mapping[str, Sequence[Mark]], found: Sequence[Gate], eye: Iterable[str]
) -> str:
    """Everything: by class, peers, gates, what to look at, the worst rows."""
    ours = next(iter(contenders.values()))
    parts = [
        ("Planner, by class", _figure_table(_by_class(ours), "class")),
        ("Planner beside others", _figure_table(_peers(contenders), "contender")),
        ("Fit", _fit_table(ours, contenders)),
        ("Gates", _gate_table(found)),
        ("By eye (no gate)", "\n".join(eye) or "no rows"),
        ("Worst rows", "\n".join(_worst(ours))),
    ]
    return "\n\n".join(f"{title}\n{body}" for title, body in parts)


def as_json(
    contenders: Mapping[str, Sequence[Mark]], found: Sequence[Gate], eye: Iterable[str]
) -> dict[str, Any]:
    """The same for programs; a figure that is not finite is null."""
    ours = next(iter(contenders.values()))
    return {
        "unit": "sizes in GiB (2^30 bytes), errors in percent without their sign",
        "classes": [_plain(*line) for line in _by_class(ours)],
        "contenders": [_plain(*line) for line in _peers(contenders)],
        "fit": [dict(zip(_FIT_HEAD, line, strict=True)) for line in _fit_lines(ours, contenders)],
        "gates": [{**vars(gate), "value": _finite(gate.value)} for gate in found],
        "by_eye": list(eye),
        "worst": {name: worst(ours, name) for name in FIELDS},
    }


Line = tuple[str, str, Figures]


def _by_class(ours: Sequence[Mark]) -> list[Line]:
    return [
        (name, label, value)
        for name in FIELDS
        if name != "fit"
        for label, belongs in _CLASSES
        if (value := figures([m for m in ours if m.field == name and belongs(m)]))
    ]


def _peers(contenders: Mapping[str, Sequence[Mark]]) -> list[Line]:
    """Only those that say something of a field."""
    return [
        (name, label, value)
        for name in FIELDS
        if name != "fit"
        for label, some in contenders.items()
        if (value := figures([m for m in some if m.field == name])) and value.silent < value.n
    ]


def _plain(name: str, label: str, value: Figures) -> dict[str, Any]:
    numbers = {key: _finite(number) for key, number in vars(value).items()}
    return {"field": name, "of": label, **numbers}


def _finite(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _figure_table(lines: Sequence[Line], label: str) -> str:
    head = ("field", label, "n", "silent", "median %", "p90 %", "max %", "within 25 %")
    return _aligned(
        head,
        [
            (
                *(name, who, str(value.n), str(value.silent)),
                *(_show(number) for number in (value.median, value.p90, value.max)),
                "" if name in SIZES else f"{value.near:.0f} %",
            )
            for name, who, value in lines
        ],
    )


_FIT_HEAD = ("contender", "class", "n yes", "called no", "n no", "called fits", "silent")


def _fit_table(ours: Sequence[Mark], contenders: Mapping[str, Sequence[Mark]]) -> str:
    lines = [tuple(str(cell) for cell in line) for line in _fit_lines(ours, contenders)]
    return _aligned(_FIT_HEAD, lines)


def _fit_lines(
    ours: Sequence[Mark], contenders: Mapping[str, Sequence[Mark]]
) -> list[tuple[str | int, ...]]:
    groups = [
        ("planner", label, [mark for mark in ours if belongs(mark)])
        for label, belongs in _CLASSES[1:]
    ]
    every = [(name, "all", list(some)) for name, some in contenders.items()]
    counted = [(name, label, _fits(some)) for name, label, some in (*every, *groups)]
    # Whoever answers none of them says nothing of fits.
    return [
        (name, label, *counts)
        for name, label, counts in counted
        if counts[0] + counts[2] > counts[-1]
    ]


def _fits(some: Iterable[Mark]) -> tuple[int, int, int, int, int]:
    fits = [mark for mark in some if mark.field == "fit"]
    yes, no = ([mark for mark in fits if mark.true == value] for value in (1.0, 0.0))
    return (
        *(len(yes), sum(mark.said == 0.0 for mark in yes)),
        *(len(no), sum(mark.said == 1.0 for mark in no)),
        sum(mark.said is None for mark in fits),
    )


def _gate_table(found: Sequence[Gate]) -> str:
    words = {True: "pass", False: "FAIL", None: "no rows"}
    lines = [
        (words[gate.passed], gate.name, str(gate.n), _show(gate.value), gate.limit)
        for gate in found
    ]
    return _aligned(("", "gate", "n", "reached", "demanded"), lines)


def _show(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def worst(ours: Sequence[Mark], name: str) -> list[str]:
    """The rows that are most off in a field; of a fit, all that are wrong."""
    some = sorted((m for m in ours if m.field == name), key=lambda m: m.error, reverse=True)
    wrong = [mark for mark in some if mark.error]
    return [_miss(mark) for mark in (wrong if name == "fit" else wrong[:WORST])]


def _miss(mark: Mark) -> str:
    if mark.said is None:
        return f"{mark.row_id} (no answer)"
    if mark.field == "fit":
        return f"{mark.row_id} ({'called fits' if mark.said else 'called no'})"
    return f"{mark.row_id} ({mark.said / mark.true * 100 - 100:+.1f} %)"


def _worst(ours: Sequence[Mark]) -> list[str]:
    lists = {name: worst(ours, name) for name in FIELDS}
    return [f"{name:<12}{', '.join(rows) or 'none'}" for name, rows in lists.items()]


def by_eye(rows: Iterable[Observation], answers: Mapping[str, Answer]) -> list[str]:
    """What is too rare for a gate: the longest context, and how many layers load."""
    lines = []
    for row in rows:
        answer, capacity = answers[row.row_id], row.number("kv_capacity_tokens")
        longest, layers = answer.get("max_context"), answer.get("gpu_layers")
        if capacity and "fit" in row.fields:
            most = row.config.get("max_position_embeddings")
            able = min(capacity, most) if isinstance(most, int) else capacity
            near = isinstance(longest, int) and 0.85 * able <= longest <= able
            lines.append(_eye(row, "max context", longest, able, near))
        if row.cells["fits"] == "partial" and (loads := row.number("gpu_layers")):
            near = isinstance(layers, int) and loads - 3 <= layers <= loads
            lines.append(_eye(row, "layers", layers, loads, near))
    return lines


def _eye(row: Observation, what: str, said: object, true: float, near: bool) -> str:
    return f"{row.row_id}  {what}: {said} said, {true:g} measured: {'near' if near else 'OFF'}"


def _aligned(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    every = [head, *lines]
    widths = [max(len(line[column]) for line in every) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            f"{cell:<{width}}" if column < 2 else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in every
    )

"""What the tests of the scorer share: rows with few cells, and a planner that knows it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import fit
from benchmarks.fit_rows import Observation, read_rows
from benchmarks.fit_score import SIZES, Gate, measured

ROWS = read_rows(fit.ROWS, fit.CONFIGS)
COLUMNS = tuple(ROWS[0].cells)


def row(row_id: str = "t1", /, **cells: str) -> Observation:
    """A row of which only these cells are filled."""
    filled = {**dict.fromkeys(COLUMNS, ""), "format": "gguf", "row_id": row_id, **cells}
    return Observation(filled, {}, row_id)


def gate(found: Sequence[Gate], start: str) -> Gate:
    """The one gate whose name begins so."""
    (one,) = [gate for gate in found if gate.name.startswith(start)]
    return one


def failed(found: Sequence[Gate]) -> set[str]:
    """The names of the gates that do not hold."""
    return {gate.name for gate in found if gate.passed is False}


Ask = Callable[[Mapping[str, Any]], Mapping[str, object]]


def simulated_oracle(rows: Sequence[Observation]) -> Ask:
    """It knows the results and answers with them; experts alone it takes from the config."""
    known = {one.row_id: one for one in rows}

    def ask(asked: Mapping[str, Any]) -> Mapping[str, object]:
        one = known[asked["id"]]
        grown = _experts(one.config) / _experts(asked["config"])
        share = one.sharers
        sizes = {name: measured(one, name) for name in SIZES}
        capacity = one.number("kv_capacity_tokens")
        if capacity and sizes["kv"]:
            sizes["kv"] *= one.context / capacity
        heads = asked["config"].get("num_key_value_heads"), one.config.get("num_key_value_heads")
        if sizes["kv"] and heads[1]:
            sizes["kv"] *= heads[0] / heads[1]
        scaled = {
            f"{name}_gib": size and size * (1 if name == "artifact" else share)
            for name, size in sizes.items()
        }
        files, speed = scaled["artifact_gib"], one.number("decode_tps")
        if files:
            scaled["artifact_gib"] = files * min(1.0, grown)
        fits = measured(one, "fit")
        return {
            **scaled,
            "fits": None if fits is None else bool(fits),
            "decode_tps": speed and speed * (1 if grown == 1 else 0.1),
        }

    return ask


def _experts(config: Mapping[str, Any]) -> float:
    keys = ("num_local_experts", "num_experts", "n_routed_experts")
    count = next((config[key] for key in keys if config.get(key)), 0)
    return config["num_experts_per_tok"] / count if count else 1.0

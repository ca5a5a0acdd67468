"""Answers made wrong on purpose: a scorer that lets them pass measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.fit_rows import EXPERT_COUNTS

Ask = Callable[[Mapping[str, Any]], Mapping[str, object]]
GB_FOR_GIB = 2**30 / 10**9


def heads(ask: Ask) -> Ask:
    """Every attention head keeps its own keys and values."""
    return lambda request: ask(_with(request, _all_heads(request["config"])))


def bpw(ask: Ask) -> Ask:
    """Q4_K_M as if all of it had 4.5 bits a weight."""

    def asked(request: Mapping[str, Any]) -> Mapping[str, object]:
        share = 4.5 / 4.85 if request["quant"].startswith("Q4_K_M") else 1.0
        return _scaled(ask(request), ("artifact_gib",), share)

    return asked


def gb(ask: Ask) -> Ask:
    """GB where GiB is said."""
    sizes = ("artifact_gib", "weights_gib", "kv_gib", "total_gib")
    return lambda request: _scaled(ask(request), sizes, GB_FOR_GIB)


def all_experts_read(ask: Ask) -> Ask:
    """Each token takes every expert: for the speed of mixtures."""
    return lambda request: ask(_with(request, _experts(request["config"], "num_experts_per_tok")))


def active_experts_only(ask: Ask) -> Ask:
    """There are no more experts than a token takes: for the memory of mixtures."""
    return lambda request: ask(_with(request, _experts(request["config"], *EXPERT_COUNTS)))


CONTROLS: Mapping[str, Callable[[Ask], Ask]] = {"heads": heads, "bpw": bpw, "gb": gb}


def _with(request: Mapping[str, Any], config: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**request, "config": config}


def _all_heads(config: Mapping[str, Any]) -> dict[str, Any]:
    return {**config, "num_key_value_heads": config["num_attention_heads"]}


def _experts(config: Mapping[str, Any], *changed: str) -> dict[str, Any]:
    """Of a mixture, set these keys, as far as it has them, to the other one's number."""
    count = next((config[key] for key in EXPERT_COUNTS if config.get(key)), None)
    if count is None:
        return dict(config)
    value = count if changed == ("num_experts_per_tok",) else config["num_experts_per_tok"]
    kept = {key: one for key, one in config.items() if key != "total_params"}
    return {**kept, **{key: value for key in changed if key in config}}


def _scaled(answer: Mapping[str, object], keys: tuple[str, ...], by: float) -> dict[str, object]:
    sizes = {key: answer.get(key) for key in keys}
    return {**answer, **{k: v * by for k, v in sizes.items() if isinstance(v, int | float)}}

"""GET /metrics of vLLM, of the engines V0 and V1."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.json_values import body, plain, real, whole
from magnusctl.parsers.prometheus import Sample, highest, label, samples, total

_P = "vllm:"
_NO_SUM = ("_bucket", "_created", "_perc", "_info")


@dataclass(frozen=True)
class Metrics:
    """Summed over the engines and models of one server; kv_usage is the fullest one's, 0 to 1.

    The counters are since the start; sums of seconds go with their counts, so that a mean over a
    span is the difference of two sums by that of two counts.
    """

    model: str | None = None
    running: int | None = None
    waiting: int | None = None
    swapped: int | None = None
    kv_usage: float | None = None
    prompt_tokens_total: int | None = None
    generation_tokens_total: int | None = None
    preemptions_total: int | None = None
    requests_ok: int | None = None
    prefix_queries: int | None = None
    prefix_hits: int | None = None
    ttft_count: int | None = None
    ttft_sum_s: float | None = None
    tpot_count: int | None = None
    tpot_sum_s: float | None = None
    e2e_count: int | None = None
    e2e_sum_s: float | None = None
    gpu_blocks: int | None = None
    block_size: int | None = None


def parse(text: str) -> Metrics:
    """The figures of a scrape; only whole lines of names that begin with `vllm:` count."""
    found = tuple(one for one in samples(body(plain(text))[1]) if one.name.startswith(_P))
    ttft = _histogram(found, "time_to_first_token_seconds")
    tpot = _histogram(
        found,
        *("inter_token_latency_seconds", "time_per_output_token_seconds"),
        "request_time_per_output_token_seconds",
    )
    e2e = _histogram(found, "e2e_request_latency_seconds")
    return Metrics(
        model=label(found, "model_name"),
        running=_count(found, "num_requests_running"),
        waiting=_count(found, "num_requests_waiting"),
        swapped=_count(found, "num_requests_swapped"),
        kv_usage=highest(found, f"{_P}kv_cache_usage_perc", f"{_P}gpu_cache_usage_perc"),
        prompt_tokens_total=_counter(found, "prompt_tokens"),
        generation_tokens_total=_counter(found, "generation_tokens"),
        preemptions_total=_counter(found, "num_preemptions"),
        requests_ok=_counter(found, "request_success"),
        prefix_queries=_counter(found, "prefix_cache_queries", "gpu_prefix_cache_queries"),
        prefix_hits=_counter(found, "prefix_cache_hits", "gpu_prefix_cache_hits"),
        ttft_count=ttft[0],
        ttft_sum_s=ttft[1],
        tpot_count=tpot[0],
        tpot_sum_s=tpot[1],
        e2e_count=e2e[0],
        e2e_sum_s=e2e[1],
        gpu_blocks=_configured(found, "num_gpu_blocks"),
        block_size=_configured(found, "block_size"),
    )


def _count(found: tuple[Sample, ...], *names: str) -> int | None:
    return whole(total(found, *(f"{_P}{name}" for name in names)))


def _counter(found: tuple[Sample, ...], *names: str) -> int | None:
    """A counter, with or without the `_total` that its client puts behind."""
    return _count(found, *(f"{name}{end}" for name in names for end in ("_total", "")))


def _histogram(found: tuple[Sample, ...], *names: str) -> tuple[int | None, float | None]:
    """How many, and the sum of their seconds, of the first of these that is there."""
    for name in names:
        count = _count(found, f"{name}_count")
        if count is not None:
            return count, total(found, f"{_P}{name}_sum")
    return None, None


def _configured(found: tuple[Sample, ...], name: str) -> int | None:
    told = label(found, name, f"{_P}cache_config_info")
    return int(told) if told and len(told) < 19 and told.isascii() and told.isdigit() else None


def facts(text: str) -> Facts:
    """The figures, and every other sum under its own name without `vllm:`."""
    found = parse(text)
    queries, hits = found.prefix_queries, found.prefix_hits
    rate = round(hits / queries, 6) if queries and hits is not None else None
    return {**_others(text), **vars(found), "prefix_hit_rate": rate}


def _others(text: str) -> Facts:
    sums: dict[str, float] = {}
    for one in samples(body(plain(text))[1]):
        if one.name.startswith(_P) and not one.name.endswith(_NO_SUM):
            name = one.name.removeprefix(_P)
            sums[name] = sums.get(name, 0.0) + one.value
    return {
        name: whole(value) if value.is_integer() else real(value) for name, value in sums.items()
    }

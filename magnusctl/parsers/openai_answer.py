"""What completions of OpenAI-compatible servers have in common, streamed or whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.json_values import Record, real, record, records, whole, words

TIMINGS = (
    *("prompt_n", "cache_n", "prompt_ms", "prompt_per_token_ms", "prompt_per_second"),
    *("predicted_n", "predicted_ms", "predicted_per_token_ms", "predicted_per_second"),
    *("draft_n", "draft_n_accepted"),
)
"""The timings of llama-server: counts of tokens, milliseconds, tokens per second."""


@dataclass(frozen=True)
class Usage:
    """The tokens of one request; cached_tokens are those of the prompt that cost no time."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    total_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True)
class Answer:
    """A whole completion; `timings` only of llama-server, in ms and tokens/s."""

    model: str | None = None
    content: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    timings: Mapping[str, float] | None = None
    system_fingerprint: str | None = None
    tool_calls: int = 0


def usage_of(told: object) -> Usage | None:
    """The usage of an answer or of a chunk, None where it has none."""
    if not isinstance(told, dict) or not told:
        return None
    cached = record(told.get("prompt_tokens_details")).get("cached_tokens")
    reasoned = record(told.get("completion_tokens_details")).get("reasoning_tokens")
    return Usage(
        prompt_tokens=whole(told.get("prompt_tokens")),
        completion_tokens=whole(told.get("completion_tokens")),
        cached_tokens=whole(told.get("prompt_cache_hit_tokens") if cached is None else cached),
        total_tokens=whole(told.get("total_tokens")),
        reasoning_tokens=whole(reasoned),
    )


def timings_of(told: object) -> Mapping[str, float] | None:
    """The timings of llama-server, those that are numbers."""
    found = {str(name): number for name, value in record(told).items() if (number := real(value))
             is not None}  # fmt: skip
    return found or None


def answer_of(told: Record) -> Answer | None:
    """A completion of either endpoint; None for any other document."""
    choices = records(told.get("choices"))
    if not choices and not (record(told.get("usage")) or record(told.get("timings"))):
        return None
    first = choices[0] if choices else {}
    message = record(first.get("message"))
    return Answer(
        model=words(told.get("model")),
        content=words(message.get("content")) or words(first.get("text")),
        reasoning=words(message.get("reasoning_content")) or words(message.get("reasoning")),
        finish_reason=words(first.get("finish_reason")),
        usage=usage_of(told.get("usage")),
        timings=timings_of(told.get("timings")),
        system_fingerprint=words(told.get("system_fingerprint")),
        tool_calls=len(records(message.get("tool_calls"))),
    )


def facts_of(answer: Answer) -> Facts:
    """The facts of a whole completion."""
    return {
        **timing_facts(answer.timings),
        "model": answer.model,
        "content": answer.content,
        "reasoning": answer.reasoning,
        "finish_reason": answer.finish_reason,
        "tool_calls": answer.tool_calls,
        "system_fingerprint": answer.system_fingerprint,
        **usage_facts(answer.usage),
    }


def usage_facts(usage: Usage | None) -> Facts:
    """The counts of tokens."""
    told = usage or Usage()
    return {
        "prompt_tokens": told.prompt_tokens,
        "completion_tokens": told.completion_tokens,
        "total_tokens": told.total_tokens,
        "cached_tokens": told.cached_tokens,
        "reasoning_tokens": told.reasoning_tokens,
    }


def timing_facts(timings: Mapping[str, float] | None) -> Facts:
    """The timings of llama-server; counts are whole numbers."""
    told = timings or {}
    counts = {name for name in told if name.endswith("_n") or name == "draft_n_accepted"}
    found: Facts = {name: told.get(name) for name in TIMINGS}
    return {**found, **told, **{name: whole(told[name]) for name in counts}}

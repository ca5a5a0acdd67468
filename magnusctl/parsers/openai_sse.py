"""The stream of a completion of any OpenAI-compatible server, whole or line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import json_of, lines_of
from magnusctl.parsers.json_values import (
    Record,
    document,
    error_of,
    plain,
    record,
    records,
    words,
)
from magnusctl.parsers.openai_answer import (
    Usage,
    timing_facts,
    timings_of,
    usage_facts,
    usage_of,
)

__all__ = ["Chunk", "Stream", "Usage", "event", "facts", "parse"]


@dataclass(frozen=True)
class Chunk:
    """One event of a stream; one chunk may hold several of these at once.

    `kind` is the first that holds of: error, done, content, reasoning, tool, finish, role, usage,
    other. So a first chunk with a role and an empty text is `role`, and a last one with text, a
    finish reason and usage is `content`.
    """

    kind: str
    text: str = ""
    reasoning: str = ""
    role: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    timings: Mapping[str, float] | None = None
    tool_calls: int = 0
    error: str | None = None
    model: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Stream:
    """A stream as far as it came; `done` says that it ended with [DONE]."""

    chunks: tuple[Chunk, ...] = ()
    usage: Usage | None = None
    timings: Mapping[str, float] | None = None
    finish_reason: str | None = None
    done: bool = False
    error: str | None = None


def event(line: str) -> Chunk | None:
    """What one line of a stream is; None for comments, blank lines, other fields, half a line."""
    field, colon, value = line.strip().removeprefix("\ufeff").partition(":")
    if not colon or field not in ("data", "error"):
        return None
    if value.strip() == "[DONE]":
        return Chunk("done")
    told = json_of(value)
    if field == "error" or (isinstance(told, dict) and _failed(told)):
        said = words(record(told).get("message")) or (None if told else words(value.strip()))
        return Chunk("error", error=error_of(told) or said or "error")
    return _chunk(told) if isinstance(told, dict) else None


def _failed(told: Record) -> bool:
    return bool(told.get("error")) or told.get("object") == "error"


def _chunk(told: Record) -> Chunk:
    choices = records(told.get("choices")) or _native(told)
    deltas = [record(one.get("delta")) for one in choices]
    text = _joined(one.get("content") for one in deltas) + _joined(
        one.get("text") for one in choices
    )
    reasoning = _joined(one.get("reasoning_content") or one.get("reasoning") for one in deltas)
    tools = sum(len(records(one.get("tool_calls"))) for one in deltas)
    role = next((role for one in deltas if (role := words(one.get("role")))), None)
    finish = next((why for one in choices if (why := words(one.get("finish_reason")))), None)
    usage = usage_of(told.get("usage"))
    told_of = (("content", text), ("reasoning", reasoning), ("tool", tools), ("finish", finish),
               ("role", role), ("usage", usage))  # fmt: skip
    return Chunk(
        kind=next((kind for kind, value in told_of if value), "other"),
        text=text,
        reasoning=reasoning,
        role=role,
        finish_reason=finish,
        usage=usage,
        timings=timings_of(told.get("timings")),
        tool_calls=tools,
        model=words(told.get("model")),
        id=words(told.get("id")),
    )


def _native(told: Record) -> tuple[Record, ...]:
    """The choice that a chunk of llama-server's own /completion stands for."""
    if not isinstance(told.get("content"), str) or "stop" not in told:
        return ()
    finish = words(told.get("stop_type")) or "stop" if told.get("stop") is True else None
    return ({"text": told["content"], "finish_reason": finish},)


def _joined(parts: Iterable[object]) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def parse(text: str) -> Stream:
    """All whole events of a stream, in order; or the error that was answered instead of one."""
    chunks = tuple(chunk for line in lines_of(plain(text)) if (chunk := event(line)))
    return Stream(
        chunks=chunks,
        usage=next((one.usage for one in reversed(chunks) if one.usage), None),
        timings=next((one.timings for one in reversed(chunks) if one.timings), None),
        finish_reason=next((one.finish_reason for one in chunks if one.finish_reason), None),
        done=any(one.kind == "done" for one in chunks),
        error=next((one.error for one in chunks if one.error), None)
        or (None if chunks else error_of(document(text))),
    )


def facts(text: str) -> Facts:
    """Counts of the chunks by what they bring, and the figures of the last one that has them."""
    found = parse(text)
    usage = None
    if found.usage:
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        usage = {name: usage_facts(found.usage)[name] for name in names}
    return {
        **timing_facts(found.timings),
        **usage_facts(found.usage),
        "usage": usage,
        "chunks": sum(one.kind != "done" for one in found.chunks),
        "content_chunks": sum(bool(one.text) for one in found.chunks),
        "reasoning_chunks": sum(bool(one.reasoning) for one in found.chunks),
        "tool_chunks": sum(bool(one.tool_calls) for one in found.chunks),
        "content": "".join(one.text for one in found.chunks),
        "reasoning": "".join(one.reasoning for one in found.chunks),
        "model": next((one.model for one in found.chunks if one.model), None),
        "id": next((one.id for one in found.chunks if one.id), None),
        "finish_reason": found.finish_reason,
        "done": found.done,
        "has_timings": found.timings is not None,
        "has_usage": found.usage is not None,
        "error": found.error,
        "comments": sum(line.startswith(":") for line in lines_of(plain(text))),
    }

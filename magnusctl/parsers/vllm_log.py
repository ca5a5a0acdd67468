"""The log of vLLM, of the engines V0 and V1, with or without the stamps of a container."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import lines_of
from magnusctl.parsers.json_values import matches, plain
from magnusctl.parsers.vllm_log_signs import (
    CAUSES,
    FAILS,
    FIGURES,
    NAMES,
    READY,
    STARTS,
    TRACEBACK,
    WORKS,
)

_FIGURES = {name: [re.compile(sign) for sign in signs] for name, signs in FIGURES.items()}
_NAMES = {name: [re.compile(sign) for sign in signs] for name, signs in NAMES.items()}
_CAUSES = [(name, re.compile(sign)) for name, sign in CAUSES]
_MESSAGE = re.compile(r"((?:[\w.]{1,80}\.)?[A-Z]\w{1,60}(?:Error|Exception): \S.{0,600})$")


@dataclass(frozen=True)
class Log:
    """What the log tells; memory in GiB, times in s, lengths and sizes in tokens.

    `outcome` is ok, a cause such as kv_cache_too_small, failed where the log does not say why, or
    None where it tells neither. `restarted` says that a start began after one that had failed.
    `kv_available_gib` has a value for each worker. `more` holds the other figures and names.
    """

    outcome: str | None = None
    ready: bool = False
    restarted: bool = False
    error: str | None = None
    version: str | None = None
    model: str | None = None
    weights_gib: float | None = None
    kv_available_gib: tuple[float, ...] = ()
    kv_tokens: int | None = None
    max_concurrency: float | None = None
    max_model_len: int | None = None
    init_seconds: float | None = None
    max_seq_len: int | None = None
    needed_gib: float | None = None
    available_gib: float | None = None
    estimated_max_len: int | None = None
    gpu_memory_utilization: float | None = None
    listening: str | None = None
    more: Mapping[str, float | str | None] = field(default_factory=dict, repr=False)


@dataclass
class _Course:
    """How the starts of a log went, up to a line."""

    outcome: str | None = None
    ready: bool = False
    restarted: bool = False
    error: str | None = None
    failed: bool = False
    said: str | None = None

    def take(self, line: str) -> None:
        cause = next((name for name, sign in _CAUSES if sign.search(line)), None)
        if cause and not _is_advice(line):
            self._fail(cause, line)
        elif FAILS.search(line) or (TRACEBACK.search(line) and self.outcome is None):
            self._fail("failed", line)
        elif READY.search(line) or (WORKS.search(line) and not self.failed):
            self.ready = self.ready or bool(READY.search(line))
            self.outcome, self.failed, self.error = "ok", False, None
        elif STARTS.search(line):
            self.restarted = self.restarted or self.failed
            self.ready, self.failed, self.said = False, False, None
        elif _message(line):
            self.said = _message(line)
            self.error = self.said if self.outcome == "failed" else self.error

    def _fail(self, cause: str, line: str) -> None:
        vague = self.outcome in ("failed", "killed") and cause not in ("failed", "killed")
        if not self.failed or vague:
            self.outcome = cause
            line_itself = _message(line) or line.strip()[:600]
            self.error = self.said if cause == "failed" else line_itself
        self.ready, self.failed = False, True


def _is_advice(line: str) -> bool:
    """A warning or a hint of a run that goes on."""
    return re.search(r"\b(?:INFO|WARNING|DEBUG) \d\d-\d\d ", line) is not None


def _message(line: str) -> str | None:
    match = _MESSAGE.search(line)
    return match[1] if match else None


def parse(text: str) -> Log:
    """What the log tells, of its last start where it has several."""
    lines = lines_of(plain(text))
    course = _Course()
    for line in lines:
        course.take(line)
    told = {name: _figures(lines, name) for name in _FIGURES}
    one = {name: values[-1] if values else None for name, values in told.items()}
    names = {name: _name(lines, signs) for name, signs in _NAMES.items()}
    return Log(
        outcome=course.outcome,
        ready=course.ready,
        restarted=course.restarted,
        error=course.error,
        version=names["version"],
        model=names["model"],
        weights_gib=one["weights_gib"],
        kv_available_gib=told["kv_available_gib"],
        kv_tokens=_whole(one["kv_tokens"]),
        max_concurrency=one["max_concurrency"],
        max_model_len=_whole(one["max_model_len"]),
        init_seconds=one["init_seconds"],
        max_seq_len=_whole(one["max_seq_len"]),
        needed_gib=one["needed_gib"],
        available_gib=one["available_gib"],
        estimated_max_len=_whole(one["estimated_max_len"]),
        gpu_memory_utilization=one["gpu_memory_utilization"],
        listening=names["listening"],
        more={**one, **names},
    )


def _figures(lines: list[str], name: str) -> tuple[float, ...]:
    """All values of the first wording that the log has; the last number of a match is meant."""
    for sign in _FIGURES[name]:
        found = matches(sign, lines)
        if found:
            return tuple(float(match[match.lastindex or 1].replace(",", "")) for match in found)
    return ()


def _name(lines: list[str], signs: list[re.Pattern[str]]) -> str | None:
    for sign in signs:
        found = matches(sign, lines)
        if found:
            return found[-1][1]
    return None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def facts(text: str) -> Facts:
    """The facts; memory for the KV cache as a list where workers or runs differ in it."""
    found = parse(text)
    available = found.kv_available_gib
    named = {name: value for name, value in vars(found).items() if name != "more"}
    rest = {name: _shown(value) for name, value in found.more.items() if name not in named}
    alike = available[0] if len(set(available)) == 1 else [*available] or None
    return {**rest, **named, "kv_available_gib": alike}


def _shown(value: float | str | None) -> object:
    """A count as a whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value

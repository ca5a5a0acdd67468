"""mlx-lm: its benchmark, what mlx_lm.generate prints at its end, its server's answers and log."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts, openai_sse
from magnusctl.parsers.cells import lines_of
from magnusctl.parsers.json_values import body, document, error_of, matches, plain, record, words
from magnusctl.parsers.openai_answer import Answer, answer_of, facts_of
from magnusctl.parsers.vllm_models import Model, models_of

_N = r"(\d{1,9}\.\d{3})"
_SPEEDS = rf"prompt_tps={_N}, generation_tps={_N}, peak_memory={_N}"
_TRIAL = re.compile(rf"Trial +\d{{1,6}}: +{_SPEEDS}(?:, total_time={_N})?")
_AVERAGES = re.compile(rf"Averages: +{_SPEEDS}")
_TIMING = re.compile(
    r"Timing with prompt_tokens=(\d{1,9}), generation_tokens=(\d{1,9}), batch_size=(\d{1,6})"
)
_PROMPT = re.compile(r"^Prompt: +(\d{1,9}) tokens, +(\d{1,9}(?:\.\d{1,6})?) tokens-per-sec")
_GENERATION = re.compile(r"^Generation: +(\d{1,9}) tokens, +(\d{1,9}(?:\.\d{1,6})?) tokens-per-sec")
_PEAK = re.compile(r"^Peak memory: +(\d{1,9}(?:\.\d{1,6})?) GB")
_MODEL = re.compile(r"--model[ =](\S{1,200})")
_REQUEST = re.compile(r'"(?:GET|POST|PUT|HEAD|OPTIONS|DELETE) [^"]{0,2000}" (\d{3})\b')
_HTTPD = re.compile(r"Starting httpd at (\S{1,200}) on port (\d{1,5})")
_FAILED = re.compile(
    r"^(?:[\w.]{0,80}\.)?[A-Z]\w{0,60}(?:Error|Exception|NotFound|Interrupt): ?.*$"
    r"|^libc\+\+abi: terminating .*$|: No module named \S+$|command not found"
)


@dataclass(frozen=True)
class Speeds:
    """One trial, or the averages; tokens/s, GB of 10^9 bytes, seconds."""

    prompt_tps: float
    generation_tps: float
    peak_memory_gb: float
    total_seconds: float | None = None


@dataclass(frozen=True)
class Benchmark:
    """mlx_lm.benchmark; `averages` is None where the output ends before them."""

    trials: tuple[Speeds, ...]
    averages: Speeds | None
    prompt_tokens: int | None = None
    generation_tokens: int | None = None
    batch_size: int | None = None


@dataclass(frozen=True)
class Generated:
    """The end of mlx_lm.generate: counts of tokens, tokens/s, GB."""

    prompt_tokens: int
    prompt_tps: float
    generation_tokens: int
    generation_tps: float
    peak_memory_gb: float | None


@dataclass(frozen=True)
class Log:
    """The log of mlx_lm.server: the statuses of its requests in order, and what went wrong."""

    statuses: tuple[int, ...]
    host: str | None
    port: int | None
    has_traceback: bool
    exception: str | None
    error_lines: int


@dataclass(frozen=True)
class MlxLm:
    """Only what the text holds is not None."""

    benchmark: Benchmark | None = None
    generated: Generated | None = None
    answer: Answer | None = None
    models: tuple[Model, ...] | None = None
    log: Log | None = None
    http_status: int | None = None
    status: str | None = None
    error: str | None = None


def parse(text: str) -> MlxLm:
    """What the text is, by its form."""
    told = record(document(text))
    lines = lines_of(plain(text))
    log = None if told else _log(lines)
    error = error_of(told) or (log.exception if log and not log.statuses else None)
    status = words(told.get("status"))
    return MlxLm(
        benchmark=_benchmark(lines),
        generated=_generated(lines),
        answer=None if error else answer_of(told),
        models=models_of(told),
        log=log,
        http_status=body(text)[0] or (200 if status == "ok" else None),
        status=status,
        error=error,
    )


def _benchmark(lines: list[str]) -> Benchmark | None:
    trials = tuple(_speeds(match) for line in lines if (match := _TRIAL.search(line)))
    averages = [_speeds(match) for line in lines if (match := _AVERAGES.search(line))]
    timing = next((match for line in lines if (match := _TIMING.search(line))), None)
    if not (trials or averages or timing):
        return None
    sizes = [int(part) for part in timing.groups()] if timing else [None, None, None]
    return Benchmark(trials, averages[-1] if averages else None, *sizes)


def _speeds(match: re.Match[str]) -> Speeds:
    prompt, generation, peak, *total = match.groups()
    seconds = float(total[0]) if total and total[0] else None
    return Speeds(float(prompt), float(generation), float(peak), seconds)


def _generated(lines: list[str]) -> Generated | None:
    """The last such lines: the text of a model may hold the like before."""
    prompt, generation, peak = (
        next((match for line in reversed(lines) if (match := sign.match(line))), None)
        for sign in (_PROMPT, _GENERATION, _PEAK)
    )
    if not prompt or not generation:
        return None
    return Generated(
        prompt_tokens=int(prompt[1]),
        prompt_tps=float(prompt[2]),
        generation_tokens=int(generation[1]),
        generation_tps=float(generation[2]),
        peak_memory_gb=float(peak[1]) if peak else None,
    )


def _log(lines: list[str]) -> Log | None:
    statuses = tuple(int(match[1]) for line in lines if (match := _REQUEST.search(line)))
    httpd = next(iter(matches(_HTTPD, lines)), None)
    traceback = any(line.endswith("Traceback (most recent call last):") for line in lines)
    failed = [line for line in lines if _FAILED.search(line)]
    if not (statuses or httpd or traceback or failed):
        return None
    return Log(
        statuses=statuses,
        host=httpd[1] if httpd else None,
        port=int(httpd[2]) if httpd else None,
        has_traceback=traceback,
        exception=failed[-1] if failed else None,
        error_lines=sum(" - ERROR - " in line for line in lines),
    )


def facts(text: str) -> Facts:
    """The facts of what the text is; `model` where the command or the answer names it."""
    found = parse(text)
    if document(text) is None and "data: " in text and openai_sse.parse(text).chunks:
        return openai_sse.facts(text)
    model = _MODEL.search(text)
    return {
        "model": model[1].strip("'\"") if model else None,
        **_of_benchmark(found.benchmark),
        **_of_generated(found.generated),
        **(facts_of(found.answer) if found.answer else {}),
        **_of_log(found.log),
        "ids": None if found.models is None else [one.id for one in found.models],
        "http_status": found.http_status,
        "status": found.status,
        "error": found.error,
    }


def _of_benchmark(found: Benchmark | None) -> Facts:
    if not found:
        return {}
    mean = found.averages
    return {
        "trials": len(found.trials),
        "prompt_tps": mean.prompt_tps if mean else None,
        "generation_tps": mean.generation_tps if mean else None,
        "peak_memory_gb": mean.peak_memory_gb if mean else None,
        "prompt_tokens": found.prompt_tokens,
        "generation_tokens": found.generation_tokens,
        "batch_size": found.batch_size,
        "trial_prompt_tps": [one.prompt_tps for one in found.trials],
        "trial_generation_tps": [one.generation_tps for one in found.trials],
    }


def _of_generated(found: Generated | None) -> Facts:
    return dict(vars(found)) if found else {}


def _of_log(found: Log | None) -> Facts:
    if not found:
        return {}
    return {
        "http_lines": len(found.statuses),
        "http_errors": sum(one >= 400 for one in found.statuses),
        "has_traceback": found.has_traceback,
        "exception": found.exception,
        "error_lines": found.error_lines,
        "host": found.host,
        "port": found.port,
    }

"""How fast a model speaks: what is measured of streamed answers, and what it is judged by.

Definitions, all from the moment a request was sent: *first token* is the first chunk with content
or reasoning (an empty role chunk is none); *inter-token latency* is (last content - first content)
/ (N - 1), where N is the server's own count of completion tokens; *decode* is its inverse; *end to
end* is the last content; *prefill* is the prompt's tokens that came from no cache / first token.
They are those of GuideLLM's and AIPerf's ITL. vLLM's bench takes an empty role chunk for the first.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from magnusctl.report import Measure, Result, Verdict

LEAST_SAMPLES = 5
FAR_BELOW = 0.6
"""Of what its bandwidth lets expect: below, something is wrong that a target would not show."""


@dataclass(frozen=True)
class Sample:
    """One streamed answer: seconds since its request was sent, and the server's count of tokens.

    `began_s` and `over_s` are of a clock that all samples of a run share.
    """

    first_s: float
    last_s: float
    began_s: float
    over_s: float
    tokens: int | None
    prompt_tokens: int | None
    cached_tokens: int = 0

    @property
    def inter_token_s(self) -> float | None:
        """Seconds from one token to the next; None where the server told no count."""
        if self.tokens is None or self.tokens < 2 or self.last_s <= self.first_s:
            return None
        return (self.last_s - self.first_s) / (self.tokens - 1)

    @property
    def decode(self) -> float | None:
        """Tokens per second after the first."""
        return 1 / self.inter_token_s if self.inter_token_s else None

    @property
    def prefill(self) -> float | None:
        """Tokens of the prompt per second until the first token came."""
        if self.prompt_tokens is None or self.first_s <= 0:
            return None
        return (self.prompt_tokens - self.cached_tokens) / self.first_s


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, and half of what the middle half of them spans."""

    median: float
    half: float
    count: int


@dataclass(frozen=True)
class Wanted:
    """What a model is judged by: tokens/s and seconds that are asked of it, and what is likely."""

    decode: float | None = None
    first_s: float | None = None
    predicted: float | None = None


@dataclass(frozen=True)
class Spoken:
    """What a model said when it was alone (`one`) and with several at once (`many`)."""

    host: str
    model: str
    one: Sequence[Sample]
    many: Sequence[Sample]
    at_once: int
    asked_tokens: int

    @property
    def check(self) -> str:
        """The name of its checks."""
        return f"tokens.{self.model}"


def spread(numbers: Sequence[float | None]) -> Spread | None:
    """None where any of them is unknown, or there are none."""
    known = [number for number in numbers if number is not None]
    if not known or len(known) < len(numbers):
        return None
    if len(known) == 1:
        return Spread(known[0], 0.0, 1)
    low, median, high = statistics.quantiles(known, n=4, method="inclusive")
    return Spread(median, (high - low) / 2, len(known))


def judged(spoken: Spoken, wanted: Wanted) -> Iterator[Result]:
    """What was measured of one model: its own results, then those under load."""
    yield _decode(spoken, wanted)
    yield _first(spoken, wanted)
    for what, of, unit, scale, higher in _PLAIN:
        found = spread([of(sample) for sample in spoken.one])
        yield _plain(spoken, what, found, unit, scale, higher)
    yield _together(spoken)
    found = spread([sample.first_s for sample in spoken.many])
    yield _plain(spoken, f"first-token-at-{spoken.at_once}", found, "ms", 1000, False)


_Of = Callable[[Sample], float | None]
_PLAIN: tuple[tuple[str, _Of, str, float, bool], ...] = (
    ("inter-token", lambda sample: sample.inter_token_s, "ms", 1000, False),
    ("prefill", lambda sample: sample.prefill, "tok/s", 1, True),
    ("end-to-end", lambda sample: sample.last_s, "s", 1, False),
)


def _plain(
    spoken: Spoken, what: str, found: Spread | None, unit: str, scale: float, higher: bool
) -> Result:
    check = f"{spoken.check}.{what}"
    if found is None:
        return Result(spoken.host, check, Verdict.UNKNOWN, _why_not(spoken.one))
    measure = Measure(found.median * scale, unit, higher, found.half * scale)
    shown = _shown(found, unit, scale)
    return Result(spoken.host, check, Verdict.PASS, shown, measure=measure)


UNCOUNTED = "the server did not tell how many tokens it sent"
AT_ONCE = "all of an answer came in one piece: there is nothing to time"


def _why_not(samples: Sequence[Sample]) -> str:
    return UNCOUNTED if any(sample.tokens is None for sample in samples) else AT_ONCE


def whole(spoken: Spoken) -> Result:
    """That it speaks, and how much it said where it stopped before it was asked to."""
    counts = [sample.tokens for sample in spoken.one if sample.tokens is not None]
    least = min(counts, default=spoken.asked_tokens)
    shown = f"{len(spoken.one)} answers of {least} tokens"
    if least < spoken.asked_tokens:
        shown += f"; {spoken.asked_tokens} were asked for"
    return Result(spoken.host, f"{spoken.check}.speaks", Verdict.PASS, shown)


def _decode(spoken: Spoken, wanted: Wanted) -> Result:
    check = f"{spoken.check}.decode"
    found = spread([sample.decode for sample in spoken.one])
    if found is None:
        return Result(spoken.host, check, Verdict.UNKNOWN, _why_not(spoken.one))
    told = [f"≥ {wanted.decode:g} tok/s"] if wanted.decode else []
    told += [f"predicted {wanted.predicted:.0f}"] if wanted.predicted else []
    shown, target = _shown(found, "tok/s", 1), ", ".join(told)
    measure = Measure(found.median, "tok/s", half=found.half)
    verdict, remedy = Verdict.PASS, ""
    if wanted.decode and found.median < wanted.decode:
        verdict = Verdict.FAIL
        remedy = "Is another at work, is it hot, or on a slow slot? The host's other checks tell."
        if wanted.predicted and wanted.predicted < wanted.decode:
            remedy = (
                f"Memory bandwidth lets expect about {wanted.predicted:.0f} tok/s: take a smaller "
                "model or fewer bits, or lower the target."
            )
    elif wanted.predicted and found.median < FAR_BELOW * wanted.predicted:
        verdict = Verdict.WARN
        remedy = "Far below what its memory can do: is part of it on the CPU, or another at work?"
    return Result(spoken.host, check, verdict, shown, target, remedy, measure)


def _first(spoken: Spoken, wanted: Wanted) -> Result:
    check, found = f"{spoken.check}.first-token", spread([s.first_s for s in spoken.one])
    if found is None:
        return Result(spoken.host, check, Verdict.UNKNOWN, "nothing was said")
    measure = Measure(found.median * 1000, "ms", higher=False, half=found.half * 1000)
    shown = _shown(found, "ms", 1000)
    if wanted.first_s is None:
        return Result(spoken.host, check, Verdict.PASS, shown, measure=measure)
    target = f"≤ {wanted.first_s * 1000:g} ms"
    if found.median <= wanted.first_s:
        return Result(spoken.host, check, Verdict.PASS, shown, target, measure=measure)
    remedy = "Is another at work there? A long way to it counts, too: it is measured from here."
    return Result(spoken.host, check, Verdict.FAIL, shown, target, remedy, measure)


def _together(spoken: Spoken) -> Result:
    """Tokens per second of all that speak at once, over the time that any of them takes."""
    check, counts = f"{spoken.check}.total-at-{spoken.at_once}", [s.tokens for s in spoken.many]
    if not counts or None in counts:
        return Result(spoken.host, check, Verdict.UNKNOWN, UNCOUNTED)
    seconds = max(s.over_s for s in spoken.many) - min(s.began_s for s in spoken.many)
    rate = sum(count or 0 for count in counts) / seconds
    shown = f"{rate:.1f} tok/s of {len(counts)} answers"
    return Result(spoken.host, check, Verdict.PASS, shown, measure=Measure(rate, "tok/s"))


def _shown(found: Spread, unit: str, scale: float) -> str:
    digits = 0 if found.median * scale >= 1000 else 1 if found.median * scale >= 10 else 2
    return f"{found.median * scale:.{digits}f} {unit} ±{found.half * scale:.{digits}f}"

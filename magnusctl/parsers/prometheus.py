"""The exposition text of Prometheus: what `GET /metrics` answers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

_SAMPLE = re.compile(
    r'([A-Za-z_:][\w:]*)(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?\s+'
    r"([-+]?(?:[0-9][0-9.eE+-]{0,40}|Inf))(?:\s|$)"
)
_LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r'\\([\\"n])')


@dataclass(frozen=True)
class Sample:
    """One value of one series."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples(text: str) -> tuple[Sample, ...]:
    """Every sample with a number, but for a last line that no line end closes: it may be cut."""
    found = (_sample(line) for line in re.split(r"\r?\n", text)[:-1])
    return tuple(one for one in found if one)


def _sample(line: str) -> Sample | None:
    match = _SAMPLE.match(line.lstrip())
    if not match:
        return None
    try:
        value = float(match[3])
    except ValueError:
        return None
    labels = {name: _ESCAPED.sub(_unescape, text) for name, text in _LABEL.findall(match[2] or "")}
    return Sample(match[1], labels, value) if math.isfinite(value) else None


def _unescape(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]


def total(found: tuple[Sample, ...], *names: str) -> float | None:
    """The sum over all series of the first of these names that has any."""
    for name in names:
        values = [one.value for one in found if one.name == name]
        if values:
            return sum(values)
    return None


def highest(found: tuple[Sample, ...], *names: str) -> float | None:
    """The highest value over all series of the first of these names that has any."""
    for name in names:
        values = [one.value for one in found if one.name == name]
        if values:
            return max(values)
    return None


def label(found: tuple[Sample, ...], name: str, metric: str | None = None) -> str | None:
    """The first value of a label, of one metric or of any."""
    told = (one.labels.get(name) for one in found if metric in (None, one.name))
    return next((value for value in told if value), None)

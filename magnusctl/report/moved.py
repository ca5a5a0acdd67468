"""How far a fetch is, in words: `fetching 12.3 of 37.2 GiB, 84 MiB/s, 5 min left`. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

_MIB = 1 << 20
_GIB = 1 << 30
_WINDOW_S = 30.0


@dataclass(frozen=True)
class Moved:
    """So many bytes of all are there; `rate` is in bytes a second, 0 where it is not known."""

    bytes: int
    total: int
    rate: float = 0.0

    @property
    def words(self) -> str:
        """As a person reads it."""
        size, unit = (_GIB, "GiB") if self.total >= _GIB else (_MIB, "MiB")
        parts = [f"fetching {self.bytes / size:.1f} of {self.total / size:.1f} {unit}"]
        if self.rate:
            rate = self.rate / _MIB
            parts.append(f"{rate:.0f} MiB/s" if rate >= 10 else f"{rate:.1f} MiB/s")
            parts.append(f"{_time(max(0, self.total - self.bytes) / self.rate)} left")
        return ", ".join(parts)


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@dataclass
class Pace:
    """How fast it was of late, by the host's own clock: so a replayed journal tells the same."""

    _seen: list[tuple[float, int]] = field(default_factory=list)

    def moved(self, time: str, count: int, total: int) -> Moved:
        """Take in one line of a journal."""
        at = _seconds(time)
        if at is None:
            return Moved(count, total)
        self._seen = [one for one in self._seen if 0 <= at - one[0] <= _WINDOW_S]
        self._seen.append((at, count))
        (begin, before), seconds = self._seen[0], at - self._seen[0][0]
        rate = (count - before) / seconds if begin < at and count > before else 0.0
        return Moved(count, total, rate)


def _seconds(time: str) -> float | None:
    try:
        return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None

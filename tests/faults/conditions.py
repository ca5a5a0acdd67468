"""What a link is like at the moment: its speed, its delay, what ends it, what it lets through."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

Way = Literal["up", "down"]
WAYS: tuple[Way, Way] = ("up", "down")


@dataclass
class Conditions:
    """Shared by all connections of a proxy; bytes and seconds, one way each."""

    rate: float | None = None
    delay: float = 0.0
    limits: dict[Way, int] = field(default_factory=dict)
    cuts_left: int = 0
    stalls: bool = False
    reset: bool = True
    drops_left: int = 0
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _free_at: dict[Way, float] = field(default_factory=lambda: dict.fromkeys(WAYS, 0.0))

    def due(self, way: Way, length: int, now: float) -> float:
        """When the last of some bytes arrives that are sent now, behind what is on its way."""
        if self.rate is not None:
            self._free_at[way] = max(now, self._free_at[way]) + length / self.rate
            now = self._free_at[way]
        return now + self.delay

    def chunk(self) -> int:
        """How much to take at once: little on a slow link, so that bytes come evenly."""
        return 65536 if self.rate is None else max(64, int(self.rate / 20))

    def window(self) -> int:
        """How much may be on its way; a sender waits for the rest, as TCP makes it."""
        if self.rate is None:
            return 1 << 20
        return max(2 * self.chunk(), int(self.rate * (2 * self.delay + 0.1)))

    def room(self, way: Way, passed: int) -> int | None:
        """How many bytes may still pass before the cut; None for all."""
        if not self.cuts_left or way not in self.limits:
            return None
        return max(0, self.limits[way] - passed)

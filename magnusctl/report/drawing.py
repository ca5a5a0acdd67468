"""Where things stand in the pictures of a page: hosts, links between them, lines of history.

All lengths are in the units of an SVG's view box; a page scales it to its width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, BOX_WIDTH, BOX_HEIGHT = 480.0, 132.0, 50.0
LABELLED = 8
"""Hosts up to which there is room for words on the lines between them."""


@dataclass(frozen=True)
class Box:
    """A host: the middle of its box."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Cable:
    """A line between two boxes, and where its label stands."""

    name: str
    x1: float
    y1: float
    x2: float
    y2: float
    label_x: float
    label_y: float


def places(names: Sequence[str]) -> tuple[list[Box], float]:
    """The boxes of some hosts, and the height of the drawing: in the corners, on a ring, or in rows
    of three where a ring would be too narrow."""
    count = len(names)
    if count <= 4:
        spots, height = _corners(count)
    elif count <= LABELLED:
        height = count * 62.0 + BOX_HEIGHT
        across, down = (WIDTH - BOX_WIDTH) / 2 - 6, (height - BOX_HEIGHT) / 2 - 6
        turns = [2 * math.pi * (n / count - 0.25) for n in range(count)]
        spots = [
            (WIDTH / 2 + across * math.cos(turn), height / 2 + down * math.sin(turn))
            for turn in turns
        ]
    else:
        height = math.ceil(count / 3) * 2.4 * BOX_HEIGHT
        step = (WIDTH - BOX_WIDTH - 8) / 2
        # A little aside of its neighbours, so that a line to the third is not behind the second.
        spots = [
            (
                BOX_WIDTH / 2 + 4 + n % 3 * step,
                (n // 3 + 0.5 + (n % 3 - 1) * 0.12) * 2.4 * BOX_HEIGHT,
            )
            for n in range(count)
        ]
    pairs = zip(names, spots, strict=True)
    return [Box(name, round(x, 1), round(y, 1)) for name, (x, y) in pairs], height


def _corners(count: int) -> tuple[list[tuple[float, float]], float]:
    """One in the middle, two side by side, more in the corners of a square."""
    square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)][:count]
    at = {1: [(0.5, 0.5)], 2: [(0.0, 0.5), (1.0, 0.5)]}.get(count, square)
    height = 2 * BOX_HEIGHT if count <= 2 else 5.6 * BOX_HEIGHT
    across, down = WIDTH - BOX_WIDTH - 12, height - BOX_HEIGHT - 12
    left, top = BOX_WIDTH / 2 + 6, BOX_HEIGHT / 2 + 6
    return [(left + x * across, top + y * down) for x, y in at], height


def cables(boxes: Sequence[Box], links: Mapping[str, tuple[str, str]]) -> list[Cable]:
    """The lines of some links, by name; those between the same two hosts stand side by side."""
    at = {box.name: box for box in boxes}
    between: dict[frozenset[str], int] = {}
    found = []
    for name, (one, two) in links.items():
        if one not in at or two not in at:
            continue
        nth = between.get(frozenset((one, two)), 0)
        between[frozenset((one, two))] = nth + 1
        a, b = at[one], at[two]
        length = math.hypot(b.x - a.x, b.y - a.y) or 1.0
        # Aside by a right angle, on alternating sides.
        aside = 26.0 * ((nth + 1) // 2) * (1 if nth % 2 else -1)
        dx, dy = -(b.y - a.y) / length * aside, (b.x - a.x) / length * aside
        ends = (a.x + dx, a.y + dy, b.x + dx, b.y + dy)
        x1, y1, x2, y2 = (round(value, 1) for value in ends)
        found.append(Cable(name, x1, y1, x2, y2, round((x1 + x2) / 2, 1), round((y1 + y2) / 2, 1)))
    return found


def spark(values: Sequence[float], width: float, height: float) -> str:
    """The points of a line through some values, the last at the right edge; none for one value."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = width / (len(values) - 1)
    points = (
        f"{number * step:.1f},{height - 2 - (value - low) / span * (height - 4):.1f}"
        for number, value in enumerate(values)
    )
    return " ".join(points)

"""Windows of time: does one apply, until when, and when next. The caller says what time it is.

A window is read off the clock on the wall: it applies while that clock, in the window's zone, shows
a time from `from` until before `to`. So a time that a day skips does not come, and one that a day
repeats counts both times. A window over midnight belongs to the day on which it begins.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from magnusctl.inventory.windows import DAYS, Window

_MINUTE = timedelta(minutes=1)
# A window of one day a week comes within it, even when that day is a holiday once.
_AHEAD_MINUTES = 15 * 24 * 60


def applies(window: Window, now: datetime) -> bool:
    """Whether the window applies at a moment."""
    wall = _wall(window, now)
    clock, today = f"{wall:%H:%M}", wall.date()
    if window.begins < window.ends:
        return window.begins <= clock < window.ends and _begins_on(window, today)
    if clock >= window.begins:
        return _begins_on(window, today)
    return clock < window.ends and _begins_on(window, today - timedelta(days=1))


def until(window: Window, now: datetime) -> datetime | None:
    """When a window that applies ends, in its own zone; None when not within two weeks."""
    return _first(window, now, applying=False)


def next_open(window: Window, now: datetime) -> datetime | None:
    """When a window that does not apply begins, in its own zone; None when not in two weeks."""
    return _first(window, now, applying=True)


def told(window: Window, moment: datetime, now: datetime) -> str:
    """A moment in the fewest words: `16:15 Australia/Sydney`, with its day if it is not today."""
    wall, today = _wall(window, moment), _wall(window, now).date()
    near = timedelta(0) <= wall.date() - today < timedelta(days=7)
    day = "" if wall.date() == today else f"{wall:%a} " if near else f"{wall:%Y-%m-%d} "
    return f"{day}{wall:%H:%M} {window.timezone}"


def _wall(window: Window, now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return now.astimezone(ZoneInfo(window.timezone))


def _begins_on(window: Window, day: date) -> bool:
    return DAYS[day.weekday()] in window.days and day not in window.holidays


def _first(window: Window, now: datetime, *, applying: bool) -> datetime | None:
    """Minute by minute: where a clock is put forward or back, no arithmetic is as right as that."""
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    for _ in range(_AHEAD_MINUTES):
        minute += _MINUTE
        if applies(window, minute) is applying:
            return _wall(window, minute)
    return None

"""Windows of time: wall clocks, midnights, holidays, and the days that skip or repeat an hour."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from magnusctl.inventory.windows import DAYS, Window
from magnusctl.windows import applies, next_open, told, until

SYDNEY = ZoneInfo("Australia/Sydney")
# 2026-04-05: at 03:00 the clocks of Sydney go back to 02:00. 2026-10-04: at 02:00 forward to 03:00.
ASX: dict[str, Any] = {"timezone": "Australia/Sydney", "from": "09:50", "to": "16:15"}
NIGHT: dict[str, Any] = {**ASX, "days": ("sat",), "from": "22:00", "to": "06:00"}
EARLY: dict[str, Any] = {**ASX, "days": ("sun",), "from": "02:15", "to": "02:45"}
ALWAYS: dict[str, Any] = {**ASX, "days": DAYS}


def window(given: dict[str, Any], **more: Any) -> Window:
    return Window.model_validate({**given, **more})


def sydney(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SYDNEY, fold=fold)


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-03-04 09:49:59", False),
        ("2026-03-04 09:50", True),
        ("2026-03-04 16:14:59", True),
        ("2026-03-04 16:15", False),
        ("2026-03-07 12:00", False),
        ("2026-03-08 12:00", False),
        ("2026-04-03 12:00", False),
        ("2026-04-07 12:00", True),
    ],
    ids=["before", "first", "last", "end", "saturday", "sunday", "holiday", "after holidays"],
)
def test_a_window_applies_from_its_first_minute_until_before_its_end(
    moment: str, open_: bool
) -> None:
    exchange = window(ASX, holidays=("2026-04-03", "2026-04-06"))
    assert applies(exchange, sydney(moment)) is open_
    assert applies(exchange, sydney(moment).astimezone(UTC)) is open_


@pytest.mark.parametrize(
    ("utc", "open_"),
    [
        # 09:50 in Sydney: UTC+11 in summer, UTC+10 in winter.
        ("2026-04-02 22:49", False),
        ("2026-04-02 22:50", True),
        ("2026-04-06 23:49", False),
        ("2026-04-06 23:50", True),
        ("2026-10-01 23:50", True),
        ("2026-10-04 22:50", True),
        ("2026-10-05 05:15", False),
    ],
)
def test_the_clock_on_the_wall_decides_on_both_sides_of_a_change(utc: str, open_: bool) -> None:
    moment = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert applies(window(ASX), moment) is open_


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-10-03 21:59", False),
        ("2026-10-03 22:00", True),
        ("2026-10-04 01:59", True),
        ("2026-10-04 03:00", True),
        ("2026-10-04 05:59", True),
        ("2026-10-04 06:00", False),
        ("2026-10-04 23:00", False),
        ("2026-10-03 05:00", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_of_its_beginning(
    moment: str, open_: bool
) -> None:
    assert applies(window(NIGHT), sydney(moment)) is open_


def test_a_holiday_takes_the_whole_night_that_begins_on_it() -> None:
    night = window(NIGHT, holidays=("2026-10-03",))
    assert not applies(night, sydney("2026-10-03 23:00"))
    assert not applies(night, sydney("2026-10-04 05:00"))
    assert applies(window(NIGHT, holidays=("2026-10-04",)), sydney("2026-10-04 05:00"))


@pytest.mark.parametrize(
    ("moment", "hours"),
    [("2026-10-03 22:00", 7), ("2026-04-04 22:00", 9), ("2026-05-02 22:00", 8)],
    ids=["an hour is skipped", "an hour is repeated", "a plain night"],
)
def test_a_night_ends_at_six_however_long_it_was(moment: str, hours: int) -> None:
    began = sydney(moment)
    end = until(window(NIGHT), began)
    assert end
    assert f"{end:%H:%M}" == "06:00"
    assert end.astimezone(UTC) - began.astimezone(UTC) == timedelta(hours=hours)


def test_a_time_that_the_day_skips_does_not_come() -> None:
    day = datetime(2026, 10, 3, 14, tzinfo=UTC)  # midnight in Sydney
    assert not any(applies(window(EARLY), day + timedelta(minutes=n)) for n in range(6 * 60))
    following = next_open(window(EARLY), day)
    assert following == sydney("2026-10-11 02:15")


def test_a_time_that_the_day_repeats_counts_both_times() -> None:
    early = window(EARLY)
    for fold in (0, 1):
        assert not applies(early, sydney("2026-04-05 02:14", fold))
        assert applies(early, sydney("2026-04-05 02:15", fold))
        assert not applies(early, sydney("2026-04-05 02:45", fold))
    first = next_open(early, sydney("2026-04-05 00:00"))
    assert first
    assert first.utcoffset() == timedelta(hours=11)
    again = next_open(early, sydney("2026-04-05 02:50", 0))
    assert again
    assert again.utcoffset() == timedelta(hours=10)


def test_a_window_that_ends_in_a_skipped_hour_ends_where_the_clock_jumps() -> None:
    end = until(window(EARLY, **{"from": "01:00", "to": "02:30"}), sydney("2026-10-04 01:30"))
    assert end == sydney("2026-10-04 03:00")


@pytest.mark.parametrize(
    ("begin", "end", "inside", "outside"),
    [
        ("00:00", "24:00", ["03-07 00:00", "03-07 23:59"], ["03-06 23:59", "03-08 00:00"]),
        ("22:00", "24:00", ["03-07 22:00", "03-07 23:59"], ["03-07 21:59", "03-08 00:00"]),
        ("22:00", "00:00", ["03-07 22:00", "03-07 23:59"], ["03-07 21:59", "03-08 00:00"]),
    ],
)
def test_midnight_is_an_end(begin: str, end: str, inside: list[str], outside: list[str]) -> None:
    saturday = window(NIGHT, **{"from": begin, "to": end})
    assert [m for m in inside if not applies(saturday, sydney(f"2026-{m}"))] == []
    assert [m for m in outside if applies(saturday, sydney(f"2026-{m}"))] == []


@pytest.mark.parametrize(
    ("zone", "utc", "open_"),
    [
        ("Asia/Kolkata", "2026-03-04 04:20", True),
        ("Australia/Lord_Howe", "2026-04-06 23:20", True),
        ("Pacific/Kiritimati", "2026-03-03 20:00", True),
        ("America/New_York", "2026-03-09 13:50", True),
        ("Europe/London", "2026-03-30 08:50", True),
    ],
)
def test_zones_are_as_odd_as_they_are(zone: str, utc: str, open_: bool) -> None:
    moment = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert applies(window(ASX, timezone=zone), moment) is open_


def test_the_end_and_the_next_beginning_are_in_the_zone_of_the_window() -> None:
    exchange = window(ASX, holidays=("2026-04-03", "2026-04-06"))
    noon = sydney("2026-04-02 12:00").astimezone(UTC)
    end = until(exchange, noon)
    assert end == sydney("2026-04-02 16:15")
    assert end
    assert end.tzinfo == SYDNEY
    assert next_open(exchange, end) == sydney("2026-04-07 09:50")


def test_days_that_touch_are_one_window() -> None:
    days = window(ASX, **{"from": "00:00", "to": "24:00"})
    assert until(days, sydney("2026-03-02 12:00")) == sydney("2026-03-07 00:00")


def test_what_never_ends_or_never_begins_has_no_time_for_it() -> None:
    always = window(ALWAYS, **{"from": "00:00", "to": "24:00"})
    assert until(always, sydney("2026-03-04 12:00")) is None
    holidays = tuple(f"2026-{month:02}-{day:02}" for month in (3, 4) for day in range(1, 31))
    assert next_open(window(ASX, holidays=holidays), sydney("2026-03-04 12:00")) is None


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-03-04 16:15", "16:15 Australia/Sydney"),
        ("2026-03-05 09:50", "Thu 09:50 Australia/Sydney"),
        ("2026-03-10 09:50", "Tue 09:50 Australia/Sydney"),
        ("2026-03-11 09:50", "2026-03-11 09:50 Australia/Sydney"),
    ],
)
def test_a_moment_is_told_in_the_fewest_words(moment: str, text: str) -> None:
    now = sydney("2026-03-04 12:00").astimezone(UTC)
    assert told(window(ASX), sydney(moment), now) == text


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        applies(window(ASX), datetime(2026, 3, 4, 12))


_DAYS = st.sets(st.sampled_from(ALWAYS["days"]), min_size=1).map(tuple)
_TIMES = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@given(
    _DAYS,
    st.tuples(_TIMES, _TIMES).filter(lambda pair: pair[0] != pair[1]),
    st.sampled_from(["Australia/Sydney", "America/New_York", "Asia/Kolkata", "UTC"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
)
@example(("sat",), ("22:00", "02:30"), "Australia/Sydney", datetime(2026, 4, 4, 15, 40))
@example(("mon", "tue", "wed"), ("00:01", "00:00"), "America/New_York", datetime(2026, 1, 1, 2))
@example(("sun",), ("01:00", "02:30"), "Australia/Sydney", datetime(2026, 10, 3, 15, 30))
def test_it_applies_at_every_minute_before_its_end_and_not_at_its_end(
    days: tuple[str, ...], times: tuple[str, str], zone: str, moment: datetime
) -> None:
    any_ = window(ASX, days=days, timezone=zone, **{"from": times[0], "to": times[1]})
    now = moment.replace(tzinfo=UTC)
    if not applies(any_, now):
        return
    end = until(any_, now)
    assert end
    end = end.astimezone(UTC)
    assert not applies(any_, end)
    assert applies(any_, end - timedelta(seconds=1))
    minutes = range(int((end - now).total_seconds() - 1) // 60 + 1)
    for minute in random.Random(0).sample(minutes, min(20, len(minutes))):
        assert applies(any_, now + timedelta(minutes=minute))

"""How far a fetch is, in words."""

from __future__ import annotations

import io
import json

import pytest

from magnusctl.report import Status, StepDone
from magnusctl.report.jsonl import JsonReport
from magnusctl.report.live import Live
from magnusctl.report.moved import Moved, Pace
from magnusctl.report.text import console

MIB = 1 << 20
GIB = 1 << 30


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        (Moved(0, 5 * MIB), "fetching 0.0 of 5.0 MiB"),
        (Moved(1, 0), "fetching 0.0 of 0.0 MiB"),
        (Moved(12 * GIB, 37 * GIB, 84.0 * MIB), "fetching 12.0 of 37.0 GiB, 84 MiB/s, 5 min left"),
        (Moved(4 * MIB, 5 * MIB, 2.5 * MIB), "fetching 4.0 of 5.0 MiB, 2.5 MiB/s, 1 s left"),
        (Moved(0, 200 * GIB, 20.0 * MIB), "fetching 0.0 of 200.0 GiB, 20 MiB/s, 2 h 51 min left"),
        (Moved(6 * MIB, 5 * MIB, 20.0 * MIB), "fetching 6.0 of 5.0 MiB, 20 MiB/s, 0 s left"),
    ],
)
def test_what_has_come_is_told_in_words(moved: Moved, words: str) -> None:
    assert moved.words == words


def at(second: int) -> str:
    """A time of a host's journal."""
    return f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}Z"


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    pace = Pace()
    assert pace.moved(at(0), 0, 1000).rate == 0
    assert pace.moved(at(10), 100, 1000).rate == 10
    assert pace.moved(at(40), 700, 1000).rate == 20
    assert pace.moved(at(41), 700, 1000).rate == 0


def test_a_clock_that_is_set_back_and_words_that_are_no_time_tell_no_rate() -> None:
    pace = Pace()
    pace.moved(at(50), 0, 1000)
    assert pace.moved(at(10), 500, 1000).rate == 0
    assert pace.moved("T", 600, 1000).rate == 0
    assert pace.moved(at(10), 700, 1000).rate == 0


def _step(moved: Moved) -> StepDone:
    return StepDone("host", 0, 3, ("artifact:/m",), Status.RUNNING, moved)


def test_a_log_tells_it_at_once_and_then_not_for_a_minute() -> None:
    stream = io.StringIO()
    live = Live(console(stream))
    for count in (1, 2, 3):
        live.step(_step(Moved(count * MIB, 9 * MIB)))
    assert stream.getvalue() == "host  1/3  artifact:/m  fetching 1.0 of 9.0 MiB\n"


def test_programs_are_told_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    JsonReport().step(_step(Moved(1, 9, 2.5)))
    told = json.loads(capsys.readouterr().out)
    assert (told["type"], told["bytes"], told["total"], told["rate"]) == ("moved", 1, 9, 2.5)
    assert (told["host"], told["number"]) == ("host", 0)

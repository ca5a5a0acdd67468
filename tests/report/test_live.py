"""While a person is asked something nothing is drawn over it, and nobody is kept waiting."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console

from magnusctl.report import Status, StepDone
from magnusctl.report.live import Live


def _step(number: int) -> StepDone:
    return StepDone("host", number, 3, (f"file:/{number}",), Status.OK)


def _tell(live: Live) -> None:
    live.step(_step(1))
    live.note("host", "lost")


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_what_happens_during_a_question_is_told_after_it(terminal: bool) -> None:
    out = io.StringIO()
    live = Live(Console(file=out, force_terminal=terminal, width=80))
    live.step(_step(0))
    with live.hushed():
        before = out.getvalue()
        teller = threading.Thread(target=_tell, args=(live,))
        teller.start()
        teller.join(5)
        assert not teller.is_alive()
        assert out.getvalue() == before
    live.close()
    told = out.getvalue()[len(before) :]
    assert "host  lost" in told
    assert "file:/1" in told
    assert told.index("file:/1") < told.index("host  lost") or terminal

"""What happens while people wait: bars on a terminal, lines elsewhere; heard from many threads."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from magnusctl.quote import unicode_fits, visible
from magnusctl.report import Checked, Outcome, Status, StepDone

if TYPE_CHECKING:
    from rich.console import Console

    from magnusctl.report.progress import Bars, Parts

_MINUTE_S = 60.0


class Live:
    """Tells it at once, or, while a person is asked something, afterwards."""

    def __init__(self, stream: Console) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._parts: Parts | None = None
        self._untold: list[Callable[[], None]] | None = None
        self._moved: dict[str, float] = {}

    def step(self, event: StepDone) -> None:
        """A step began or ended."""
        self._tell(partial(self._step, event))

    def note(self, host: str, text: str) -> None:
        """A sentence about a host."""
        self._tell(partial(self._note, visible(f"{host}  {text}")))

    def outcome(self, outcome: Outcome) -> None:
        """A host is done."""
        self._tell(partial(self._outcome, outcome))

    def checked(self, event: Checked) -> None:
        """A part of a verification is under way or done."""
        self._tell(partial(self._checked, event))

    @contextlib.contextmanager
    def hushed(self) -> Iterator[None]:
        """See Report.hushed. Whoever tells something is not kept waiting: they hear hosts."""
        with self._lock:
            self._close()
            self._untold = []
        try:
            yield
        finally:
            with self._lock:
                untold, self._untold = self._untold or [], None
                for tell in untold:
                    tell()

    def close(self) -> None:
        """Leave the terminal as it was."""
        with self._lock:
            self._close()

    def _tell(self, tell: Callable[[], None]) -> None:
        with self._lock:
            if self._untold is None:
                tell()
            else:
                self._untold.append(tell)

    def _close(self) -> None:
        if self._bars:
            self._bars.close()
            self._bars = None
        if self._parts:
            self._parts.close()
            self._parts = None

    def _step(self, event: StepDone) -> None:
        if self._stream.is_terminal and os.environ.get("TERM") != "dumb":
            self._draw(event)
        elif event.moved or event.status is not Status.RUNNING:
            self._line(event)

    def _line(self, event: StepDone) -> None:
        """In a log, what has come so far is told once a minute."""
        now = time.monotonic()
        if event.moved and now - self._moved.get(event.host, -_MINUTE_S) < _MINUTE_S:
            return
        if event.moved:
            self._moved[event.host] = now
        place = f"{event.number + 1}/{event.total}"
        what = visible(", ".join(event.resources))
        how = event.moved.words if event.moved else event.status.value
        self._stream.print(f"{event.host}  {place}  {what}  {how}")

    def _checked(self, event: Checked) -> None:
        """Drawn where somebody looks; in a log only what is done, and what takes long."""
        if self._stream.is_terminal and os.environ.get("TERM") != "dumb":
            if self._parts is None:
                from magnusctl.report.progress import Parts

                self._parts = Parts(self._stream, ascii_only=not unicode_fits(sys.stderr))
            self._parts.show(event)
        elif event.results is None and event.doing:
            self._stream.print(f"{event.what}  measuring {visible(event.doing)}")

    def _draw(self, event: StepDone) -> None:
        if self._bars is None:
            from magnusctl.report.progress import Bars

            self._bars = Bars(self._stream)
        self._bars.step(event)

    def _note(self, line: str) -> None:
        if self._bars:
            self._bars.note(line)
        elif self._parts:
            self._parts.note(line)
        else:
            self._stream.print(line)

    def _outcome(self, outcome: Outcome) -> None:
        if self._bars:
            self._bars.done(outcome)

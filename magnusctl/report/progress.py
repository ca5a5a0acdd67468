"""One bar, or one line, per host on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from magnusctl.quote import visible
from magnusctl.report import Checked, Outcome, Status, StepDone
from magnusctl.report.verified import tally


class Bars:
    """Live progress; drawn only where somebody looks."""

    def __init__(self, stream: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[host]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[what]}"),
            console=stream,
            transient=True,
        )
        self._tasks: dict[str, int] = {}
        self._progress.start()

    def step(self, event: StepDone) -> None:
        """Move a host's bar."""
        if event.host not in self._tasks:
            task = self._progress.add_task("", total=event.total, host=event.host, what="")
            self._tasks[event.host] = int(task)
        task_id = self._progress.task_ids[list(self._tasks).index(event.host)]
        ended = event.status is not Status.RUNNING
        self._progress.update(
            task_id,
            completed=event.number + (1 if ended else 0),
            what=event.moved.words if event.moved else visible(", ".join(event.resources))[:60],
        )

    def note(self, line: str) -> None:
        """A line above the bars; it stays."""
        self._progress.console.print(line)

    def done(self, outcome: Outcome) -> None:
        """Say how a host ended."""
        if outcome.host in self._tasks:
            task_id = self._progress.task_ids[list(self._tasks).index(outcome.host)]
            self._progress.update(task_id, what="failed" if outcome.error else "done")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()


MANY = 12


class Parts:
    """A line for each part of a verification: under way, or what it came to."""

    def __init__(self, stream: Console, *, ascii_only: bool) -> None:
        self._ascii = ascii_only
        self._progress = Progress(
            SpinnerColumn("line" if ascii_only else "dots", finished_text=" "),
            TextColumn("{task.fields[part]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[what]}"),
            console=stream,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._progress.start()

    def show(self, event: Checked) -> None:
        """What a part is doing now, or that it is done."""
        if event.what not in self._tasks:
            task = self._progress.add_task("", total=1, part=event.what, what="")
            self._tasks[event.what] = task
        done = event.results is not None
        what = (
            tally(event.results or (), ascii_only=self._ascii) if done else event.doing or "asking"
        )
        # Where there are many, only those are shown that are waited for.
        shown = not done or len(self._tasks) <= MANY
        self._progress.update(
            self._tasks[event.what],
            completed=1 if done else 0,
            what=visible(what)[:70],
            visible=shown,
        )

    def note(self, line: str) -> None:
        """A line above; it stays."""
        self._progress.console.print(line)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

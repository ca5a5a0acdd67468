"""One bar per host on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from magnusctl.quote import visible
from magnusctl.report import Outcome, Status, StepDone


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
            what=visible(", ".join(event.resources))[:60],
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

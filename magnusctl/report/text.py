"""What people read: results on stdout, progress on stderr, colour only on a terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import TYPE_CHECKING, TextIO

from magnusctl.errors import MagnusError
from magnusctl.quote import sh, unicode_fits, visible
from magnusctl.report import (
    Checked,
    Garbage,
    JobLine,
    Outcome,
    Planned,
    StepDone,
    Verdict,
    Verified,
    verified,
)
from magnusctl.report.describe import count, disruption_lines, lines, text_diff, title
from magnusctl.report.live import Live
from magnusctl.report.past import history_lines, job_lines
from magnusctl.state import Action

if TYPE_CHECKING:
    from rich.console import Console

_COLOURS = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.DELETE: "red",
    Action.RESTART: "magenta",
    Action.UNKNOWN: "cyan",
}


def console(stream: TextIO) -> Console:
    """A console that never wraps, guesses or interprets; NO_COLOR is respected by it."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            """Rich would exit with 1, which here means a fault of ours."""
            raise BrokenPipeError

    return Plain(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)


class TextReport:
    """Plans, progress and results for people."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self.out = console(sys.stdout)
        self.err = console(sys.stderr)
        self._live = Live(self.err)
        self._ascii = not unicode_fits(sys.stdout)
        self._width = min(100, self.out.width) if self.out.is_terminal else 100

    def _say(self, text: str, style: str = "") -> None:
        text = repeated(text, sys.argv[1:])
        self.out.print(_encodable(text, sys.stdout), style=style or None)

    def plans(self, planned: Sequence[Planned], *, diff: bool, then: str = "") -> None:
        width = max((len(item.host) for item in planned), default=0) + 2
        for item in planned:
            for line in item.news:
                self.note(item.host, line)
        for item in planned:
            self._plan(item, width, diff)
        self._say("")
        self._say(_summary(planned))
        if then and any(item.plan for item in planned):
            self._say(then)

    def _plan(self, item: Planned, width: int, diff: bool) -> None:
        note = "   (simulated host)" if item.simulated else ""
        if item.error or item.plan is None:
            self._say(f"{item.host:<{width}}could not be planned{note}", "bold red")
            if item.error:
                self._say(visible(_indented(str(item.error))))
            return
        head = f"{title(item)}{note}"
        self._say(f"{item.host:<{width}}{head}", "bold" if item.plan.changes else "")
        for change, line in lines(item.plan, self._width):
            self._say(f"  {change.action.value} {line}", _COLOURS[change.action])
            old = (item.texts or {}).get(change.resource.name)
            for text in text_diff(change, old) if diff else ():
                self._say(f"      {text}", _diff_colour(text))
        if item.disruptions:
            self._say("  Disruptions", "bold")
        for line in disruption_lines(item.disruptions, self._width):
            self._say(_indented(_indented(line)), "magenta")
        if item.held and not item.disruptions and not item.frozen:
            self._say(visible(_indented(f"{item.held.message}\n{item.held.detail}")), "magenta")

    def step(self, event: StepDone) -> None:
        self._live.step(event)

    def note(self, host: str, text: str) -> None:
        self._live.note(host, text)

    def outcome(self, outcome: Outcome) -> None:
        self._live.outcome(outcome)

    def said(self, what: str, host: str, text: str) -> None:
        self._say(visible(text))

    def hushed(self) -> AbstractContextManager[None]:
        return self._live.hushed()

    def outcomes(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        self.close()
        width = max((len(item.host) for item in outcomes), default=0) + 2
        self._say("")
        for item in outcomes:
            self._outcome(item, width)
        held = [item for item in outcomes if item.held]
        failed = [item for item in outcomes if item.error and not item.held]
        total = count(sum(item.changed for item in outcomes), "change")
        end = f"{len(failed)} of {count(len(outcomes), 'host')} failed." if failed else "Done."
        alone = f" {count(len(held), 'host')} left alone." if held else ""
        style = "bold red" if failed else "bold"
        self._say(f"{end} {total} made in {seconds:.1f} s.{alone}", style)
        made = [item for item in outcomes if item.changed]
        if made:
            words = f"{made[0].host} {made[0].job}" if len(made) == 1 else "HOST JOB"
            self._say(f"Undo with:  magnusctl rollback {words}")

    def jobs(self, host: str, found: Sequence[JobLine]) -> None:
        self._say(f"{host}" if found else f"{host}  no jobs", "bold")
        for line in job_lines(found):
            self._say(visible(f"  {line}"))

    def history(self, found: Sequence[Mapping[str, object]]) -> None:
        for line in history_lines(found):
            self._say(visible(line))

    def garbage(self, host: str, found: Sequence[Garbage], *, gone: bool) -> None:
        total = sum(one.kilobytes for one in found)
        self._say(f"{host}  {total} KiB {'removed' if gone else 'would go'}", "bold")
        for one in found:
            self._say(visible(f"  {one.kind:<10} {one.kilobytes:>8} KiB  {one.name}"))

    def errors(self, found: Sequence[MagnusError]) -> None:
        for error in found:
            print_error(error)

    def close(self) -> None:
        self._live.close()

    def _outcome(self, item: Outcome, width: int) -> None:
        verdict = Verdict.SKIP if item.held else Verdict.FAIL if item.error else Verdict.PASS
        sign, colour = verified.sign(verdict, self._ascii)
        what = count(item.changed, "change") + " made" if item.statuses else "no changes"
        what = "left alone" if item.held else what
        job = f"   job {item.job}" if item.job else ""
        self._say(f"{item.host:<{width}}{sign} {what:<18}{item.seconds:>6.1f} s{job}", colour)
        if item.error:
            self._say(visible(_indented(str(item.error))))

    def checked(self, event: Checked) -> None:
        self._live.checked(event)

    def results(self, found: Verified) -> None:
        for line, style in verified.lines(found, self._width, self._verbose, self._ascii):
            self._say(line, style)

    def drawn(self, draw: Callable[[int, bool], Iterable[tuple[str, str]]]) -> None:
        """What a module beside this one draws, for a width and for letters only or all signs."""
        for line, style in draw(self._width, self._ascii):
            self._say(line, style)


def _summary(planned: Sequence[Planned]) -> str:
    plans = [item.plan for item in planned if item.plan is not None]
    failed = len(planned) - len(plans)
    total = sum(len(plan) for plan in plans)
    if not plans:
        return f"No plan: {count(failed, 'host')} could not be asked."
    if not total:
        same = f"0 changes: {count(len(plans), 'host')} as declared."
        return same + (f" {count(failed, 'host')} could not be planned." if failed else "")
    hosts = sum(bool(plan) for plan in plans)
    text = f"{count(total, 'change')} on {count(hosts, 'host')}"
    restarts = sum(plan.restarts for plan in plans)
    text += f", {count(restarts, 'restart')}" if restarts else ""
    boots = sum(plan.reboots for plan in plans)
    text += f", {count(boots, 'host')} {'boots' if boots == 1 else 'boot'}" if boots else ""
    held = sum(item.held is not None for item in planned)
    text += f"; {count(held, 'host')} held back" if held else ""
    return text + (f"; {count(failed, 'host')} could not be planned." if failed else ".")


def _diff_colour(line: str) -> str:
    return {"+": "green", "-": "red"}.get(line[:1], "dim")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


_PLAIN = {ord("→"): "->", ord("←"): "<-", ord("…"): "...", ord("–"): "-", ord("±"): "+-"}
_PLAIN |= {ord("≥"): ">=", ord("≤"): "<=", ord("°"): "", ord("×"): "x", ord("−"): "-"}


def _encodable(text: str, stream: TextIO) -> str:
    """Text that a stream can show: signs that it has not in letters, others as question marks."""
    encoding = stream.encoding or "ascii"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return text.translate(_PLAIN).encode("ascii", "replace").decode()
    return text


_COMMAND = re.compile(
    r"magnusctl (plan|provision|trust|verify|probe|attach|jobs|history|rollback)( [^\s]+)*"
)


def repeated(text: str, arguments: Sequence[str]) -> str:
    """A text whose commands name the inventory and overlays that this command was given."""
    named = [
        words
        for option, value in pairwise(arguments)
        if option in ("-i", "--inventory", "--overlay")
        for words in (option, value)
    ]
    if not named:
        return text
    return _COMMAND.sub(lambda match: f"{match[0]} {sh(*named)}", text)


def print_error(error: MagnusError) -> None:
    """An error, as one thing to read: what, where, why, and what to type next."""
    stream = console(sys.stderr)
    end = "   " if error.hint or not error.detail else "\n"
    text = repeated(visible(f"{error}{end}(exit {int(error.exit_code)})"), sys.argv[1:])
    if not unicode_fits(sys.stderr):
        text = text.translate({ord("│"): "|", ord("→"): ">", ord("…"): "...", ord("·"): "."})
    stream.print(text)

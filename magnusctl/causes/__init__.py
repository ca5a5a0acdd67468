"""Why a deployment of a model failed: one of a closed list, told by the log. No I/O.

What counts, the first that tells something:

1. that the machine slept, and that the kernel killed for want of memory: no log knows better;
2. a line of the newest start that tells a cause by itself, the first one in it: what comes after is
   a consequence. What was said before a server became ready, it survived;
3. that something was killed, by the log or by a supervisor: it mostly could not say it itself;
4. time-outs and connections, of the log and then of the step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from magnusctl.causes.nextsteps import next_step
from magnusctl.causes.signs import (
    ADVICE,
    FIGURES,
    FOR_CACHE,
    FOR_WEIGHTS,
    LOADS,
    MORE,
    READY,
    STARTS,
    Cause,
    Sign,
)
from magnusctl.causes.wordings import KILLED, SIGNS, WEAK
from magnusctl.quote import visible

__all__ = ["Cause", "Diagnosis", "diagnose"]

MOST_LINES, MOST_CHARACTERS, LONGEST_LINE = 4000, 1 << 20, 2000
"""Of a log, counted from its end; of a line, from its begin."""
_SHOWN, _FIGURE = 300, 200
_AHEAD = 6
_FETCHING = {Cause.gated_repo, Cause.unreachable, Cause.timeout}
_SURE = {"asleep": Cause.asleep, "oom-kill": Cause.killed_by_os}
_ENDED = {
    **{"signal KILL": Cause.killed_by_os, "signal 9": Cause.killed_by_os},
    **{"timeout": Cause.timeout, "unreachable": Cause.unreachable},
}
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]{0,30}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,300}(?:\x07|\x1b\\))")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STAMPS = re.compile(
    r"\S{2,6} +\d{1,2} \d\d:\d\d:\d\d \S{1,80} [^\s:\[]{1,80}(?:\[\d{1,9}\])?: ?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,20} \S{1,80} [^\s:\[]{1,80}\[\d{1,9}\]: ?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,20} (?:\| |- )?"
    r"|[\w.-]{1,40} {0,20}\| +|\([\w-]{1,40}(?: \w{1,20}=[\w.]{1,40},?){1,4}\) ?|\[rank\d{1,4}\]: ?"
    r"|(?:CRITICAL|ERROR|WARNING|INFO|DEBUG) \d\d-\d\d \d\d:\d\d:\d\d \[?[\w./]{1,80}:\d{1,6}\] ?"
    r"|(?:CRITICAL|ERROR|WARNING) - |\d{1,4}\.\d\d\.\d{3}\.\d{3} [A-Z] (?:srv +|slot +|cmn +)?"
)
_SAID = re.compile(
    r"^(?:[\w.]{1,80}\.)?[A-Z]\w{1,60}(?:Error|Exception)\b: \S|^[Ee]rror: \S|^curl: \(\d|"
    r"terminate called|error loading model:|^panic: |[Ss]egmentation fault"
)
_VAGUE = re.compile(r"root cause (?:above|in)|for root cause|initialization failed")


@dataclass(frozen=True)
class Diagnosis:
    """Why it failed, the line that tells it, what the log itself says of sizes and names, and what
    to do next. Of `unknown`, the figure is the error that was said first, if any was."""

    cause: Cause
    line: str = ""
    figure: str = ""
    next: str = ""


@dataclass(frozen=True)
class _Found:
    sign: Sign
    match: re.Match[str]
    number: int
    start: int


def diagnose(
    engine: str, log: Sequence[str], *, model: str = "", host: str = "", ended: str = ""
) -> Diagnosis:
    """The cause, by the log of an engine (vllm, llamacpp, mlx, ollama) or of a downloader (hf,
    curl), and by what a supervisor says of its end: oom-kill, signal KILL, exit 1, timeout, asleep,
    unreachable."""
    lines = _lines(log)
    course = _Course()
    for number, line in enumerate(lines):
        course.take(number, line)
    names = (engine, model, host)
    if ended in _SURE:
        killed = course.killed if _SURE[ended] is Cause.killed_by_os else None
        return _diagnosis(_SURE[ended], killed, lines, names)
    by_end = _ENDED.get(ended)
    found = course.strong or course.killed
    if not found and by_end is not Cause.killed_by_os:
        found = course.weak
    if found:
        return _diagnosis(found.sign.cause or _wanted_for(lines, found), found, lines, names)
    if by_end:
        return _diagnosis(by_end, None, lines, names)
    return _diagnosis(Cause.unknown, None, lines, names, "" if course.ready else _said(lines))


def _diagnosis(
    cause: Cause,
    found: _Found | None,
    lines: Sequence[str],
    names: tuple[str, str, str],
    figure: str = "",
) -> Diagnosis:
    line = _shown(_from(lines[found.number], found.match), _SHOWN) if found else ""
    figure = _shown(_figure(cause, found, lines) if found else figure, _FIGURE)
    flag = re.search(r"-[\w-]{1,60}", figure) if cause is Cause.bad_flag else None
    port = figure if cause is Cause.port_taken else ""
    name = found.sign.instead if found and found.sign.instead else cause
    return Diagnosis(
        cause, line, figure, next_step(name, *names, flag=flag[0] if flag else "", port=port)
    )


class _Course:
    """What the starts of a log told, up to a line; of each kind, the first of the newest start."""

    def __init__(self) -> None:
        self.strong: _Found | None = None
        self.killed: _Found | None = None
        self.weak: _Found | None = None
        self.ready = False
        self._start = 0

    def take(self, number: int, line: str) -> None:
        if READY.search(line):
            self.strong = self.killed = self.weak = None
            self.ready = True
            return
        if STARTS.search(line):
            self.ready, self._start = False, number
        if LOADS.search(line):
            self._fetched()
        if not ADVICE.search(line):
            self.strong = self._newer(self.strong, SIGNS, number, line)
            self.killed = self._newer(self.killed, KILLED, number, line)
            if not self.ready:
                self.weak = self._newer(self.weak, WEAK, number, line)

    def _fetched(self) -> None:
        """The files came after all."""
        if self.strong and self.strong.sign.cause in _FETCHING:
            self.strong = None
        self.weak = None

    def _newer(
        self, before: _Found | None, signs: Iterable[Sign], number: int, line: str
    ) -> _Found | None:
        if before and before.start == self._start:
            return before
        for sign in signs:
            match = sign.words.search(line)
            if match:
                return _Found(sign, match, number, self._start)
        return before


def _wanted_for(lines: Sequence[str], found: _Found) -> Cause:
    """What memory was wanted for: the line itself and the next ones decide, as llama.cpp says it
    after, then the nearest one before, as a traceback does."""
    after = lines[found.number : found.number + _AHEAD]
    before = lines[found.start : found.number]
    for line in (*after, *reversed(before)):
        if FOR_WEIGHTS.search(line):
            return Cause.oom_weights
        if FOR_CACHE.search(line):
            return Cause.oom_kv
    return Cause.oom_weights


def _figure(cause: Cause, found: _Found, lines: Sequence[str]) -> str:
    parts = [_filled(found.match, found.sign.figure) or _elsewhere(cause, found, lines)]
    more = (
        _filled(match, template)
        for of, words, template in MORE
        if of is cause and (match := words.search(lines[found.number]))
    )
    return "; ".join(part for part in (*parts, *more) if part)


def _elsewhere(cause: Cause, found: _Found, lines: Sequence[str]) -> str:
    ahead = lines[found.number : found.number + 2 * _AHEAD]
    behind = lines[found.start : found.number]
    for of, words, template in FIGURES:
        if of is cause:
            for line in (*ahead, *reversed(behind)):
                if match := words.search(line):
                    return _filled(match, template)
    return ""


def _filled(match: re.Match[str], template: str) -> str:
    """The template with the groups; parts between semicolons whose groups are not there go."""
    parts = [
        match.expand(part)
        for part in template.split("; ")
        if all(match[int(group)] for group in re.findall(r"\\(\d)", part))
    ]
    return re.sub(r"\b(\d{7,18}) bytes\b", _gib, "; ".join(parts).strip())


def _gib(match: re.Match[str]) -> str:
    return f"{int(match[1]) / 2**30:.2f} GiB"


def _said(lines: Sequence[str]) -> str:
    """The first error that is said, of those that say something."""
    said = (line for line in map(_bare, lines) if _SAID.search(line) and not _VAGUE.search(line))
    return next(said, "")


def _lines(log: Sequence[str]) -> list[str]:
    """The end of the log, without colours, control characters and what overwrites itself."""
    found: list[str] = []
    left = MOST_CHARACTERS
    for raw in reversed(log[-MOST_LINES:]):
        for text in reversed(re.split(r"[\r\n]+", _ESCAPE.sub("", raw[: 8 * LONGEST_LINE]))):
            line = _CONTROL.sub("", text)[:LONGEST_LINE].rstrip()
            left -= len(line)
            if left < 0 or len(found) >= MOST_LINES:
                return found[::-1]
            if line:
                found.append(line)
    return found[::-1]


def _bare(line: str) -> str:
    """A line without the stamps of journals, containers, workers and loggers."""
    for _ in range(8):
        match = _STAMPS.match(line)
        if not match or match.end() == len(line):
            break
        line = line[match.end() :]
    return line.strip()


def _from(line: str, match: re.Match[str]) -> str:
    """The line, from a little before the words where these are far behind its begin."""
    return "…" + line[match.start() - 40 :] if match.start() > _SHOWN - 60 else line


def _shown(line: str, most: int) -> str:
    """One bare line that a terminal can show."""
    text = visible(_bare(line))
    return text if len(text) <= most else text[: most - 1] + "…"

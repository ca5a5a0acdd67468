"""`launchctl list`, `launchctl list LABEL` and `launchctl print`: what launchd knows of jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, integer, plain_lines

_ROW = re.compile(r"\s{0,8}([0-9]{1,10}|-)\s{1,20}(-?[0-9]{1,10}|-)\s{1,20}(\S.{0,200})")
_BEGIN = re.compile(r"(\s{0,40})(\S.{0,200}?) = \{")
_NUMBER = re.compile(r"^[0-9]{1,6}[:-](?=\s)")
_PAIR = re.compile(r"\s{0,40}([a-z][a-z ()]{1,40}) = (.{1,4000})")
_OF_LIST = re.compile(r"\s{1,40}\"([A-Za-z]{2,40})\" = \"?([^\"]{0,4000}?)\"?;")
_MISSING = re.compile(r"Could not find (?:service|domain|specified service)|No such process")
_FAILED = re.compile(r"(?:failed|Failed): [0-9]{1,4}: |Unrecognized target specifier")
_ALONE = {"state", "pid", "runs", "last exit code"}  # what is left where lines were picked


@dataclass(frozen=True)
class Job:
    """A job of launchd; pid and last_exit_code are None while it has none.

    last_exit_code is the code that the process ended with; it is None also after a signal.
    """

    label: str | None = None
    state: str | None = None
    pid: int | None = None
    runs: int | None = None
    last_exit_code: int | None = None
    last_terminating_signal: str | None = None
    type: str | None = None
    path: str | None = None
    program: str | None = None
    domain: str | None = None
    last_exit_status: int | None = None
    """Of `launchctl list LABEL`: the status of wait(2), 256 for a code of 1, 15 for a SIGTERM."""


@dataclass(frozen=True)
class Listed:
    """A row of the list; status is the last exit code, or minus the signal."""

    label: str
    pid: int | None
    status: int | None


@dataclass(frozen=True)
class Launchd:
    """found is None where the output does not say whether there is the one that was asked for."""

    found: bool | None = None
    job: Job | None = None
    rows: tuple[Listed, ...] | None = None


def parse(text: str) -> Launchd:
    """A list, one job, or that there is no such job."""
    lines = plain_lines(text)
    if any(map(_MISSING.search, lines)):
        return Launchd(found=False)
    job = _printed(lines, text) or _of_list(lines)
    if job:
        return Launchd(True, job)
    rows = tuple(_rows(lines))
    heading = any(line.split() == ["PID", "Status", "Label"] for line in lines)
    return Launchd(rows=rows if rows or heading else None)


def facts(text: str) -> Facts:
    """The facts of one job at the top; of a list, the rows counted and by their labels."""
    launchd, lines = parse(text), plain_lines(text)
    job, rows = launchd.job or Job(), launchd.rows
    return {
        "found": launchd.found,
        **{name: getattr(job, name) for name in Job.__dataclass_fields__},
        "rows": None if rows is None else len(rows),
        "jobs": {row.label: {"pid": row.pid, "status": row.status} for row in rows or ()},
        "running": None if rows is None else sum(row.pid is not None for row in rows),
        "error": _error(lines),
    }


def _rows(lines: list[str]) -> Iterator[Listed]:
    for line in lines:
        match = _ROW.fullmatch(line)
        if match:
            yield Listed(match[3].strip(), integer(match[1]), integer(match[2]))


def _printed(lines: list[str], text: str) -> Job | None:
    """The job of `launchctl print`, whose inner blocks repeat the names of the outer."""
    begin = next((at for at, line in enumerate(lines) if _BEGIN.fullmatch(line)), -1)
    head = _BEGIN.fullmatch(lines[begin]) if begin >= 0 else None
    if not head:
        return _picked(lines)
    inside, end = lines[begin + 1 :], f"{head[1]}}}"
    if end not in inside and not text.endswith(("\n", "\r")):
        inside = inside[:-1]  # a line that was cut tells nothing
    pairs = dict(_first_level(inside, end))
    return _job(pairs, head[2].rpartition("/")[2].strip('"') or None) if pairs else None


def _picked(lines: list[str]) -> Job | None:
    """The job of single lines, as grep leaves them, with -n too; its own come first."""
    pairs: dict[str, str] = {}
    bare = (_NUMBER.sub("", line) for line in lines)
    for match in filter(None, map(_PAIR.fullmatch, bare)):
        pairs.setdefault(match[1], match[2].strip())
    return _job(pairs, None) if _ALONE & pairs.keys() else None


def _job(pairs: Mapping[str, str], label: str | None) -> Job:
    return Job(
        label=label,
        state=pairs.get("state"),
        pid=integer(pairs.get("pid")),
        runs=integer(pairs.get("runs")),
        last_exit_code=integer(pairs.get("last exit code", "").partition(":")[0]),
        last_terminating_signal=pairs.get("last terminating signal"),
        type=pairs.get("type"),
        path=pairs.get("path"),
        program=pairs.get("program"),
        domain=pairs.get("domain"),
    )


def _first_level(lines: list[str], end: str) -> Iterator[tuple[str, str]]:
    """The pairs that are indented as the first line is, up to the brace that ends the job."""
    indent = next((len(line) - len(line.lstrip()) for line in lines if line.strip()), 0)
    for line in lines:
        if line == end:
            return
        match = _PAIR.fullmatch(line)
        if match and len(line) - len(line.lstrip()) == indent and match[2] != "{":
            yield match[1], match[2].strip()


def _of_list(lines: list[str]) -> Job | None:
    """The job of `launchctl list LABEL`."""
    pairs = {match[1]: match[2] for match in map(_OF_LIST.fullmatch, lines) if match}
    if "Label" not in pairs and "LastExitStatus" not in pairs:
        return None
    pid, code, signal = integer(pairs.get("PID")), *_ended(pairs)
    return Job(
        label=pairs.get("Label"),
        state="running" if pid else "not running",
        pid=pid,
        last_exit_code=code,
        last_terminating_signal=signal,
        program=pairs.get("Program"),
        last_exit_status=integer(pairs.get("LastExitStatus")),
    )


def _ended(pairs: Mapping[str, str]) -> tuple[int | None, str | None]:
    status = integer(pairs.get("LastExitStatus"))
    if status is None or status < 0:
        return status, None
    return (None, str(status & 127)) if status & 127 else (status >> 8, None)


def _error(lines: list[str]) -> str | None:
    said = (line.strip() for line in lines if _MISSING.search(line) or _FAILED.search(line))
    return next(said, None) or complaint(lines, "launchctl")

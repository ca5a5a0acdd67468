"""Proof that a service was left alone: the same process, scheduled as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from magnusctl.quote import sh
from magnusctl.state import Probe

_POLICIES = {"0": "OTHER", "1": "FIFO", "2": "RR", "3": "BATCH", "5": "IDLE", "6": "DEADLINE"}


_NONE = "- - - - -"


class _Process(NamedTuple):
    """The main process of a unit; `-` is what a host does not say, or no process at all."""

    pid: str
    started: str
    policy: str
    priority: str
    cpus: str


def probe(units: Sequence[str]) -> Probe[Mapping[str, str]]:
    """Which process each unit runs as now: `PID STARTTIME POLICY PRIORITY AFFINITY`."""

    def parse(lines: Sequence[str]) -> Mapping[str, str]:
        return {unit: " ".join(_read(line)) for unit, line in zip(units, lines, strict=True)}

    words = sh("ask_undisturbed", *units)
    return Probe("undisturbed", words, len(units), parse, ("checks/undisturbed.sh",))


def _read(line: str) -> _Process:
    """Raises ValueError for a line that is not five words."""
    pid, started, policy, priority, cpus = line.split(" ")
    return _Process(pid, started, policy, priority, cpus)


def disturbed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What became of services that ran before, a sentence for each thing; none is the proof."""
    return [
        f"{unit} {what}"
        for unit, line in before.items()
        if _read(line).pid != "-"
        for what in _differences(_read(line), _read(after.get(unit, _NONE)))
    ]


def _differences(was: _Process, is_now: _Process) -> Iterator[str]:
    if is_now.pid == "-":
        yield f"stopped: it ran as process {was.pid}"
    elif (was.pid, was.started) != (is_now.pid, is_now.started):
        yield f"was restarted: it ran as process {was.pid} and runs as {is_now.pid}"
    else:
        if (was.policy, was.priority) != (is_now.policy, is_now.priority):
            yield f"was scheduled as {_scheduled(was)} and is as {_scheduled(is_now)}"
        if was.cpus != is_now.cpus:
            yield f"might run on the CPUs {was.cpus} and may now on {is_now.cpus}"


def _scheduled(process: _Process) -> str:
    return f"{_POLICIES.get(process.policy, process.policy)} {process.priority}"

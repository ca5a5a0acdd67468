"""One run of one contender: wall seconds, CPU seconds of the control side, commands per host."""

import re
import resource
import subprocess
import time
from dataclasses import dataclass

from benchmarks.field import Field

_RUN_SECONDS = 180
_NO_CHANGE = re.compile(r"0 changes: (\d+) hosts as declared\.")
_GRAND_TOTAL = re.compile(r"Grand total +(\d+) +(\S+) +(\S+) +(\d+)")


class BenchmarkError(Exception):
    """A run failed, or did something else than it was timed for."""


@dataclass(frozen=True)
class Sample:
    """What one run took; `execs` is per host."""

    wall: float
    cpu: float
    execs: float


@dataclass(frozen=True)
class Run:
    """A sample, and what the run printed."""

    sample: Sample
    said: str


def run(field: Field, contender: str, *words: str) -> Run:
    """Run a contender once on the lab's control side. Raises BenchmarkError when it fails."""
    argv = [*field.commands()[contender], *words]
    execs = sum(field.execs().values())
    cpu, start = _cpu(), time.perf_counter()
    try:
        done = field.lab.control(argv, timeout=_RUN_SECONDS, env=field.environment())
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{contender}: not done in {_RUN_SECONDS} s") from None
    wall, used = time.perf_counter() - start, _cpu() - cpu
    said = f"{done.stdout}\n{done.stderr}"
    if done.returncode:
        raise BenchmarkError(f"{contender}: exit {done.returncode}\n{said[-3000:]}")
    hosts = len(field.lab.hosts)
    return Run(Sample(wall, used, (sum(field.execs().values()) - execs) / hosts), said)


def _cpu() -> float:
    """CPU seconds of all ended children; the lab's own processes live on and do not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def expect_no_change(contender: str, done: Run, hosts: int) -> None:
    """Raise BenchmarkError unless the contender said itself that nothing was to be done."""
    if contender == "magnusctl":
        said = _NO_CHANGE.search(done.said)
        quiet = bool(said) and said is not None and said[1] == str(hosts)
    elif contender == "pyinfra":
        total = _GRAND_TOTAL.search(done.said)
        quiet = total is not None and total[1] == total[4] and {total[2], total[3]} == {"-"}
    else:
        return
    if not quiet:
        raise BenchmarkError(f"{contender}: not a no-op:\n{done.said[-3000:]}")


def expect_changes(contender: str, done: Run, least: int) -> None:
    """Raise BenchmarkError unless a cold run really had everything to do."""
    if contender == "magnusctl":
        match = re.search(r"Done\. (\d+) changes made", done.said)
    else:
        match = re.search(r"Grand total +\d+ +(\d+) +-", done.said)
    if match is None or int(match[1]) < least:
        raise BenchmarkError(f"{contender}: not a cold run:\n{done.said[-3000:]}")

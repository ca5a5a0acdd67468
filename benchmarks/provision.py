"""How long `provision` takes: `python -m benchmarks.provision [--rounds N] [--quick] [--notes]`.

Four lab hosts, magnusctl and pyinfra and the floors in turn, at 0 and at 100 ms round trip.
A benchmark is no test: nothing is too slow here, but a run that fails ends it.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

from benchmarks import table
from benchmarks.field import NAMES, Field
from benchmarks.measure import BenchmarkError, Sample, expect_changes, expect_no_change, run
from benchmarks.table import Row
from tests.lab import lab
from tests.lab.system import LabError

RESULTS = Path(__file__).parent / "results.json"
ROUND_TRIPS_MS = (0.0, 100.0)
QUICK_ONES = ("magnusctl", "floor (SSHClient)", "floor (lean)")
COLD = ("pyinfra", "magnusctl")
CHANGES = 33 * len(NAMES)
# All four services, whose units are declared: only magnusctl knows what it started them with.
UNMARKED = f"{4 * len(NAMES)} changes on {len(NAMES)} hosts, {4 * len(NAMES)} restarts."

Samples = dict[tuple[str, str], list[Sample]]


def measure(rtt: float, rounds: int, slow_rounds: int) -> list[Row]:
    """Everything at one round trip."""
    delays = dict.fromkeys(NAMES, rtt) if rtt else None
    with lab(NAMES, delays=delays) as running:
        field = Field(running)
        samples: Samples = defaultdict(list)
        for number in range(slow_rounds):
            _cold(field, samples, prove=number == 0)
        for number in range(rounds):
            _no_op(field, samples, slow=number < slow_rounds)
    return [Row(rtt, task, name, taken) for (task, name), taken in sorted(samples.items())]


def _cold(field: Field, samples: Samples, *, prove: bool) -> None:
    """Bare hosts for one, bare hosts for the other; each then has nothing left to do."""
    for name in COLD:
        field.make_bare()
        done = run(field, name)
        expect_changes(name, done, CHANGES)
        samples["cold", name].append(done.sample)
        _tell(f"cold {name}", done.sample)
        if prove:
            _agree(field, name)


def _agree(field: Field, first: str) -> None:
    """After one contender's run, neither that one nor the other finds anything to change.

    But for one thing: pyinfra stores nowhere what it started a service with, so magnusctl starts
    every service once again.
    """
    expect_no_change(first, run(field, first), len(NAMES))
    if first == "pyinfra":
        settled = run(field, "magnusctl")
        if UNMARKED not in settled.said:
            raise BenchmarkError(f"magnusctl after pyinfra, not restarts only:\n{settled.said}")
    other = "magnusctl" if first == "pyinfra" else "pyinfra"
    expect_no_change(other, run(field, other), len(NAMES))


def _no_op(field: Field, samples: Samples, *, slow: bool) -> None:
    """One round: each contender once, in turn."""
    for name in (*QUICK_ONES, *(("pyinfra",) if slow else ())):
        done = run(field, name)
        expect_no_change(name, done, len(NAMES))
        samples["no-op", name].append(done.sample)
        _tell(f"no-op {name}", done.sample)


def _tell(what: str, sample: Sample) -> None:
    print(f"  {what:<26}{sample.wall:8.3f} s", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.provision")
    parser.add_argument("--rounds", type=int, default=9, help="no-op rounds (default 9)")
    parser.add_argument("--quick", action="store_true", help="3 rounds, one of pyinfra")
    parser.add_argument("--notes", action="store_true", help="put the table into NOTES.md")
    return parser.parse_args()


def main() -> int:
    """Measure, print, write."""
    wanted = _arguments()
    rounds, slow = (3, 1) if wanted.quick else (max(1, min(wanted.rounds, 100)), 3)
    rows: list[Row] = []
    started = time.monotonic()
    try:
        for rtt in ROUND_TRIPS_MS:
            print(f"{rtt:g} ms round trip", file=sys.stderr)
            rows += measure(rtt, rounds, min(slow, rounds))
    except (BenchmarkError, LabError) as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    print(table.draw(rows))
    print(f"measured in {time.monotonic() - started:.0f} s", file=sys.stderr)
    RESULTS.write_text(json.dumps(table.as_json(rows), indent=1) + "\n")
    if wanted.notes:
        table.write_notes(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

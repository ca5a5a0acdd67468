"""How near the fit planner is to what others measured.

`python -m benchmarks.fit [--rows FILE.csv --configs DIR] [--control heads|bpw|gb] [--json]`

Exit 0 when every gate holds, 9 when one does not. Sizes are GiB (2^30 bytes).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import fit_controls, fit_score, fit_table
from benchmarks.fit_controls import CONTROLS, Ask
from benchmarks.fit_rivals import RIVALS
from benchmarks.fit_rows import DATA, Observation, read_rows, request, unseen_files
from benchmarks.fit_score import Answer, Gate, Mark
from magnusctl.errors import Exit, MagnusError

ROWS, CONFIGS = DATA / "observations.csv", DATA / "configs"


@dataclass(frozen=True)
class Scored:
    """What a run of the scorer found; the planner is the first contender."""

    contenders: Mapping[str, Sequence[Mark]]
    gates: Sequence[Gate]
    eye: Sequence[str]

    @property
    def passed(self) -> bool:
        """Whether no gate failed; one without a row says nothing."""
        return all(gate.passed is not False for gate in self.gates)


def planner() -> Ask:
    """The planner itself, in process."""
    found: Callable[[Mapping[str, Any]], Mapping[str, object]]
    found = import_module("magnusctl.fit.batch").answer
    return found


def score(ask: Ask, rows: Sequence[Observation], seen: Sequence[Observation] = ()) -> Scored:
    """Ask all, and hold the answers against the rows; files that `seen` names count no more."""
    files = unseen_files(rows, seen)
    answers = _answers(ask, rows)
    # The other speed of a pair may be a row that was seen.
    halves = [row for row in seen if "offload_tps" in row.fields]
    ids = frozenset(row.row_id for row in rows)
    pairs = fit_score.offload_marks([*rows, *halves], {**_answers(ask, halves), **answers}, ids)
    ours = [*fit_score.marks(rows, answers, files), *pairs]
    mixtures = [row for row in rows if row.moe]
    widened, narrowed = (
        fit_score.marks(mixtures, _answers(made_wrong(ask), mixtures), files)
        for made_wrong in (fit_controls.all_experts_read, fit_controls.active_experts_only)
    )
    gates = [*fit_score.gates(ours), *fit_score.mixture_gates(widened, narrowed)]
    rivals = {
        name: fit_score.marks(rows, _answers(rival, rows), files) for name, rival in RIVALS.items()
    }
    eye = fit_table.by_eye(rows, answers)
    return Scored({"planner": ours, **rivals}, gates, eye)


def _answers(ask: Ask, rows: Sequence[Observation]) -> dict[str, Answer]:
    return {row.row_id: ask(request(row)) for row in rows}


def _seen() -> list[Observation]:
    """The rows that everybody knows, under names that no other row has."""
    return [replace(row, row_id=f"seen {row.row_id}") for row in read_rows(ROWS, CONFIGS)]


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit")
    parser.add_argument("--rows", type=Path, default=ROWS, help="observations, as CSV")
    parser.add_argument("--configs", type=Path, default=CONFIGS, help="folder of config.json files")
    parser.add_argument("--control", choices=sorted(CONTROLS), help="answer wrongly on purpose")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Score, print, and say by the exit code whether every gate holds."""
    wanted = _arguments(words)
    try:
        rows = read_rows(wanted.rows, wanted.configs)
        seen = [] if wanted.rows.resolve() == ROWS.resolve() else _seen()
        ask = planner()
        scored = score(CONTROLS[wanted.control](ask) if wanted.control else ask, rows, seen)
    except MagnusError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    shown = (scored.contenders, scored.gates, scored.eye)
    if wanted.json:
        print(json.dumps(fit_table.as_json(*shown), indent=1))
    else:
        print(fit_table.draw(*shown))
    return Exit.OK if scored.passed else Exit.CHECK_FAILED


if __name__ == "__main__":
    sys.exit(main())

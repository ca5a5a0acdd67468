"""The table in docs/roles.md, from the marks of the tests: `python -m dev.coverage`.

A test says with `covers(ROLE, KIND, WHAT)` which cell it fills, and with "SIMULATED" that no real
machine of the kind was there. No cell is filled by hand.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "roles.md"
BEGIN, END = "<!-- coverage: generated from the tests -->", "<!-- end of coverage -->"
ROLES = ("base", "network", "storage", "cuda", "inference", "training", "trading")
KINDS = ("Linux", "macOS")
COLUMNS = {
    "rendered": "rendered",
    "validated": "validated",
    "demo": "demo",
    "applied": "applied in lab",
    "verified": "verified",
    "removed": "removed",
}
Cell = tuple[str, str, str]


class Collector:
    """A plugin of pytest: the marks of everything that it collects."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Print a line for every mark."""
        for item in session.items:
            for mark in item.iter_markers("covers"):
                print("COVERS", *mark.args)


def cells() -> dict[Cell, tuple[int, bool]]:
    """For every cell the number of tests, and whether all of them are simulated."""
    code = "import pytest, sys; from dev.coverage import Collector; "
    code += "sys.exit(pytest.main(['--collect-only', '-q', '-p', 'no:xdist', '-m', '', 'tests'], "
    code += "plugins=[Collector()]))"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    found: dict[Cell, tuple[int, bool]] = {}
    for line in told.splitlines():
        if not line.startswith("COVERS "):
            continue
        role, kind, what, *simulated = line.split()[1:]
        count, all_simulated = found.get((role, kind, what), (0, True))
        found[role, kind, what] = (count + 1, all_simulated and bool(simulated))
    return found


def table(found: dict[Cell, tuple[int, bool]]) -> Iterator[str]:
    """The lines of the table; a dash is what no test shows."""
    unknown = [c for c in found if c[0] not in ROLES or c[1] not in KINDS or c[2] not in COLUMNS]
    if unknown:
        raise SystemExit(f"no such cell: {unknown[0]}")
    yield f"| role | host | {' | '.join(COLUMNS.values())} |"
    yield f"|---|---|{'---|' * len(COLUMNS)}"
    for role in ROLES:
        for kind in KINDS:
            row = [_shown(found.get((role, kind, what))) for what in COLUMNS]
            if any(cell != "–" for cell in row):
                yield f"| `{role}` | {kind} | {' | '.join(row)} |"


def _shown(cell: tuple[int, bool] | None) -> str:
    if cell is None:
        return "–"
    count, simulated = cell
    return f"{count} SIMULATED" if simulated else str(count)


def page(text: str, lines: Iterator[str]) -> str:
    """The page with the table in its place."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}"


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(page(PAGE.read_text(), table(cells())))


if __name__ == "__main__":
    main()

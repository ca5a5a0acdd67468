"""Many runs become numbers, a table for people, and the block of NOTES.md."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Sample

NOTES = Path(__file__).parent / "NOTES.md"
_BEGIN, _END = "<!-- table: begin -->", "<!-- table: end -->"
_FLOORS = ("floor (SSHClient)", "floor (lean)")
_HEAD = ("rtt ms", "task", "contender", "runs", "wall s", "min-max", "cpu s", "execs/host")
_RATIOS = ("x floor (SSHClient)", "x floor (lean)", "pyinfra / it")


@dataclass(frozen=True)
class Row:
    """What one contender took for one task at one round trip."""

    rtt: float
    task: str
    contender: str
    samples: Sequence[Sample]

    @property
    def wall(self) -> float:
        """The median."""
        return median(sample.wall for sample in self.samples)

    @property
    def cpu(self) -> float:
        """The median."""
        return median(sample.cpu for sample in self.samples)

    @property
    def execs(self) -> float:
        """The median, per host."""
        return median(sample.execs for sample in self.samples)


def as_json(rows: Iterable[Row]) -> dict[str, Any]:
    """Everything that was measured, and where."""
    return {"when": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), "rows": _plain(rows)}


def _plain(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        {
            "rtt_ms": row.rtt,
            "task": row.task,
            "contender": row.contender,
            "wall_s": round(row.wall, 4),
            "cpu_s": round(row.cpu, 4),
            "execs_per_host": row.execs,
            "walls_s": [round(sample.wall, 4) for sample in row.samples],
        }
        for row in rows
    ]


def machine() -> dict[str, Any]:
    """The class of machine; nothing that names it."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "paramiko": version("paramiko"),
        "pyinfra": version("pyinfra"),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def draw(rows: Sequence[Row]) -> str:
    """The table as aligned text."""
    walls = {(row.rtt, row.task, row.contender): row.wall for row in rows}
    lines = [(*_HEAD, *_RATIOS), *(_line(row, walls) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(_cell(column, cell, width) for column, (cell, width) in enumerate(both)).rstrip()
        for both in (tuple(zip(line, widths, strict=True)) for line in lines)
    )


def _cell(column: int, cell: str, width: int) -> str:
    return f"{cell:<{width}}" if column in (1, 2) else f"{cell:>{width}}"


def _line(row: Row, walls: Mapping[tuple[float, str, str], float]) -> tuple[str, ...]:
    least, most = (end(sample.wall for sample in row.samples) for end in (min, max))
    floors = [walls.get((row.rtt, "no-op", floor)) for floor in _FLOORS]
    slow = walls.get((row.rtt, row.task, "pyinfra"))
    return (
        *(f"{row.rtt:g}", row.task, row.contender, str(len(row.samples)), f"{row.wall:.3f}"),
        *(f"{least:.3f}-{most:.3f}", f"{row.cpu:.2f}", f"{row.execs:g}"),
        *(f"{row.wall / floor:.2f}" if floor else "-" for floor in floors),
        f"{slow / row.wall:.1f}" if slow else "-",
    )


def write_notes(rows: Sequence[Row]) -> None:
    """Put the table between the markers of NOTES.md."""
    before, _, rest = NOTES.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    where = machine()
    load = "/".join(f"{value:.2f}" for value in where["load"])
    what = (
        f"{datetime.now(UTC):%Y-%m-%d}; {where['cores']} cores, {where['memory_gib']} GiB, "
        f"{where['system']}, Python {where['python']}, Paramiko {where['paramiko']}, "
        f"pyinfra {where['pyinfra']}; load average after the run {load} (its own share included)."
    )
    NOTES.write_text(f"{before}{_BEGIN}\n{what}\n\n```\n{draw(rows)}\n```\n{_END}{after}")

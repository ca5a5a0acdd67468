"""One page that a person would rather look at: whole in itself, with no script and no network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from magnusctl.checks.throughput import format_gbit
from magnusctl.inventory.budgets import models_of, usable_memory
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.select import variables_of
from magnusctl.inventory.units import format_bits_per_second
from magnusctl.quote import visible
from magnusctl.report import Result, Verdict, Verified, counts
from magnusctl.report.drawing import (
    BOX_HEIGHT,
    BOX_WIDTH,
    LABELLED,
    WIDTH,
    cables,
    places,
    spark,
)
from magnusctl.report.links import is_rate, rows
from magnusctl.report.verified import WORDS, sign, summary

History = Mapping[tuple[str, str], Sequence[tuple[str, float]]]
"""For each measure, by subject and check: times and values, the oldest first."""
SPARK_WIDTH, SPARK_HEIGHT, SPARK_POINTS = 120, 28, 30
_GIB = 1024**3


@dataclass(frozen=True)
class Speed:
    """A row of the models' table: the figure, its target and how full its bar is, in percent."""

    model: str
    host: str
    check: str
    result: Result
    percent: float
    mark: float | None
    points: str
    runs: int


def page(
    found: Verified, inventory: Inventory, names: Sequence[str], past: History, at: str
) -> str:
    """The HTML of a verification of the hosts `names`, done `at` a time."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.lstrip_blocks = True
    environment.filters["shown"] = visible
    source = files("magnusctl.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    others = [r for r in found.results if not is_rate(r)]
    bad = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN)
    order = list(WORDS)
    return environment.from_string(source).render(
        cluster=inventory.cluster,
        at=at,
        found=found,
        summary=summary(found),
        told={word: counts(found.results)[verdict] for verdict, word in WORDS.items()},
        trouble=sorted(
            (r for r in found.results if r.verdict in bad), key=lambda r: order.index(r.verdict)
        ),
        subjects={
            subject: sorted(
                (r for r in others if r.subject == subject), key=lambda r: order.index(r.verdict)
            )
            for subject in dict.fromkeys(r.subject for r in others)
        },
        sign=lambda verdict: sign(verdict, False)[0],
        map=_map(found, inventory, names),
        links=rows(found.results),
        matrix=_matrix(found, names),
        speeds=_speeds(found, past),
        memory=_memory(inventory, names),
    )


def _map(found: Verified, inventory: Inventory, names: Sequence[str]) -> dict[str, Any]:
    boxes, height = places(names)
    links = {n: tuple(link.ends) for n, link in inventory.links.items()}
    pairs = {n: (ends[0], ends[1]) for n, ends in links.items()}
    measured = {row.name: row for row in rows(found.results)}
    lines = []
    for cable in cables(boxes, pairs):
        row = measured.get(cable.name)
        values = [w.measure.value for w in (row.there, row.back) if w and w.measure] if row else []
        speed = format_bits_per_second(inventory.links[cable.name].speed)
        told = format_gbit(min(values) * 1e9) if values else speed
        untold = row is None or row.verdict is Verdict.SKIP
        state = "none" if row is None or untold else row.verdict.value
        lines.append({"at": cable, "told": told, "state": state, "measured": bool(values)})
    hosts = []
    for box in boxes:
        verdicts = counts(r for r in found.results if r.subject == box.name)
        state = next((v.value for v in WORDS if verdicts[v] and v is not Verdict.SKIP), "none")
        host = inventory.hosts[box.name]
        what = host.hardware.gpus[0].name if host.hardware.gpus else host.hardware.cpu or host.os
        what = what.replace("NVIDIA GeForce ", "").replace("NVIDIA ", "")
        hosts.append({"at": box, "what": what[:20], "state": state})
    frame: dict[str, Any] = {"width": WIDTH, "height": height, "box": (BOX_WIDTH, BOX_HEIGHT)}
    frame["labels"] = len(names) <= LABELLED
    return {"hosts": hosts, "links": lines, **frame}


def _matrix(found: Verified, names: Sequence[str]) -> dict[str, Any]:
    """Gbit/s from each host to each; `heat` is the share of the fastest, in percent."""
    values: dict[tuple[str, str], Result] = {}
    for row in rows(found.results):
        for way, ends in ((row.there, (row.one, row.two)), (row.back, (row.two, row.one))):
            if way and way.measure:
                values[ends] = max(
                    (way, values.get(ends, way)), key=lambda r: r.measure.value if r.measure else 0
                )
    best = max((r.measure.value for r in values.values() if r.measure), default=0.0)
    heat = {
        ends: round(100 * r.measure.value / best) if r.measure and best else 0
        for ends, r in values.items()
    }
    measured = [name for name in names if any(name in ends for ends in values)]
    return {"names": measured, "values": values, "heat": heat}


def _speeds(found: Verified, past: History) -> list[Speed]:
    """The models' figures; a bar ends at the most that was ever measured, or beyond its target."""
    speeds = []
    wanted = ("decode", "first-token", "prefill", "total-at-")
    for result in found.results:
        parts = result.check.split(".")
        if parts[0] != "tokens" or result.measure is None:
            continue
        what = parts[-1]
        if not what.startswith(wanted):
            continue
        before = [value for _, value in past.get((result.subject, result.check), ())]
        values = [*before[-SPARK_POINTS + 1 :], result.measure.value]
        target = _number(result.target)
        # With a target the bar ends beyond it, so that its mark can be seen.
        full = max([*values, 1.25 * target] if target else values)
        speeds.append(
            Speed(
                ".".join(parts[1:-1]),
                result.subject,
                what,
                result,
                round(100 * result.measure.value / full, 1) if full else 0.0,
                round(100 * target / full, 1) if target and full else None,
                spark(values, SPARK_WIDTH, SPARK_HEIGHT),
                len(values),
            )
        )
    return speeds


def _number(target: str) -> float | None:
    found = re.match(r"[≥≤] (\d{1,9}(?:\.\d{1,9})?)", target)
    return float(found[1]) if found else None


def _memory(inventory: Inventory, names: Sequence[str]) -> list[dict[str, Any]]:
    """What the models of each host may take of its memory, as declared."""
    bars = []
    for name in names:
        usable, told = usable_memory(inventory.hosts[name], variables_of(inventory, name))
        models = models_of(inventory, name)
        wanted = {m: s.memory for m, s in models.items() if s.memory and s.resident}
        if not usable or not wanted:
            continue
        full = max(usable, sum(wanted.values()))
        parts = [(m, f"{size / _GIB:.1f}", 100 * size / full) for m, size in wanted.items()]
        free = max(0, usable - sum(wanted.values()))
        bars.append(
            {"host": name, "told": told, "parts": parts, "free": f"{free / _GIB:.1f}", "of": usable}
        )
    return bars

"""Models and their releases, as lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from magnusctl.deploying.manage import Standings, differences, history
from magnusctl.releases.garbage import Garbage
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Model
from magnusctl.report.jsonl import emit
from magnusctl.report.text import TextReport

_GIB = 1024**3


def show_list(standings: Standings, simulated: Collection[str], *, json: bool) -> None:
    """One line for each model of each host; of a host it is said where stand-ins answer for it."""
    rows = []
    for host, standing in standings.items():
        for model in standing.models.values():
            values = next(iter(history(model)), {})
            current = next((one for one in history(model) if one["serving"]), values)
            if json:
                named = {"host": host, "model": model.name, "switching": model.switching}
                emit("model", **{**named, **current}, simulated=host in simulated)
            shown = f"{host} (simulated)" if host in simulated else host
            rows.append([shown, model.name, *_cells(model, current)])
    if json:
        return
    if not rows:
        _said("No model was deployed. Begin with:  magnusctl deploy-model MODEL --dry-run")
        return
    head = ["host", "model", "release", "state", "engine", "form", "context", "tok/s", "front"]
    for line in table([head, *rows]):
        _said(line)


def _cells(model: Model, current: dict[str, object]) -> list[str]:
    if not current:
        return ["–", "no release", "", "", "", "", ""]
    state = "serving" if model.running else "down" if model.serving else "stopped"
    if model.switching:
        state = f"cut at {model.switching}"
    speed = current["decode_tps"]
    return [
        str(current["release"]) if model.serving else "–",
        state,
        str(current["engine"]),
        str(current["quant"]),
        f"{current['context']} x {current['sequences']}",
        f"{speed:.1f}" if isinstance(speed, float) else "–",
        str(current["front"]),
    ]


def show_history(host: str, model: Model, *, simulated: bool, json: bool) -> None:
    """One line for each release, the newest first."""
    if simulated and not json:
        _said(f"{host} (simulated host)")
    rows = [["release", "", "made", "by", "form", "engine", "context", "tok/s", "predicted"]]
    for one in history(model):
        if json:
            emit("release", host=host, **one, simulated=simulated)
        speed, likely = one["decode_tps"], one["predicted_tps"]
        mark = "serves" if one["running"] else "down" if one["serving"] else ""
        rows.append(
            [
                str(one["release"]),
                mark or ("" if one["passed"] else "failed"),
                str(one["made"]),
                str(one["by"]),
                str(one["quant"]),
                str(one["engine_version"] or one["engine"]),
                f"{one['context']} x {one['sequences']}",
                f"{speed:.1f}" if isinstance(speed, float) else "–",
                f"{likely:.0f}" if isinstance(likely, float) else "–",
            ]
        )
    for line in table(rows) if not json else ():
        _said(line)


def show_diff(host: str, one: Record, two: Record, *, json: bool) -> None:
    """What differs, a line each."""
    found = [*differences(one, two)]
    for name, before, after in found:
        if json:
            emit("difference", host=host, what=name, before=before, after=after)
        else:
            _said(f"{name:<16}{before or '–'} → {after or '–'}")
    if not found and not json:
        _said(f"{one.label} and {two.label} do not differ in what they serve")


def show_garbage(found: Sequence[Garbage], *, json: bool, gone: bool) -> None:
    """What no model needs."""
    for one in found:
        if json:
            emit("garbage", host=one.host, name=one.what, bytes=one.size, gone=gone)
        else:
            _said(f"{one.host}  {one.size / _GIB:7.1f} GiB  {one.what}")
    if not json:
        whole = sum(one.size for one in found) / _GIB
        _said(f"{len(found)} things, {whole:.1f} GiB in all" if found else "nothing to take away")


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _said(line: str) -> None:
    TextReport().said("models", "", line)

"""A deployment as plain values, and on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from magnusctl.catalogue import all_entries
from magnusctl.converge import Machine
from magnusctl.deploying.deploy import Placed
from magnusctl.deploying.prepare import Prepared
from magnusctl.releases.record import Record
from magnusctl.remedies import Answer, remedies
from magnusctl.report import deployed, fitted
from magnusctl.report.jsonl import emit
from magnusctl.report.text import TextReport


def show_placement(placed: Placed, *, json: bool) -> None:
    """How it fits where it goes; of several hosts what speaks for and against each."""
    several = len({one.host for one in placed.candidates}) > 1
    found, chosen = placed.candidates, placed.chosen
    others = () if several else remedies(placed.wanted, chosen, found, all_entries())
    shown = found if several else found[:1]
    answer = Answer(placed.wanted, shown, tuple(others), table=several)
    if json:
        for kind, values in fitted.objects(answer):
            emit(kind, **values)
        return
    TextReport().drawn(partial(fitted.lines, answer))


def release_of(prepared: Prepared) -> dict[str, Any]:
    """What is wanted, as plain values; sizes are bytes."""
    chosen, files = prepared.chosen, prepared.files
    origin = str(files.folder) if files.folder else f"{files.repository} at {files.revision[:12]}"
    if prepared.lender:
        origin = f"{prepared.lender.host}, which has them, over {prepared.lender.link}"
    return {
        "host": prepared.machine.name,
        "simulated": prepared.machine.simulated,
        "release": asdict(chosen.record),
        "bytes_to_move": 0 if prepared.present else files.size,
        "from": origin,
        "files": len(files.files),
        "switch": _switch(prepared),
        "beside": chosen.beside,
    }


def _switch(prepared: Prepared) -> str:
    chosen = prepared.chosen
    if chosen.why == "nothing runs yet":
        return "nothing runs under this name yet: no outage"
    if chosen.why == "it serves already":
        return f"none: {chosen.record.label} serves already"
    if chosen.beside:
        return f"beside the old one, no outage ({chosen.why})"
    seconds = prepared.wish.record.weights / prepared.wish.disk_bytes_s + 10
    return f"in its place: nobody serves for about {seconds:.0f} s ({chosen.why})"


def show_release(prepared: Prepared, *, json: bool) -> None:
    """What is wanted."""
    values = release_of(prepared)
    if json:
        emit("release", **values)
        return
    report = TextReport()
    for line in deployed.release_lines(values):
        report.said("release", prepared.machine.name, line)
    report.said("release", prepared.machine.name, "")


def show_done(prepared: Prepared, gate: Mapping[str, str], seconds: float, json: bool) -> None:
    """What serves now."""
    values = {**release_of(prepared), "gate": dict(gate)}
    if json:
        emit("deployed", seconds=round(seconds, 1), **values)
        return
    report = TextReport()
    for line in deployed.done_lines(values):
        report.said("deployed", prepared.machine.name, line)


def show_serving(machine: Machine, record: Record, gate: Mapping[str, str], *, json: bool) -> None:
    """Which release serves after a switch."""
    values = {
        "host": machine.name,
        "simulated": machine.simulated,
        "release": asdict(record),
        "gate": dict(gate),
    }
    if json:
        emit("serving", **values)
        return
    for line in deployed.done_lines(values):
        TextReport().said("serving", machine.name, line)

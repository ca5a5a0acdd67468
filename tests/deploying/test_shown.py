"""What is said of a release that serves now, to people and to programs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from magnusctl.deploying.shown import show_done, show_serving
from tests.deploying.scenes import VLLM, ready

Capture = pytest.CaptureFixture[str]
READY = ready(VLLM)
GATE = {"decode_tps": "41.5", "start_s": "7", "outage_s": "3"}


@pytest.mark.parametrize(
    ("simulated", "where"), [(False, "rtx3090"), (True, "rtx3090 (simulated host)")]
)
def test_people_read_who_serves_where_and_how_fast(
    simulated: bool, where: str, capsys: Capture
) -> None:
    machine = replace(READY.machine, simulated=simulated)
    show_serving(machine, READY.chosen.record, GATE, json=False)
    switched = capsys.readouterr().out
    show_done(replace(READY, machine=machine), GATE, 12.0, json=False)
    assert capsys.readouterr().out == switched
    serves, reach = switched.splitlines()
    assert serves.startswith(f"primary r1 serves on {where}, up in 7 s, 41.5 tokens/s")
    assert serves.endswith("; nobody served for 3 s")
    assert reach.endswith("http://10.0.0.2:8000/v1  as  primary")


def test_programs_read_the_same(capsys: Capture) -> None:
    show_serving(READY.machine, READY.chosen.record, GATE, json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["type"], told["host"], told["simulated"]) == ("serving", "rtx3090", False)
    assert (told["release"]["number"], told["gate"]) == (1, GATE)

"""Plans on paper: what is held back, why, and what to type."""

from __future__ import annotations

import json

import pytest

from magnusctl.errors import PreconditionError
from magnusctl.report import Disruption, Planned
from magnusctl.report.jsonl import JsonReport
from magnusctl.report.text import TextReport
from magnusctl.resources.file import File
from magnusctl.state import Action, Change, Plan

FILE = File(path="/etc/x", content="a\n")
PLAN = Plan(
    "linode", (Change(FILE, Action.UPDATE, {**FILE.state(), "content": "old"}, FILE.state()),)
)
FREEZE = "frozen until 16:15 Australia/Sydney (ASX trading hours)"
HELD = PreconditionError(FREEZE, host="linode")
ENGINE = Disruption("linode", "trading-engine", "restarts, because file:/etc/x")
PACKAGES = Disruption("linode", "packages", "nvtop", "linode:packages")


def drawn(item: Planned, capsys: pytest.CaptureFixture[str]) -> list[str]:
    TextReport().plans([item], diff=False)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("item", "head"),
    [
        (Planned("linode", PLAN), "linode  1 change"),
        (Planned("linode", PLAN, frozen=FREEZE, held=HELD), f"linode  {FREEZE}, 1 change waits"),
        (
            Planned("linode", Plan("linode", PLAN.changes * 2), frozen=FREEZE, held=HELD),
            f"linode  {FREEZE}, 2 changes wait",
        ),
        (Planned("linode", PLAN, frozen=FREEZE), f"linode  1 change, although {FREEZE}"),
        (Planned("linode", Plan("linode")), "linode  no changes"),
    ],
    ids=["free", "frozen", "frozen, two", "allowed", "nothing to do"],
)
def test_the_first_line_says_whether_a_host_is_frozen(
    item: Planned, head: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drawn(item, capsys)[0] == head


def test_disruptions_stand_below_the_changes_with_what_allows_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    item = Planned("linode", PLAN, disruptions=(ENGINE, PACKAGES), held=HELD)
    assert drawn(item, capsys)[2:] == [
        "  Disruptions",
        "    trading-engine  restarts, because file:/etc/x"
        "   --allow-disruption linode:trading-engine",
        "    packages        nvtop   allowed by linode:packages",
        "",
        "1 change on 1 host; 1 host held back.",
    ]


def test_a_line_that_would_be_too_long_is_two(capsys: pytest.CaptureFixture[str]) -> None:
    long = Disruption("linode", "trading-engine", f"restarts, because file:/{'x' * 40}")
    lines = drawn(Planned("linode", PLAN, disruptions=(long,)), capsys)
    assert lines[3].endswith("x")
    assert lines[4] == f"{'':<20}--allow-disruption linode:trading-engine"
    assert all(len(line) <= 100 for line in lines)


def test_a_program_reads_disruptions_and_why_a_plan_is_held(
    capsys: pytest.CaptureFixture[str],
) -> None:
    item = Planned("linode", PLAN, disruptions=(ENGINE,), frozen=FREEZE, held=HELD)
    JsonReport().plans([item], diff=False)
    said = json.loads(capsys.readouterr().out)
    assert said["disruptions"] == [
        {
            "what": "trading-engine",
            "why": "restarts, because file:/etc/x",
            "allowed": "",
            "option": "--allow-disruption linode:trading-engine",
        }
    ]
    assert said["frozen"] == FREEZE
    assert (said["held"]["message"], said["held"]["exit_code"]) == (FREEZE, 3)

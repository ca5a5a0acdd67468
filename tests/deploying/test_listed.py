"""Models and their releases as people and programs are shown them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from magnusctl.deploying.listed import (
    show_diff,
    show_garbage,
    show_history,
    show_list,
    table,
)
from magnusctl.releases.garbage import Garbage
from magnusctl.releases.standing import Model, Standing
from tests.deploying.scenes import FIRST, GIB, model

Capture = pytest.CaptureFixture[str]
TWO = model(2, range(1, 4), passed=range(1, 3))


def said(capsys: Capture) -> list[list[str]]:
    """The lines, in words."""
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def objects(capsys: Capture) -> list[dict[str, Any]]:
    """The lines, as programs read them."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("one", "cells"),
    [
        (TWO, "r2 serving vllm AWQ-int4-g128 2048 x 16 42.5 10.0.0.2:8000"),
        (replace(TWO, running=False), "r2 down vllm AWQ-int4-g128 2048 x 16 42.5 10.0.0.2:8000"),
        # Nothing serves: the newest is told, which was never measured.
        (
            replace(TWO, serving=0, running=False),
            "– stopped vllm AWQ-int4-g128 3072 x 16 – 10.0.0.2:8000",
        ),
        (
            replace(TWO, switching="3:gate"),
            "r2 cut at 3:gate vllm AWQ-int4-g128 2048 x 16 42.5 10.0.0.2:8000",
        ),
        (Model("primary"), "– no release"),
    ],
)
def test_each_model_has_a_line(one: Model, cells: str, capsys: Capture) -> None:
    show_list({"box": Standing({"primary": one})}, (), json=False)
    head, line = said(capsys)
    assert " ".join(head) == "host model release state engine form context tok/s front"
    assert line == ["box", "primary", *cells.split()]


def test_programs_read_each_model_by_its_name(capsys: Capture) -> None:
    found = {"box": Standing({"primary": TWO, "empty": Model("empty")}), "other": Standing()}
    show_list(found, ["other"], json=True)
    primary, empty = objects(capsys)
    assert (primary["type"], primary["host"], primary["model"]) == ("model", "box", "primary")
    assert (primary["release"], primary["running"], primary["decode_tps"]) == ("r2", True, 42.5)
    assert (empty["host"], empty["model"], empty["switching"]) == ("box", "empty", "")
    assert "release" not in empty


def test_what_stand_ins_answer_is_named_so(capsys: Capture) -> None:
    found = {"box": Standing({"primary": TWO}), "mac": Standing({"primary": TWO})}
    show_list(found, ["mac"], json=False)
    assert [line[:2] for line in said(capsys)[1:]] == [["box", "primary"], ["mac", "(simulated)"]]
    show_list(found, ["mac"], json=True)
    assert [one["simulated"] for one in objects(capsys)] == [False, True]
    show_history("mac", TWO, simulated=True, json=False)
    assert said(capsys)[0] == ["mac", "(simulated", "host)"]
    show_history("mac", TWO, simulated=True, json=True)
    assert all(one["simulated"] for one in objects(capsys))


def test_without_a_model_it_is_told_how_to_begin(capsys: Capture) -> None:
    show_list({"box": Standing()}, (), json=False)
    assert "deploy-model MODEL --dry-run" in capsys.readouterr().out


def test_the_history_has_the_newest_first_and_what_failed(capsys: Capture) -> None:
    releases = {**TWO.releases, 1: replace(TWO.releases[1], predicted_tps=49.6, made="2026-01-01")}
    show_history("box", replace(TWO, releases=releases), simulated=False, json=False)
    head, *rows = said(capsys)
    assert head[0] == "release"
    assert rows[0][:2] == ["r3", "failed"]
    assert rows[1][:2] == ["r2", "serves"]
    assert rows[1][-2:] == ["42.5", "–"]
    assert rows[2][:2] == ["r1", "2026-01-01"]
    assert rows[2][-2:] == ["41.5", "50"]
    show_history("box", replace(TWO, running=False), simulated=False, json=False)
    assert said(capsys)[2][:2] == ["r2", "down"]
    show_history("box", TWO, simulated=False, json=True)
    found = objects(capsys)
    assert [(one["host"], one["release"]) for one in found] == [
        ("box", "r3"),
        ("box", "r2"),
        ("box", "r1"),
    ]


def test_what_differs_has_a_line_each(capsys: Capture) -> None:
    two = replace(FIRST, number=2, context=8192, arguments=("--seed", "7"))
    show_diff("box", FIRST, two, json=False)
    assert said(capsys) == [
        ["context", "32768", "→", "8192"],
        ["arguments", "–", "→", "--seed", "7"],
    ]
    show_diff("box", FIRST, two, json=True)
    assert [(one["what"], one["before"], one["after"]) for one in objects(capsys)] == [
        ("context", "32768", "8192"),
        ("arguments", "", "--seed 7"),
    ]
    show_diff("box", FIRST, replace(FIRST, number=2), json=False)
    assert "r1 and r2 do not differ" in capsys.readouterr().out


def test_what_goes_is_told_with_its_size(capsys: Capture) -> None:
    found = [Garbage("box", "primary r1", 0, ()), Garbage("box", "/s/qwen-1", 3 * GIB // 2, ())]
    show_garbage(found, json=False, gone=False)
    assert said(capsys) == [
        ["box", "0.0", "GiB", "primary", "r1"],
        ["box", "1.5", "GiB", "/s/qwen-1"],
        ["2", "things,", "1.5", "GiB", "in", "all"],
    ]
    show_garbage(found, json=True, gone=True)
    assert [(one["name"], one["bytes"], one["gone"]) for one in objects(capsys)] == [
        ("primary r1", 0, True),
        ("/s/qwen-1", 3 * GIB // 2, True),
    ]
    show_garbage([], json=False, gone=False)
    assert "nothing to take away" in capsys.readouterr().out


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table([["a", "bb", ""], ["ccc", "d", "e"]]) == ["a    bb", "ccc  d   e"]

"""verify as people type it: files, baselines, sets, and what is wrong, before anybody is asked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from magnusctl import measures
from magnusctl.report import Measure, Result, Verdict
from tests.rooted import Project, project
from tests.speech.server import Pace, serving

SERVES = """\
hosts:
  gpu:
    os: debian-12
    connection: local
    become: false
    root: {root}
    roles: [inference]
    engine: llamacpp
models:
  fast: {{host: gpu, model: tiny.gguf, port: {port}, target: {{decode: 50, first_token: 1s}}}}
"""


MEASURED = Result("gpu", "x", Verdict.PASS, measure=Measure(1.0, "tok/s"))


def serve(ours: Project, port: int) -> None:
    """Declare a model behind a port, and put its file there."""
    ours.write("magnus.yaml", SERVES.format(root=ours.root, port=port))
    ours.write("host/srv/models/gguf/tiny.gguf", "")


@pytest.fixture
def ours(tmp_path: Path) -> Project:
    return project(tmp_path)


def results(stdout: str) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in stdout.splitlines()]
    return {line["check"]: line for line in found if line["type"] == "check"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "linux-nvidai"), "there is no set 'linux-nvidai'"),
        (("--set", "linux-nvidai"), "did you mean 'linux-nvidia'?"),
        (("--set", ""), "there is no set ''"),
        (("--max-drop", "5%"), "there is nothing to compare with"),
        (("--against", ""), "'' cannot name a baseline"),
        (("--save", ""), "'' cannot name a baseline"),
        (("--save", "x" * 101), "a baseline's name has at most 100 characters"),
        (("--save", "broken"), "not a baseline"),
        (("--against", "huge"), "not a baseline"),
        (("--against", "deep"), "not a baseline"),
        (("--html", "/dev/null"), "it is no file that can be replaced"),
        (("--html", "/tmp/" + "x" * 300), "cannot write: File name too long"),
        (("--save", "x", "--no-load"), "nothing is measured"),
        (("--against", "x", "--no-load"), "nothing is measured"),
        (("--save", "x", "--against", "x"), "not replaced by what is judged by it"),
        (("--junit", "x", "--html", "./x"), "one file cannot be both"),
        (("--against", "none"), "there is no baseline 'none'"),
        (("--against", "../x"), "'../x' cannot name a baseline"),
        (("--save", "a/b"), "'a/b' cannot name a baseline"),
        (("--junit", "nowhere/x.xml"), "nowhere/x.xml: there is no such folder"),
        (("--html", "."), "it is a folder"),
    ],
)
def test_a_wrong_word_is_told_before_anybody_is_asked(
    ours: Project, words: tuple[str, ...], said: str
) -> None:
    row = '{"format": "magnus-baseline/1", "measures": [{"value": %s, "half": 0}]}' % ("9" * 400)
    for name, text in {"broken": "{x", "huge": row, "deep": "[" * 200_000}.items():
        ours.write(f"baselines/{name}.json", text)
    ours.write("host/.standins/uname", '#!/bin/sh\ntouch "$MAGNUS_ROOT/asked"\n', 0o755)
    answer = ours.run("verify", *words)
    assert answer.returncode == 2, answer.stdout
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (ours.root / "asked").exists()


@pytest.mark.parametrize("share", ["lots", "101%", "nan", "-1"])
def test_a_share_is_one(ours: Project, share: str) -> None:
    measures.save(ours.folder / "magnus.yaml", "x", [MEASURED], [])
    answer = ours.run("verify", "--against", "x", "--max-drop", share)
    assert answer.returncode == 2
    assert f"'{share}' is no share: 0% to 100%" in answer.stderr


def test_nothing_measured_is_nothing_to_save_and_the_results_are_told(ours: Project) -> None:
    answer = ours.run("verify", "--save", "x")
    assert "reachable" in ours.run("verify", "-v").stdout
    assert "nothing was measured, so there is nothing to save" in answer.stderr
    # What was asked for was not done, whatever the checks say.
    assert answer.returncode == (ours.run("verify").returncode or 2)
    assert " pass " in answer.stdout


def test_files_are_written_whole_and_say_what_the_screen_says(ours: Project) -> None:
    answer = ours.run("verify", "--json", "--junit", "v.xml", "--html", "v.html")
    checks = results(answer.stdout)
    cases = {c.get("name") for c in ET.parse(ours.folder / "v.xml").getroot().iter("testcase")}
    assert cases == {*checks}
    assert "SIMULATED" in (ours.folder / "v.html").read_text()
    assert sorted(p.name for p in ours.folder.glob(".v*")) == []


@pytest.mark.parametrize("name", ["linux-nvidia", "mac-mlx"])
def test_a_set_that_nothing_proves_is_unknown_line_by_line(ours: Project, name: str) -> None:
    answer = ours.run("verify", "--set", name)
    assert answer.returncode == 9
    assert answer.stdout.splitlines()[0].startswith(f"set {name}")
    assert "nothing here proves it" in answer.stdout
    assert "Declare " in answer.stdout
    assert "hardware." not in answer.stdout


def test_without_load_models_only_have_to_speak(ours: Project) -> None:
    pace = Pace(tokens=8, models=("fast",))
    with serving(pace) as port:
        serve(ours, port)
        answer = ours.run("verify", "--no-load", "--json")
    found = results(answer.stdout)
    assert found["tokens.fast.speaks"]["verdict"] == "pass"
    assert not any(check.startswith("tokens.fast.d") for check in found)
    assert len(pace.seen) == 1


def test_a_model_is_measured_kept_and_compared(ours: Project) -> None:
    pace = Pace(first=80, gap=14, tokens=24, models=("fast",))
    with serving(pace) as port:
        serve(ours, port)
        saved = ours.run("verify", "--save", "good")
        assert f"Saved as {ours.folder / 'baselines' / 'good.json'}" in saved.stdout
        assert re.search(
            r"✓ tokens\.fast\.decode +\d+\.\d tok/s ±.* target ≥ 50 tok/s", saved.stdout
        )
        same = results(
            ours.run("verify", "--json", "--against", "good", "--max-drop", "25%").stdout
        )
        pace.factor = lambda: 2.0
        slow = ours.run("verify", "--json", "--against", "good", "--html", "p.html")
    assert same["tokens.fast.decode"]["verdict"] == "pass"
    assert same["tokens.fast.decode"]["baseline"] == "good"
    found = results(slow.stdout)
    assert slow.returncode == 9
    assert found["tokens.fast.decode"]["verdict"] == "fail"
    worse = found["tokens.fast.decode"]["measured"]
    assert re.search(r"-(4[5-9]|5[0-5])\.\d% of [0-9.]+ tok/s in good", worse), worse
    # The page draws what the former runs measured.
    assert "<polyline" in (ours.folder / "p.html").read_text()


def test_what_is_worse_is_not_kept_as_the_new_measure_of_all(ours: Project) -> None:
    pace = Pace(first=60, gap=4, tokens=20, models=("fast",))
    with serving(pace) as port:
        serve(ours, port)
        ours.run("verify", "--save", "good")
        pace.factor = lambda: 2.0
        answer = ours.run("verify", "--against", "good", "--save", "next")
    assert "not saved: tokens.fast.decode" in answer.stderr
    assert "became worse than in good" in answer.stderr
    assert not (ours.folder / "baselines" / "next.json").exists()


def test_a_server_with_no_model_is_found_although_it_says_that_it_is_well(ours: Project) -> None:
    with serving(Pace(ill="no-model")) as port:
        serve(ours, port)
        answer = ours.run("verify")
    assert answer.returncode == 9
    assert "✗ tokens.fast.speaks" in answer.stdout
    assert "it has no such model loaded; it lists: none" in answer.stdout

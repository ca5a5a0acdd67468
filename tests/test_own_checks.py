"""A project's own checks: asked with everything else, judged here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from magnusctl.checks import custom
from magnusctl.checks.custom import Custom, Judgement, Said, matcher
from magnusctl.report import Verdict
from tests.rooted import Project, project

PYTHON = """\
from magnusctl.checks.custom import failed, passed

RUN = "echo 40; echo 90"

def judge(lines):
    hottest = max(map(int, lines))
    return passed(f"{hottest} °C") if hottest < 85 else failed(f"{hottest} °C", "< 85 °C", "Dust?")
"""


@pytest.fixture
def ours(tmp_path: Path) -> Project:
    return project(tmp_path)


def results(ours: Project) -> dict[str, dict[str, Any]]:
    """What `verify` says of the checks that are in the project's folder."""
    answer = ours.run("verify", "--json")
    assert "Traceback" not in answer.stderr, answer.stderr
    objects = [json.loads(line) for line in answer.stdout.splitlines()]
    names = {path.stem for path in (ours.folder / "checks").iterdir()}
    return {o["check"]: o for o in objects if o.get("check") in names}


def check(judge: custom.Judge) -> Custom:
    return Custom("x", "true", judge, frozenset("a"), 7)


# ---- the judgement


@pytest.mark.parametrize(
    ("expect", "lines", "verdict", "measured"),
    [
        ("ok", ["all ok"], Verdict.PASS, "ok %"),
        (r"(\d+) of", ["12 of 20"], Verdict.PASS, "12 %"),
        (r"(a)|(b)", ["b"], Verdict.PASS, "b %"),
        ("^two$", ["one", "two"], Verdict.PASS, "two %"),
        ("(?s)one.*", ["one", "two"], Verdict.PASS, "one %"),
        ("", [], Verdict.PASS, "%"),
        ("ok", ["", "  not well "], Verdict.FAIL, "not well"),
        ("ok", [], Verdict.FAIL, "it printed nothing"),
        ("ok", ["x" * 300], Verdict.FAIL, "x" * 99 + "…"),
    ],
)
def test_the_output_must_match(
    expect: str, lines: Sequence[str], verdict: Verdict, measured: str
) -> None:
    found = matcher(expect, unit="%", target="t", remedy="r")(lines)
    assert (found.verdict, found.measured, found.target) == (verdict, measured, "t")
    assert found.remedy == ("r" if verdict is Verdict.FAIL else "")


@pytest.mark.parametrize("status", ["124", "137", "143"])
def test_what_was_ended_is_unknown(status: str) -> None:
    result = custom.judged("a", check(matcher("x")), Said(("x",), status))
    assert (result.verdict, result.measured) == (Verdict.UNKNOWN, "it did not end within 7 s")


@pytest.mark.parametrize(
    ("lines", "measured"), [(("sh: x: not found",), "sh: x: not found"), ((), "it cannot run")]
)
def test_what_could_not_run_is_unknown(lines: tuple[str, ...], measured: str) -> None:
    result = custom.judged("a", check(matcher("x")), Said(lines, "127"))
    assert result.verdict is Verdict.UNKNOWN
    assert result.measured.startswith(measured)


def test_only_the_output_decides_and_not_the_exit_code() -> None:
    assert custom.judged("a", check(matcher("x")), Said(("x",), "1")).verdict is Verdict.PASS


@pytest.mark.parametrize("lines", [[". x"], ["x", "= 0"], []])
def test_an_answer_without_its_frame_is_no_answer(lines: list[str]) -> None:
    with pytest.raises(ValueError, match=r"no end|not enough"):
        custom.parse(lines)


# ---- the whole way


def test_a_check_in_yaml_is_asked_and_judged(ours: Project) -> None:
    ours.write(
        "checks/disk.yaml",
        "run: |\n  echo used 12 %\nexpect: 'used (\\d+)'\nunit: '%'\ntarget: below 90 %\n",
    )
    ours.write("checks/raid.yaml", "run: echo degraded\nexpect: '^healthy'\nremedy: A new disk.\n")
    ours.write("checks/gone.yaml", "run: no-such-program\nexpect: x\n")
    ours.write("checks/slow.yaml", "run: sleep 30\nexpect: x\ntimeout: 1s\n")
    found = results(ours)
    assert {name: o["verdict"] for name, o in found.items()} == {
        **{"disk": "pass", "raid": "fail", "gone": "unknown", "slow": "unknown"},
    }
    assert (found["disk"]["measured"], found["disk"]["target"]) == ("12 %", "below 90 %")
    assert (found["raid"]["measured"], found["raid"]["remedy"]) == ("degraded", "A new disk.")
    assert found["slow"]["measured"] == "it did not end within 1 s"


def test_a_check_in_python_judges_the_lines(ours: Project) -> None:
    ours.write("checks/heat.py", PYTHON)
    found = results(ours)["heat"]
    assert found["verdict"] == "fail"
    assert (found["measured"], found["target"], found["remedy"]) == ("90 °C", "< 85 °C", "Dust?")
    assert ours.run("verify").returncode == 9


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        ("    return max(map(float, 'x'))\n", "checks/heat.py:6: ValueError: could not convert"),
        ("    return True\n", "checks/heat.py: judge returns True"),
        ("    import sys; sys.exit(0)\n", "checks/heat.py:6: SystemExit: 0"),
        ("    raise GeneratorExit\n", "checks/heat.py:6: GeneratorExit"),
        ("    return passed(42)\n", "checks/heat.py: judge returns Judgement("),
        ("    return failed('x', remedy=7)\n", "checks/heat.py: judge returns Judgement("),
    ],
)
def test_a_fault_of_a_judge_is_the_result_of_its_check(
    judge: str, said: str, ours: Project
) -> None:
    ours.write("checks/heat.py", PYTHON.partition("    hottest")[0] + judge)
    found = results(ours)["heat"]
    assert found["verdict"] == "unknown"
    assert said in found["measured"]


def test_a_check_is_asked_of_the_hosts_that_it_names(ours: Project) -> None:
    top = "groups: {some: {hosts: []}, all: {hosts: [a]}}\n"
    ours.inventory(top=top)
    ours.write("checks/one.yaml", "hosts: '@all'\nrun: echo x\nexpect: x\n")
    assert set(results(ours)) == {"one"}
    ours.write("checks/one.yaml", "hosts: '@some'\nrun: echo x\nexpect: x\n")
    assert "checks/one.yaml: no host" in ours.refused()


def test_recorded_answers_hold_what_was_asked_then_and_nothing_else(ours: Project) -> None:
    ours.write("checks/one.yaml", "run: echo x\nexpect: x\n")
    assert ours.run("probe", "--record", "answers").returncode == 0
    ours.write("checks/two.yaml", "run: echo x\nexpect: x\n")
    answer = ours.run("verify", "--observed", "answers", "--json")
    found = {o.get("check"): o for o in map(json.loads, answer.stdout.splitlines())}
    assert found["one"]["verdict"] == "pass"
    assert found["two"]["verdict"] == "unknown"
    assert found["two"]["measured"] == "nothing was recorded of it"
    assert answer.returncode == 9


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.yaml", "run: x\n", "checks/x.yaml:1:1: 'expect' is missing here"),
        ("x.yaml", "run: ' '\nexpect: x\n", "checks/x.yaml:1:6: 'run': expected a shell text"),
        ("x.yaml", "run: x\nexpect: '('\n", "checks/x.yaml:2:9: 'expect': no regular expression"),
        ("x.yaml", "run: x\nexpct: x\n", "did you mean 'expect'?"),
        ("x.yaml", "run: x\nexpect: x\ntimeout: 2m\n", "3:10: 'timeout': expected 1s to 60s"),
        ("x.yaml", "run: x\nexpect: x\nhosts: b\n", "checks/x.yaml: no host matches 'b'"),
        ("x.yaml", "- x\n", "checks/x.yaml:1:1: a check must be keys and values, not a list"),
        ("x.py", "RUN = 'x'\n", "checks/x.py: it has no 'judge'"),
        ("x.py", "def judge(lines): ...\n", "checks/x.py: it has no 'RUN'"),
        ("x.py", "RUN = b'x'\ndef judge(lines): ...\n", "'RUN' must be text, not b'x'"),
        ("x.py", "RUN = 'x'\nHOSTS = '@x'\ndef judge(_): ...\n", "there is no group '@x'"),
        ("x.py", "RUN = 'x'\nTIMEOUT_S = 0\ndef judge(_): ...\n", "TIMEOUT_S must be 1 to 60"),
        ("x.py", "RUN = 1 / 0\n", "checks/x.py:1: ZeroDivisionError"),
        ("x.py", "import sys\nsys.exit(3)\n", "checks/x.py:2: SystemExit: 3"),
    ],
)
def test_a_fault_of_a_check_has_its_place(name: str, text: str, said: str, ours: Project) -> None:
    ours.write(f"checks/{name}", text)
    assert said in ours.refused()


def test_what_a_judge_is_given_to_answer_with() -> None:
    assert custom.passed("1", "2") == Judgement(Verdict.PASS, "1", "2")
    assert custom.failed("1", "2", "3") == Judgement(Verdict.FAIL, "1", "2", "3")
    assert custom.unknown("1") == Judgement(Verdict.UNKNOWN, "1")

"""Baselines: kept beside the inventory, and a server that is 15 % slower than it was is found."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from magnusctl import measures, speaking
from magnusctl.checks.baseline import compared
from magnusctl.checks.servers import Server
from magnusctl.checks.speech import Wanted, judged
from magnusctl.errors import InputError
from magnusctl.report import Measure, Result, Verdict
from magnusctl.transport.local import LocalTransport
from tests.speech.server import Pace, serving


def speech(factor: Callable[[], Callable[[], float]]) -> list[Result]:
    """What is measured of a server whose times are all multiplied by `factor()()`.

    The slowness is to be the one that the test ordered: where this machine was so busy that the
    server's own words went out late, it is measured anew, three times at most.
    """
    for _ in range(3):
        pace = Pace(first=240, gap=20, tokens=34, factor=factor())
        with serving(pace) as port:
            asked = Server("gpu", "m", "vllm", "127.0.0.1", port, ("tiny",), None, Wanted())
            found = [*judged(speaking.spoken(asked, LocalTransport("gpu")), Wanted())]
        if pace.late < 10:
            break
    return found


def noise() -> Callable[[], float]:
    """Another factor for every answer, within 3 percent."""
    dice = random.Random(7)
    return lambda: 1 + dice.uniform(-0.03, 0.03)


def slower() -> Callable[[], float]:
    """15 percent."""
    return lambda: 1.15


@pytest.fixture(scope="module")
def then(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory beside which a baseline lies."""
    inventory = tmp_path_factory.mktemp("project") / "magnus.yaml"
    measures.save(inventory, "before", speech(noise), [])
    return inventory


def test_noise_of_3_percent_is_no_fault(then: Path) -> None:
    was = measures.load(then, "before")
    found = [r for r in compared(speech(noise), was, "before", 0.10) if r.baseline]
    assert len(found) >= 5
    assert [r for r in found if r.verdict is not Verdict.PASS] == []
    assert all("% of" in r.measured for r in found)


def test_15_percent_slower_is_one(then: Path) -> None:
    was = measures.load(then, "before")
    found = [*compared(speech(slower), was, "before", 0.10)]
    failed = {r.check for r in found if r.verdict is Verdict.FAIL}
    for what in ("decode", "first-token", "end-to-end", "total-at-4"):
        assert f"tokens.m.{what}" in failed
    assert all("in before" in r.measured and r.remedy for r in found if r.check in failed)
    # Between two tokens is one by decode: one fault is not told twice.
    assert "tokens.m.inter-token" not in failed


def test_15_percent_slower_passes_where_20_are_allowed(then: Path) -> None:
    was = measures.load(then, "before")
    found = [r for r in compared(speech(slower), was, "before", 0.20) if r.baseline]
    assert found
    assert [r for r in found if r.verdict is not Verdict.PASS] == []


# ---- files


def result(value: float = 5.0) -> Result:
    return Result("h", "c", Verdict.PASS, measure=Measure(value, "tok/s", half=0.5))


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory" / "magnus.yaml"
    path = measures.save(inventory, "v1", [result()], ["h"])
    assert path == tmp_path / "baselines" / "v1.json"
    assert measures.load(inventory, "v1") == {("h", "c"): result().measure}
    assert json.loads(path.read_text())["simulated"] == ["h"]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x", "a b", "ä"])
def test_a_name_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot name a baseline"):
        measures.save(tmp_path / "m.yaml", name, [result()], [])


def test_nothing_measured_is_nothing_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing was measured"):
        measures.save(tmp_path / "m.yaml", "x", [Result("h", "c", Verdict.PASS)], [])
    assert not (tmp_path / "baselines").exists()


def test_a_baseline_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    measures.save(tmp_path / "m.yaml", "good", [result()], [])
    with pytest.raises(InputError) as caught:
        measures.load(tmp_path / "m.yaml", "bad")
    assert "There are: good" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": "magnus-baseline/9", "measures": []}', "\udcff"],
    ids=["empty", "half", "a list", "no format", "another format", "no text"],
)
def test_a_spoilt_baseline_is_told(tmp_path: Path, text: str) -> None:
    path = measures.save(tmp_path / "m.yaml", "x", [result()], [])
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match="not a baseline"):
        measures.load(tmp_path / "m.yaml", "x")


def test_the_history_is_of_this_inventory_and_survives_a_cut_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    ours, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for value in (1.0, 2.0):
        assert measures.remember(ours, [result(value)]) == ""
    measures.remember(other, [result(9.0)])
    path = tmp_path / "state" / "magnus" / "measures.jsonl"
    with path.open("a") as file:
        file.write('{"time": "x", "inven')
    assert [value for _, value in measures.history(ours)["h", "c"]] == [1.0, 2.0]
    assert oct(path.stat().st_mode)[-3:] == "600"


def test_the_history_does_not_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(measures, "KEPT_BYTES", 2000)
    for number in range(60):
        measures.remember(tmp_path / "a.yaml", [result(float(number))])
    path = tmp_path / "magnus" / "measures.jsonl"
    assert path.stat().st_size < 2500
    assert measures.history(tmp_path / "a.yaml")["h", "c"][-1][1] == 59.0


def test_a_history_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert "cannot be written" in measures.remember(tmp_path / "a.yaml", [result()])

"""All rows: right answers pass, answers made wrong do not, and the planner passes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import fit
from benchmarks.fit_controls import CONTROLS, active_experts_only, all_experts_read
from benchmarks.fit_rivals import parameters
from benchmarks.fit_rows import request, unseen_files
from benchmarks.fit_score import SIZES, figures
from tests.fit.scoring import COLUMNS, ROWS, Ask, failed, gate, simulated_oracle


@pytest.mark.parametrize(
    ("config", "every"),
    [
        *(("qwen2.5-7b-instruct", 7.62), ("qwen2.5-14b-instruct", 14.77), ("llama-3-8b", 8.03)),
        *(("qwen2.5-32b-instruct", 32.76), ("qwen2.5-72b-instruct", 72.71), ("llama-3-70b", 70.55)),
        *(("mixtral-8x7b-instruct-v0.1", 46.70), ("qwen3-30b-a3b", 30.53), ("gpt-oss-20b", 20.91)),
        ("deepseek-r1", 671.03),
    ],
)
def test_rivals_know_the_published_number_of_parameters(config: str, every: float) -> None:
    found = json.loads((fit.CONFIGS / f"{config}.json").read_text())
    assert parameters(found)[0] / 1e9 == pytest.approx(every, rel=0.001)


@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        *(("accelerate", "artifact", 11.7), ("accelerate", "total", 16)),
        *(("llmfit", "artifact", 2.5), ("llmfit", "total", 7.7)),
    ],
)
def test_a_rival_is_as_far_off_as_others_found(name: str, field: str, expected: float) -> None:
    scored = fit.score(simulated_oracle(ROWS), ROWS)
    found = figures([one for one in scored.contenders[name] if one.field == field])
    assert found is not None
    assert found.median == pytest.approx(expected, rel=0.15)


def test_right_answers_pass_every_gate() -> None:
    scored = fit.score(simulated_oracle(ROWS), ROWS)
    assert failed(scored.gates) == set()
    assert scored.passed
    ours = scored.contenders["planner"]
    assert max(one.error for one in ours) < 1e-6
    assert {one.field for one in ours} == {*SIZES, "fit", "tps"}
    assert len(ours) == sum(
        len(one.fields & {*SIZES, "fit", "tps"}) - ("artifact" in one.fields) for one in ROWS
    ) + len(unseen_files(ROWS))


@pytest.mark.parametrize(
    ("control", "gate_that_fails"),
    [("heads", "kv max"), ("bpw", "artifact p90"), ("gb", "artifact median")],
)
def test_right_answers_made_wrong_do_not_pass(control: str, gate_that_fails: str) -> None:
    scored = fit.score(CONTROLS[control](simulated_oracle(ROWS)), ROWS)
    assert gate(scored.gates, gate_that_fails).passed is False
    assert not scored.passed


@pytest.mark.parametrize("made_wrong", [all_experts_read, active_experts_only])
def test_answers_that_mind_no_experts_do_not_pass(made_wrong: Callable[[Ask], Ask]) -> None:
    oracle = simulated_oracle(ROWS)
    configs = {one.row_id: one.config for one in ROWS}

    def careless(asked: Mapping[str, Any]) -> Mapping[str, object]:
        return oracle({**asked, "config": configs[asked["id"]]})

    changed = made_wrong(lambda asked: asked)
    mixture = next(one for one in ROWS if one.moe)
    dense = next(one for one in ROWS if not one.moe)
    assert changed(request(mixture))["config"] != request(mixture)["config"]
    assert changed(request(dense))["config"] == request(dense)["config"]
    assert {name[:4] for name in failed(fit.score(careless, ROWS).gates)} == {"MoE:"}


def test_a_planner_that_says_nothing_does_not_pass() -> None:
    scored = fit.score(lambda asked: {}, ROWS)
    assert gate(scored.gates, "rows without").value == 100
    assert failed(scored.gates) >= {"fit: 'no' called 'fits'", "rows without an answer %"}


def test_other_rows_are_scored_without_the_files_that_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit.main(["--rows", str(_copied(tmp_path, {})), "--json"]) in (0, 9)
    told = json.loads(capsys.readouterr().out)
    fields = {line["field"]: line["n"] for line in told["classes"] if line["of"] == "all"}
    assert "artifact" not in fields
    assert fields["kv"] == sum("kv" in one.fields for one in ROWS)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fits": None}, "no column fits"),
        ({"config": "unheard-of"}, "unheard-of.json"),
        ({"score_fields": ""}, "no row to score"),
        ({"decode_tps": "fast"}, "decode_tps is no number: 'fast'"),
    ],
)
def test_rows_that_cannot_be_read_are_refused_in_words(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str | None],
    said: str,
) -> None:
    assert fit.main(["--rows", str(_copied(tmp_path, changed))]) == 2
    assert said in capsys.readouterr().err


def _copied(folder: Path, changed: Mapping[str, str | None]) -> Path:
    """The rows with one value in a whole column, or without the column."""
    path = folder / "rows.csv"
    kept = [name for name in COLUMNS if changed.get(name, "") is not None]
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, kept, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**one.cells, **changed} for one in ROWS)
    return path


def test_the_planner_passes_every_gate(capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(fit.score(fit.planner(), ROWS).gates) == set()
    assert fit.main([]) == 0
    assert "FAIL" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("control", "gate_that_fails"),
    [("heads", "kv max"), ("bpw", "artifact p90"), ("gb", "artifact median")],
)
def test_the_planner_made_wrong_does_not_pass(
    control: str, gate_that_fails: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit.main(["--control", control, "--json"]) == 9
    found = json.loads(capsys.readouterr().out)["gates"]
    (one,) = [one for one in found if one["name"].startswith(gate_that_fails)]
    assert one["passed"] is False

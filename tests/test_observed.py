"""Plans without a network, from recorded answers: what CI runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from magnusctl.inventory.starter import example_path, examples
from magnusctl.transport.recorded import FORMAT

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures" / "observed"
OBSERVED = FIXTURES / "magnus"
KEYS = {"MAGNUS_VLLM_KEY": "SIMULATED-secret", "MAGNUS_LLAMA_KEY": "SIMULATED-secret"}


def magnusctl(*words: str, example: str = "magnus") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "magnusctl", *words, "-i", str(example_path(example))]
    return subprocess.run(
        command,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        cwd=ROOT,
        env={**os.environ, **KEYS},
    )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    copy = tmp_path / "recording"
    shutil.copytree(OBSERVED, copy)
    return copy


@pytest.mark.parametrize("example", examples())
def test_the_plan_is_the_same_bytes_run_after_run_and_as_reviewed(example: str) -> None:
    words = ("provision", "--dry-run", "--observed", str(FIXTURES / example))
    first, second = magnusctl(*words, example=example), magnusctl(*words, example=example)
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert first.stdout == (FIXTURES / f"{example}.plan.txt").read_bytes()


def test_the_json_plan_is_the_same_bytes_run_after_run() -> None:
    words = ("plan", "--json", "--observed", str(OBSERVED))
    first, second = magnusctl(*words), magnusctl(*words)
    assert first.stdout == second.stdout
    plans = [json.loads(line) for line in first.stdout.splitlines()]
    assert [plan["host"] for plan in plans] == ["rtx3090", "macmini", "m2pro", "linode"]
    assert all(plan["simulated"] and plan["schema"] == 1 for plan in plans)


def test_verify_judges_recorded_answers_and_sends_nothing() -> None:
    answer = magnusctl("verify", "--json", "--observed", str(OBSERVED))
    assert answer.returncode == 9
    results = [json.loads(line) for line in answer.stdout.splitlines()]
    assert {r["check"] for r in results if r["type"] == "check"} >= {"reachable", "declared"}
    # What another host said of a peer is recorded with the rest.
    assert {r["check"]: r["verdict"] for r in results if r["type"] == "check"}["ping macmini"]
    assert not any(" → " in r["check"] for r in results if r["type"] == "check")


def test_a_recording_of_an_older_format_is_refused_by_name(recording: Path) -> None:
    path = recording / "linode.json"
    path.write_text(path.read_text().replace("magnus-probe/1", "magnus-probe/0"))
    answer = magnusctl("provision", "--dry-run", "--observed", str(recording))
    said = answer.stderr.decode()
    assert answer.returncode == 2
    assert f"{path}: recorded in the format 'magnus-probe/0'" in said
    assert "magnusctl probe --record" in said


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "nothing was recorded of this host"),
        (lambda path: path.write_text("{"), "not a recording"),
        (lambda path: path.write_text("[]"), "recorded in the format 'None'"),
        (lambda path: path.write_text("[" * 200_000), "not a recording"),
        (lambda path: path.write_text(f'{{"format": "{FORMAT}"}}'), "it has no answers"),
        (
            lambda path: path.write_text(f'{{"format": "{FORMAT}", "answers": {{"facts": [5]}}}}'),
            "it has no answers",
        ),
    ],
    ids=["missing", "half", "something else", "deep", "no answers", "no lines"],
)
def test_a_recording_that_cannot_be_used_says_why(recording: Path, damage, said: str) -> None:  # type: ignore[no-untyped-def]
    damage(recording / "macmini.json")
    answer = magnusctl("plan", "--observed", str(recording))
    assert answer.returncode == 2
    assert said in answer.stderr.decode()


def test_an_answer_that_was_not_recorded_is_named(recording: Path) -> None:
    path = recording / "linode.json"
    document = json.loads(path.read_text())
    del document["answers"]["directory:/etc/nftables.d"]
    path.write_text(json.dumps(document))
    answer = magnusctl("plan", "-l", "linode", "--observed", str(recording))
    assert answer.returncode == 2
    assert "no answer about directory:/etc/nftables.d was recorded" in answer.stdout.decode()


def test_recorded_answers_are_only_for_dry_runs() -> None:
    answer = magnusctl("provision", "--yes", "--observed", str(OBSERVED))
    assert answer.returncode == 2
    assert b"--dry-run" in answer.stderr

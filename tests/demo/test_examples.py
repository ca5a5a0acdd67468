"""Every example provisions and verifies on SIMULATED hosts, and is left with nothing to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from magnusctl.inventory.starter import example_path, examples
from magnusctl.inventory.validate import load


def roles(example: str) -> list[pytest.MarkDecorator]:
    """The cells of the table that a run of an example fills."""
    hosts = load([example_path(example)]).hosts.values()
    cells = {(role, "macOS" if host.macos else "Linux") for host in hosts for role in host.roles}
    marks = [pytest.mark.covers(role, kind, "demo", "SIMULATED") for role, kind in sorted(cells)]
    # Of a Mac nothing better is to be had; Linux is verified in the lab.
    macs = sorted(role for role, kind in cells if kind == "macOS")
    return marks + [pytest.mark.covers(role, "macOS", "verified", "SIMULATED") for role in macs]


CASES = [pytest.param(name, marks=roles(name), id=name) for name in examples()]


@pytest.mark.parametrize("example", CASES)
def test_an_example_is_provisioned_and_verified(example: str, tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "magnusctl", "demo", example],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr
    assert "0 changes: " in answer.stdout
    assert " failed" not in answer.stdout
    assert "All of it was simulated." in answer.stdout


def test_an_example_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "magnusctl", "demo", "rtx4090"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert answer.returncode == 2
    assert "there is no example 'rtx4090'" in answer.stderr
    assert "did you mean 'rtx4090-ollama'?" in answer.stderr


@pytest.mark.parametrize("example", examples())
def test_init_begins_with_an_example(example: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "magnusctl", "init", "--example", example]
    assert subprocess.run(command, cwd=tmp_path, check=True, timeout=300, capture_output=True)
    made = tmp_path / "inventory" / "magnus.yaml"
    assert load([made]) == load([example_path(example)])
    assert f"inventory/{example}.yaml" not in made.read_text() or example == "magnus"
    schema = json.loads(made.with_name("schema.json").read_text())
    assert "models" in schema["properties"]

"""A boot in a plan, on SIMULATED hosts: the run goes on after it, or says that it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from magnusctl.demo.stage import Stage
from tests.demo.conftest import Run

CUDA = ("-l", "rtx3090", "-t", "cuda")


@pytest.fixture
def hasty(on: Stage, tmp_path: Path) -> tuple[str, str]:
    """An overlay that waits for no boot longer than some seconds."""
    del on
    path = tmp_path / "hasty.yaml"
    path.write_text(json.dumps({"hosts": {"rtx3090": {"boot_timeout": "5s"}}}))
    return "--overlay", str(path)


def standin(on: Stage, name: str, text: str) -> None:
    """Put another program in the place of a host's stand-in."""
    path = on.root("rtx3090") / ".standins" / name
    path.write_text(f"#!/bin/sh\n{text}\n")


def test_what_needs_a_boot_is_done_after_it_in_the_same_run(on: Stage, magnusctl: Run) -> None:
    planned = magnusctl("plan", *CUDA).stdout
    assert "boots: the driver that runs and the one that is installed are to be one" in planned
    assert "1 host boots" in planned
    answer = magnusctl("provision", "--yes", *CUDA)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    told = answer.stderr
    assert told.index("reboot:driver  ok") < told.index("back after")
    assert told.index("back after") < told.index("service:nvidia-persistenced  ok")
    assert "0 changes" in magnusctl("plan", *CUDA).stdout


def test_a_host_that_does_not_come_back_is_told_with_what_to_do(
    on: Stage, magnusctl: Run, hasty: tuple[str, str]
) -> None:
    real = (on.root("rtx3090") / ".standins/systemctl").read_text()
    standin(on, "systemctl", f'[ "$1" != reboot ] || exit 0\n{real}')
    answer = magnusctl("provision", "--yes", *CUDA, *hasty)
    assert answer.returncode == 5
    assert "it was told to boot, and 5 s later it is not back" in answer.stdout
    assert "Look at its console" in answer.stdout
    # What waited was not done, and is still wanted.
    assert "service    nvidia-persistenced" in magnusctl("plan", *CUDA).stdout


def test_a_boot_that_did_not_help_is_not_done_again(on: Stage, magnusctl: Run) -> None:
    standin(on, "modinfo", "echo 999.9")
    answer = magnusctl("provision", "--yes", *CUDA)
    assert answer.returncode == 5
    assert answer.stderr.count("boots; waiting") == 1
    assert "this stays different: reboot:driver" in answer.stdout


def test_after_a_step_that_failed_nothing_boots(on: Stage, magnusctl: Run) -> None:
    standin(on, "update-initramfs", "echo no room in /boot >&2; exit 1")
    answer = magnusctl("provision", "--yes", *CUDA)
    assert answer.returncode == 5
    assert "boots; waiting" not in answer.stderr
    boot_id = on.root("rtx3090") / "proc/sys/kernel/random/boot_id"
    assert boot_id.read_text() == "SIMULATED-0\n"

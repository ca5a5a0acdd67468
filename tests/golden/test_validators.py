"""Every rendered file is taken by the program that will read it, or judge it, on the host."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.golden.judges import JUDGES, NETPLAN, Judge, files_for
from tests.golden.render import GOLDEN

ROLE_OF = {
    "netplan": "network",
    "mount": "storage",
    "modprobe": "cuda",
    "nvidia": "cuda",
    "gpu-power": "cuda",
    "trading": "trading",
    "rt-tune": "trading",
    "grub": "trading",
    "vllm": "inference",
    "ollama": "inference",
    "llamacpp": "inference",
    "mlx": "inference",
    "iogpu": "inference",
    "wait-": "inference",
}


def role_of(file: Path) -> str:
    """The role that a golden file is of."""
    name = "/".join(file.parts[-3:])
    return next((role for word, role in ROLE_OF.items() if word in name), "base")


def cases() -> list[Any]:
    """Every golden file that has a judge."""
    found = []
    for judge in JUDGES:
        for file in files_for(judge, GOLDEN):
            kind = "macOS" if "macmini" in file.parts or "m2pro" in file.parts else "Linux"
            covers = pytest.mark.covers(role_of(file), kind, "validated")
            name = f"{judge.name}: {file.relative_to(GOLDEN)}"
            found.append(pytest.param(judge, file, marks=covers, id=name))
    return found


@pytest.fixture
def able(judge: Judge) -> None:
    """Skip, with the reason, where the real program is not."""
    lacking = [need for need in judge.needs if not shutil.which(need)]
    if judge.name == "netplan generate" and not any(Path(path).exists() for path in NETPLAN):
        lacking = ["netplan.io"]
    if judge.name == "nft" and os.getuid() != 0:
        lacking = ["root's rights"]
    if lacking:
        pytest.skip(f"not here: {', '.join(lacking)}")


@pytest.mark.usefixtures("able")
@pytest.mark.parametrize(("judge", "file"), cases())
def test_a_rendered_file_is_taken_by_its_real_validator(
    judge: Judge, file: Path, tmp_path: Path
) -> None:
    assert judge.says(file, tmp_path) == ""


@pytest.mark.usefixtures("able")
@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.name)
def test_the_validator_refuses_the_same_file_with_a_fault(judge: Judge, tmp_path: Path) -> None:
    file = files_for(judge, GOLDEN)[0]
    where = tmp_path / "golden"
    shutil.copytree(GOLDEN / file.relative_to(GOLDEN).parts[0], where / "example")
    copy = where / "example" / Path(*file.relative_to(GOLDEN).parts[1:])
    copy.write_text(judge.spoil(copy.read_text()))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert judge.says(copy, scratch) != ""


def test_every_kind_of_file_has_a_judge_or_a_reason() -> None:
    judged = {file for judge in JUDGES for file in files_for(judge, GOLDEN)}
    left = {
        re.sub(r"^[^/]+/[^/]+/", "", str(path.relative_to(GOLDEN)))
        for path in GOLDEN.glob("*/*/**/*")
        if path.is_file() and path not in judged
    }
    assert {name for name in left if not any(re.fullmatch(r, name) for r in UNJUDGED)} == set()


# No program reads these without acting on them; each is a few lines that a person can read, and
# those of vLLM are read by a stand-in in the lab.
UNJUDGED = (
    r"etc/hosts\.block",
    r"etc/pf\.anchors/.*",  # pfctl is of macOS
    r"etc/sysctl\.d/.*",
    r"etc/newsyslog\.d/.*",
    r"etc/systemd/journald\.conf\.d/.*",
    r"etc/security/limits\.d/.*",
    r"etc/default/irqbalance",
    r"etc/modprobe\.d/.*",
    r"etc/profile\.d/.*",
    r"etc/apt/preferences\.d/.*",
    r"etc/apt/sources\.list\.d/.*",
    r"etc/cloud/.*",
    r"etc/magnus/.*",
)

"""Every line of shell of ours is clean under shellcheck."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

PACKAGE = Path(str(files("magnusctl")))
LIBRARY = [PACKAGE / "prelude.sh", *sorted(set(PACKAGE.rglob("*.sh")) - {PACKAGE / "prelude.sh"})]
STANDINS = sorted(path for path in PACKAGE.glob("demo/standins/*/*") if path.is_file())
pytestmark = pytest.mark.skipif(
    not shutil.which("shellcheck"), reason="shellcheck is not installed"
)


def _complaints(*words: str, text: str = "") -> str:
    done = subprocess.run(
        ["shellcheck", "-s", "sh", *words],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def test_the_library_and_all_kinds_are_clean_together() -> None:
    # One text, because they share variables and functions; the caller sets three of them.
    text = "\n".join(path.read_text() for path in LIBRARY)
    head = "NONCE=$1 ROOT=$2 JOB=$3\n"
    unused = "# shellcheck disable=SC2034,SC2317\n"
    assert _complaints("-", text=f"{unused}{head}{text}") == ""


def test_every_file_of_the_library_is_among_them() -> None:
    names = {path.name for path in LIBRARY}
    assert names >= {
        "process.sh",
        "lock.sh",
        "job.sh",
        "steps.sh",
        "files.sh",
        "network.sh",
        "guarded.sh",
        "follow.sh",
    }
    assert names >= {"jobs.sh", "gc.sh", "file.apply.sh", "custom.sh"}


def test_every_standin_is_clean() -> None:
    assert STANDINS
    assert _complaints(*map(str, STANDINS)) == ""


def test_every_standin_says_that_it_is_simulated_and_names_sh() -> None:
    for path in STANDINS:
        first, second = path.read_text().splitlines()[:2]
        assert first == "#!/bin/sh"
        assert second.startswith("# SIMULATED")


def test_no_function_has_the_name_of_another() -> None:
    # One job may hold all files: the last of two of a name would be both.
    found: dict[str, list[str]] = {}
    for path in LIBRARY:
        for line in path.read_text().splitlines():
            name = re.match(r"([a-z_]+)\(\) ", line)
            if name:
                found.setdefault(name[1], []).append(path.name)
    several = {name: sorted({*paths}) for name, paths in found.items() if len({*paths}) > 1}
    assert several == {}

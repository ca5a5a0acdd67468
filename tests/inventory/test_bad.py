"""A corpus of bad inventories: each is refused with its place, and nothing is contacted.

`bad/NN-what.expected` holds `LINE:COL: message`; each further line must appear as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from magnusctl.errors import InputError
from magnusctl.inventory.validate import load
from tests.inventory.helpers import ONE_HOST, magnusctl

BAD = Path(__file__).parent / "bad"
CASES = sorted(BAD.glob("*.yaml"))
ON_THE_COMMAND_LINE = [
    "unknown-key-top",
    "duplicate-host",
    "tab-in-indentation",
    "python-tag",
    "host-name-is-an-option",
    "host-name-with-substitution",
    "address-is-an-option",
    "several-faults",
]
JARGON = [
    "pydantic",
    "constrained-",
    "function-after",
    "validation",
    "tuple",
    "dict",
    "input should",
]
HOOK = """\
import os, sys

WATCHED = ("socket.", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork")

def write(event, arguments):
    if event.startswith(WATCHED):
        with open(os.environ["AUDIT_FILE"], "a") as file:
            file.write(event + "\\n")

sys.addaudithook(write)
"""
TALK = """\
import socket, subprocess, sys
try:
    socket.getaddrinfo("127.0.0.1", 9)
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError:
    pass
subprocess.run([sys.executable, "-c", ""])
"""


def name_of(path: Path) -> str:
    return path.stem.partition("-")[2]


def expectation(path: Path) -> list[str]:
    return path.with_suffix(".expected").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("path", CASES, ids=name_of)
def test_a_bad_inventory_is_refused_with_its_place_in_plain_words(path: Path) -> None:
    first, *further = expectation(path)
    with pytest.raises(InputError) as caught:
        load([path])
    said = str(caught.value).replace(str(path), "FILE")
    assert said.startswith(f"FILE:{first}")
    assert [text for text in further if text not in said] == []
    assert [word for word in JARGON if word in said.lower()] == []


def test_the_corpus_is_complete() -> None:
    assert len(CASES) >= 65
    assert {path.stem for path in CASES} == {path.stem for path in BAD.glob("*.expected")}
    assert all(expectation(path) for path in CASES)


@pytest.fixture
def audited(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python process writes down what it connects to or starts."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOK)
    root = str(BAD.parents[2])
    return {
        "AUDIT_FILE": str(tmp_path / "audit"),
        "PYTHONPATH": os.pathsep.join([str(hooks), root]),
    }


def events(environment: dict[str, str]) -> set[str]:
    file = Path(environment["AUDIT_FILE"])
    return set(file.read_text().split()) if file.exists() else set()


@pytest.mark.parametrize("name", ON_THE_COMMAND_LINE)
def test_the_program_refuses_a_bad_inventory_and_contacts_nothing(
    name: str, tmp_path: Path, audited: dict[str, str]
) -> None:
    (case,) = (path for path in CASES if name_of(path) == name)
    shutil.copy(case, tmp_path / "magnus.yaml")
    result = magnusctl(tmp_path, "provision", "--yes", environment=audited)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"magnus.yaml:{expectation(case)[0]}")
    assert "Traceback" not in result.stderr
    assert events(audited) == set()


def test_the_watch_sees_a_program_that_talks(tmp_path: Path, audited: dict[str, str]) -> None:
    environment = {**os.environ, **audited}
    subprocess.run([sys.executable, "-c", TALK], env=environment, timeout=60, check=True)
    talked = {"socket.getaddrinfo", "socket.__new__", "socket.connect", "subprocess.Popen"}
    assert talked <= events(audited)


def test_the_watch_sees_the_program_itself_when_it_contacts_a_host(
    tmp_path: Path, audited: dict[str, str]
) -> None:
    text = ONE_HOST.replace("}", ", address: 127.0.0.1, port: 9, ssh: {config: none}}")
    (tmp_path / "magnus.yaml").write_text(text)
    result = magnusctl(tmp_path, "plan", environment=audited)
    assert result.returncode not in (0, 2)
    assert "socket.connect" in events(audited)

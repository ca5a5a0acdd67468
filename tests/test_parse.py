"""magnusctl parse: what is understood of one output, for a report of a fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from magnusctl.parsers import FAMILIES

RECORDED = Path(__file__).parent / "recorded"


def parse(*words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-m", "magnusctl", "parse", *words]
    return subprocess.run(argv, input=data, capture_output=True, check=False)


def test_the_facts_of_a_file_are_json() -> None:
    answer = parse("iperf3-error", str(RECORDED / "iperf3-error" / "refused.json"))
    assert answer.returncode == 0
    found = json.loads(answer.stdout)
    assert found["error"] == "unable to connect to server: Connection refused"


def test_an_output_comes_from_a_pipe_too() -> None:
    data = (RECORDED / "nvcc").glob("*.txt").__next__().read_bytes()
    assert json.loads(parse("nvcc", data=data).stdout)["release"]
    assert parse("nvcc", "-", data=data).stdout == parse("nvcc", data=data).stdout


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"\x1b[31m" * 9])
def test_what_is_no_output_is_no_fault(data: bytes) -> None:
    answer = parse("nvidia-smi-xml", data=data)
    assert answer.returncode == 0
    assert answer.stdout.isascii()
    assert isinstance(json.loads(answer.stdout), dict)


def test_a_closed_input_is_told() -> None:
    argv = ["sh", "-c", f"exec '{sys.executable}' -m magnusctl parse nvcc <&-"]
    answer = subprocess.run(argv, capture_output=True, check=False)
    assert answer.returncode == 2
    assert b"standard input is closed" in answer.stderr


def test_all_families_are_listed() -> None:
    told = parse("list").stdout.decode()
    assert [line.split()[0] for line in told.splitlines()] == [*FAMILIES]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nvidia-smi-xm",), "there is no family 'nvidia-smi-xm'"),
        (("uname", "/nowhere/file"), "/nowhere/file: No such file or directory"),
    ],
)
def test_a_wrong_word_is_told(words: tuple[str, ...], said: str) -> None:
    answer = parse(*words)
    assert answer.returncode == 2
    assert said in answer.stderr.decode()
    assert b"Traceback" not in answer.stderr

"""`fit` as people and programs call it: its screens, exit codes, and lines of requests."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from magnusctl import fitbatch
from magnusctl.fit.devices import GIB
from magnusctl.fitting import Question, device_named, on_device
from magnusctl.report import fitted
from tests.fit.fleets import EXAMPLES, example, judged, small
from tests.inventory.helpers import magnusctl

GOLDEN = Path(__file__).parent / "golden"
GGUF = Path(__file__).parents[1] / "fixtures" / "gguf"
# The inventory, the words, and how it ends.
CASES: Mapping[str, tuple[str, tuple[str, ...], int]] = {
    "llama-3.3-70b-on-rtx3090": ("magnus", ("llama-3.3-70b", "--on", "rtx3090"), 9),
    "llama-3.3-70b-on-macmini": ("magnus", ("llama-3.3-70b", "--on", "macmini"), 0),
    "llama-3.3-70b-all": ("magnus", ("llama-3.3-70b", "--all"), 0),
    "qwen2.5-32b-on-rtx3090": ("magnus", ("qwen2.5-32b", "--on", "rtx3090"), 9),
    "qwen2.5-14b": ("magnus", ("qwen2.5-14b",), 0),
    "mixtral-on-cpu": ("mixtral-cpu", ("mixtral",), 0),
    "qwen2.5-32b-tag-on-rtx4090": ("rtx4090-ollama", ("qwen2.5:32b", "--on", "rtx4090"), 0),
}


@cache
def screen(name: str) -> tuple[str, int]:
    inventory, words, _ = CASES[name]
    path = str(EXAMPLES / f"{inventory}.yaml")
    found = magnusctl(GOLDEN, "fit", *words, "-i", path)
    assert not found.stderr
    return found.stdout, found.returncode


@pytest.mark.parametrize("name", CASES)
def test_screens_are_as_kept(name: str) -> None:
    """Write them anew with MAGNUS_GOLDEN=write, and read the difference."""
    path = GOLDEN / f"{name}.txt"
    found, code = screen(name)
    if os.environ.get("MAGNUS_GOLDEN") == "write":
        path.write_text(found)
    assert found == path.read_text()
    assert code == CASES[name][2]


@pytest.mark.parametrize("name", CASES)
def test_screens_stay_within_100_columns(name: str) -> None:
    assert max(map(len, screen(name)[0].splitlines())) <= 100


@pytest.mark.parametrize(("model", "words"), [("llama-3.3-70b", {}), ("qwen2.5-14b", {})])
@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_80_columns_are_enough(
    model: str, words: dict[str, Any], every: bool, ascii_only: bool
) -> None:
    on = None if every else "rtx3090"
    answer = judged(example("magnus"), model, every_host=every, on=on, **words)
    lines = [text for text, _ in fitted.lines(answer, 80, ascii_only)]
    assert max(map(len, lines)) <= 80
    assert not ascii_only or "".join(lines).isascii()


@pytest.mark.parametrize("width", [1, 20, 40, 60])
def test_a_narrow_terminal_loses_no_figure(width: int) -> None:
    answer = judged(example("magnus"), "qwen2.5-32b", on="rtx3090")
    wide = " ".join(text for text, _ in fitted.lines(answer, 100, False)).split()
    narrow = " ".join(text for text, _ in fitted.lines(answer, width, False)).split()
    assert narrow == wide


def test_names_of_strangers_do_not_reach_the_terminal() -> None:
    device = device_named("RTX 3090 \x1b[2J", 24 * GIB)
    answer = on_device(Question("qwen2.5-14b"), device)
    assert "\x1b" not in "".join(text for text, _ in fitted.lines(answer, 100, False))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("qwen2.5-14b", "--device", "RTX 3090"), 0, "fits on RTX 3090"),
        (("qwen2.5-72b", "--device", "RTX 3090"), 9, "does not fit on RTX 3090"),
        (("qwen2.5-72b", "--device", "4x RTX 3090"), 0, "4 x 24 GiB"),
        (("qwen2.5-14b", "--device", "RTX 3090", "--memory", "8GiB"), 9, "8 GiB VRAM"),
        (("qwen2.5-14b", "--device", "Voodoo 2"), 3, "Say it with --memory SIZE."),
    ],
)
def test_a_device_needs_no_inventory(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    found = magnusctl(tmp_path, "fit", *words)
    assert (found.returncode, found.stderr) == (code, "")
    assert said in found.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "which model?"),
        (("nonsense",), 2, "the catalogue has no model 'nonsense'"),
        (("qwen2.5-14bb",), 2, "did you mean 'qwen2.5-14b'?"),
        (("./nowhere.gguf",), 2, "there is no such file or folder"),
        (("qwen2.5-14b", "--on", "crad"), 2, "did you mean 'card'?"),
        (("qwen2.5-14b", "--on", "card", "--all"), 2, "either one host or all of them"),
        (("qwen2.5-14b", "--quant", "Q9"), 2, "is not known as 'Q9'"),
        (("qwen2.5-14b", "--engine", "vlm"), 2, "there is no engine 'vlm'"),
        (("qwen2.5-14b", "--kv-dtype", "q9"), 2, "the cache type 'q9' is not known"),
        (("qwen2.5-14b", "--context", "0"), 2, "--context"),
        (("qwen2.5-14b", "--memory", "8GiB"), 2, "it is the memory of what?"),
        (("qwen2.5-14b", "--device", "RTX 3090", "--memory", "8"), 2, "a size with its unit"),
        (("qwen2.5-14b", "--device", "RTX 3090", "--on", "card"), 2, "in place of hosts"),
        (("qwen2.5-14b", "--observed", "."), 2, "no host of the inventory is recorded"),
        (("qwen2.5-14b", "--batch", "-"), 2, "takes its models from its lines"),
        (("--batch", "nowhere.jsonl"), 2, "No such file"),
        (("mine", "--on", "card"), 3, "the catalogue does not know 'my-own-model'"),
        (("qwen2.5-14b", "--on", "trader"), 9, ""),
    ],
)
def test_what_cannot_be_answered_is_told(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    small(tmp_path, "models:\n  mine: {host: card, model: my-own-model}\n")
    found = magnusctl(tmp_path, "fit", *words)
    assert found.returncode == code, found.stdout + found.stderr
    assert said in found.stderr
    assert "Traceback" not in found.stderr


def test_without_an_inventory_the_way_without_one_is_told(tmp_path: Path) -> None:
    found = magnusctl(tmp_path, "fit", "qwen2.5-14b")
    assert found.returncode == 2
    assert "magnusctl fit MODEL --device" in found.stderr


def test_a_file_at_hand_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mixtral.gguf"
    path.write_bytes(gzip.decompress((GGUF / "mixtral-q8_0.header.gz").read_bytes()))
    found = magnusctl(tmp_path, "fit", str(path), "--device", "RTX 3090", "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    told = json.loads(found.stdout.splitlines()[0])
    assert (told["engine"], told["quant"]) == ("llamacpp", "Q8_0")


def test_json_is_one_object_a_line_with_the_schema(tmp_path: Path) -> None:
    small(tmp_path)
    found = magnusctl(tmp_path, "fit", "llama-3.3-70b", "--on", "card", "--json")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert found.returncode == 9
    assert {line["schema"] for line in lines} == {1}
    assert [line["type"] for line in lines] == ["fit"] + ["remedy"] * (len(lines) - 1)
    fit, remedy, *_ = lines
    assert fit["fits"] is False
    assert fit["needed_bytes"] - fit["usable_bytes"] == pytest.approx(-fit["margin_bytes"], abs=2)
    assert fit["predicted_decode_tps"] is None
    assert (remedy["rank"], remedy["host"]) == (1, "mac")


def test_json_of_all_hosts_is_in_their_order(tmp_path: Path) -> None:
    small(tmp_path)
    found = magnusctl(tmp_path, "fit", "qwen2.5-14b", "--all", "--json")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line["host"] for line in lines[:2]] == ["card", "mac"]
    assert [line["fits"] for line in lines] == [True, True, False, False]


def test_recorded_memory_takes_the_place_of_what_is_declared(tmp_path: Path) -> None:
    small(tmp_path, replaced=("protected: true", "simulated: false"))
    answers = {
        "facts": [],
        "check:=hardware": [
            *(". == memory", ". MemTotal: 33554432 kB", ". MemAvailable: 16777216 kB"),
            *(". ", "= 0"),
        ],
    }
    recording = {"format": "magnus-probe/1", "host": "trader", "simulated": True}
    path = tmp_path / "answers" / "trader.json"
    path.parent.mkdir()
    path.write_text(json.dumps({**recording, "answers": answers}))
    words = ("fit", "qwen2.5-14b", "--on", "trader", "--observed", "answers", "--json")
    (told, *_) = (json.loads(line) for line in magnusctl(tmp_path, *words).stdout.splitlines())
    assert told["taken_bytes"] == 16 * GIB
    # 95 % of 32 GiB, less what is in use, 8 GiB for the system and 2 GiB for prompts.
    assert told["usable_bytes"] == pytest.approx(0.95 * 32 * GIB - 26 * GIB, abs=2)
    assert told["notes"] == ["trader: memory as it was recorded (simulated host)"]


GOOD = {
    "id": "good",
    "config": {
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "tie_word_embeddings": False,
    },
    "format": "gguf",
    "quant": "Q4_K_M",
    "device": {"kind": "cuda", "name": "RTX 3090", "memory_gib": 24},
    "context": 8192,
}


def batch(*lines: bytes) -> list[dict[str, Any]]:
    """The answers to some lines."""
    out = io.StringIO()
    fitbatch.answers(io.BytesIO(b"\n".join(lines)), out)
    return [json.loads(line, parse_constant=pytest.fail) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("line", "id_", "reason"),
    [
        (b"not json", None, "this is no JSON"),
        (b'{"id": "x7", "config":', "x7", "this is no JSON"),
        (b'{"id": 12, ]', 12, "this is no JSON"),
        (b'{"id": "\xff\xfe"}', None, "this is no JSON"),
        (b"[1]", None, "this is no object"),
        (b"null", None, "this is no object"),
        (b'{"id": 5}', 5, "config.json does not say"),
        (b'{"id": 5, "config": 3}', 5, "'config' is no object"),
        (b"[" * 100_000, None, "this is no JSON"),
        (b'{"id": "long", "x": "' + b"x" * (5 << 20) + b'"}', "long", "longer than 4 MiB"),
        (
            json.dumps({**GOOD, "id": 1, "format": "x"}).encode(),
            1,
            "neither an engine nor a format",
        ),
        (json.dumps({**GOOD, "id": 2, "quant": "Q9"}).encode(), 2, "'Q9' is not known"),
        (json.dumps({**GOOD, "id": 3, "context": float("nan")}).encode(), 3, "'context'"),
        (json.dumps({**GOOD, "id": float("inf")}).encode(), None, "out of all bounds"),
    ],
    ids=range(14),
)
def test_a_bad_line_is_answered_and_the_next_one_too(line: bytes, id_: object, reason: str) -> None:
    bad, good = batch(line, json.dumps(GOOD).encode())
    assert bad["id"] == id_
    assert bad["fits"] is None
    assert bad["total_gib"] is None
    assert bad["decode_tps"] is None
    assert good["id"] == "good"
    assert good["fits"] is True
    assert reason in bad["reasons"][0]


def test_empty_lines_have_no_answer() -> None:
    assert len(batch(b"", json.dumps(GOOD).encode(), b"  ", b"")) == 1


def test_lines_are_answered_while_others_are_yet_to_come() -> None:
    """A program that asks one thing after the other would else wait for ever."""
    command = [sys.executable, "-m", "magnusctl", "fit", "--batch", "-", "--json"]
    asked = json.dumps(GOOD) + "\n"
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            for _ in range(3):
                process.stdin.write(asked)
                process.stdin.flush()
                assert json.loads(process.stdout.readline())["fits"] is True
            process.stdin.close()
            assert process.wait(timeout=120) == 0
        finally:
            process.kill()


def test_a_file_of_requests(tmp_path: Path) -> None:
    (tmp_path / "asked.jsonl").write_text(json.dumps(GOOD) + "\nnonsense\n")
    found = magnusctl(tmp_path, "fit", "--batch", "asked.jsonl", "--json")
    assert found.returncode == 0
    assert [json.loads(line)["id"] for line in found.stdout.splitlines()] == ["good", None]


def test_a_batch_loads_nothing_heavy() -> None:
    heavy = ("pydantic", "yaml", "rich", "jinja2", "fabric", "paramiko", "magnusctl.inventory")
    code = (
        "import io, sys, magnusctl.cli\n"
        "from magnusctl import fitbatch\n"
        "fitbatch.answers(io.BytesIO(sys.stdin.buffer.read()), io.StringIO())\n"
        f"print(*[name for name in {heavy!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(GOOD),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert found.stdout.split() == []

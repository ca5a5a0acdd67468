"""What a dry run of the examples' models says, from recorded answers: the verdicts of a specialist.

Written anew with MAGNUS_GOLDEN=write; what differs is to be read, not waved through.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
OBSERVED = ROOT / "tests/fixtures/observed"
OVERLAYS = "tests/deploying/overlays"
ON_THE_MAC = ("--on", "macmini", "--quant", "mlx-4bit", "--context", "2048")
IN_LLAMACPP = ("complex", "--engine", "llamacpp", "--quant", "Q4_K_M", "--context", "8192")

# name: example, exit code, what it must say whatever else changes, the words
CASES: dict[str, tuple[str, int, str, list[str]]] = {
    "magnus-primary": ("magnus", 0, "✓ fits on rtx3090", ["primary"]),
    "magnus-complex": ("magnus", 0, "✓ fits on macmini", ["complex"]),
    "rtx4090-fast": ("rtx4090-ollama", 0, "✓ fits on rtx4090", ["fast"]),
    "rtx4090-primary": ("rtx4090-ollama", 0, "✓ fits on rtx4090", ["primary"]),
    "rtx4090-complex": ("rtx4090-ollama", 0, "margin 0.5 GiB", ["complex"]),
    # 4 bits of 70B on 48 GiB: by the limit that the role sets, and only where less is kept beside.
    "llama-70b-4bit-on-the-mac": (
        *("magnus", 9, "here, with prompt_cache: 1.5GiB"),
        ["llama-3.3-70b", *ON_THE_MAC],
    ),
    "llama-70b-4bit-on-a-mac-for-it": (
        *("magnus", 0, "✓ fits on macmini"),
        ["llama-3.3-70b", *ON_THE_MAC, "--overlay", f"{OVERLAYS}/mac-for-70b.yaml"],
    ),
    "llama-70b-4bit-on-the-3090": (
        *("magnus", 9, "✗ does not fit on rtx3090"),
        ["llama-3.3-70b", "--on", "rtx3090", "--engine", "llamacpp", "--quant", "Q4_K_M"],
    ),
    "qwen-32b-4bit-on-24-gib": (
        *("rtx4090-ollama", 0, "✓ fits on rtx4090"),
        [*IN_LLAMACPP, "--overlay", f"{OVERLAYS}/rtx4090-alone.yaml"],
    ),
}


def said(example: str, words: list[str]) -> subprocess.CompletedProcess[str]:
    """A dry run from what was recorded."""
    where = ["-i", str(ROOT / f"inventory/{example}.yaml"), "--dry-run"]
    argv = [sys.executable, "-m", "magnusctl", "deploy-model", *words, *where]
    return subprocess.run(
        [*argv, "--observed", str(OBSERVED / example)],
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "MAGNUS_VLLM_KEY": "sk-golden"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_says_what_it_said(name: str) -> None:
    example, code, verdict, words = CASES[name]
    answer = said(example, words)
    text = f"{answer.stdout}{answer.stderr}"
    assert answer.returncode == code, text
    assert verdict in text
    assert "sk-golden" not in text
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("MAGNUS_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_every_golden_has_its_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*CASES}

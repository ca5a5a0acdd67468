"""Our figures against those of AIPerf, which measures the same server by the same definitions.

AIPerf is installed once, from a lock, into a folder of its own: it is never part of this project.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

import pytest

from magnusctl import speaking
from magnusctl.checks.servers import Server
from magnusctl.checks.speech import Wanted, judged
from magnusctl.transport.local import LocalTransport
from tests.installed import installed
from tests.speech.server import Pace, serving

LOCK = Path(__file__).parent / "aiperf-lock.txt"
REQUESTS, TOKENS = 6, 64


@pytest.fixture(scope="session")
def aiperf() -> Path:
    """The program, installed where it is not yet."""
    return installed("aiperf", "--no-deps", "-r", str(LOCK)) / "bin" / "aiperf"


def tokenizer(place: Path) -> Path:
    """AIPerf wants one, although the server counts: the smallest that there can be."""
    made = place / "tokenizer"
    made.mkdir()
    words = ["[UNK]", "The", "node", "answers", "the", "probe", "."]
    model = {
        "type": "WordLevel",
        "unk_token": "[UNK]",
        "vocab": {w: n for n, w in enumerate(words)},
    }
    none = ("truncation", "padding", "normalizer", "post_processor", "decoder")
    whole: dict[str, object] = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
    }
    whole |= {"model": model, **dict.fromkeys(none)}
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
    (made / "tokenizer.json").write_text(json.dumps(whole))
    (made / "tokenizer_config.json").write_text(json.dumps(kind | {"model_max_length": 4096}))
    return made


def theirs(aiperf: Path, port: int, place: Path) -> dict[str, float]:
    """The medians of AIPerf: ms until the first token, ms between tokens, tokens per second."""
    prompts = place / "prompts.jsonl"
    line = json.dumps({"text": "The node answers the probe.", "output_length": TOKENS})
    prompts.write_text(f"{line}\n" * REQUESTS)
    words = (
        *("profile", "--model", "tiny", "--url", f"http://127.0.0.1:{port}"),
        *("--endpoint-type", "chat", "--streaming", "--concurrency", "1"),
        *("--request-count", str(REQUESTS), "--input-file", str(prompts)),
        *("--custom-dataset-type", "single-turn", "--tokenizer", str(tokenizer(place))),
        *("--use-server-token-count", "--no-gpu-telemetry", "--no-server-metrics"),
        *("--ui", "none", "--artifact-dir", str(place / "out")),
    )
    # The names of its sockets are below TMPDIR, and may not be long.
    with tempfile.TemporaryDirectory(prefix="ap-", dir="/tmp") as short:
        env = {"PATH": os.environ["PATH"], "HOME": short, "TMPDIR": short}
        argv = [str(aiperf), *words]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=600, check=False, env=env
        )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    lines = (place / "out" / "profile_export.jsonl").read_text().splitlines()
    found = [json.loads(line)["metrics"] for line in lines]
    names = ("time_to_first_token", "inter_token_latency", "output_token_throughput_per_user")
    return {name: statistics.median(one[name]["value"] for one in found) for name in names}


def test_we_and_aiperf_measure_the_same(aiperf: Path, tmp_path: Path) -> None:
    pace = Pace(role=100, first=300, gap=8, tokens=TOKENS)
    with serving(pace) as port:
        asked = Server("here", "m", "vllm", "127.0.0.1", port, ("tiny",), None, Wanted())
        spoken = speaking.spoken(asked, LocalTransport("here"))
        peer = theirs(aiperf, port, tmp_path)
    ours = {
        r.check.removeprefix("tokens.m."): r.measure.value
        for r in judged(spoken, Wanted())
        if r.measure
    }
    assert ours["decode"] == pytest.approx(peer["output_token_throughput_per_user"], rel=0.05)
    assert ours["inter-token"] == pytest.approx(peer["inter_token_latency"], rel=0.05)
    assert ours["first-token"] == pytest.approx(peer["time_to_first_token"], rel=0.05)

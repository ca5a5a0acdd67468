"""The token probe on a real mlx_lm.server with a model that knows nothing, on this CPU.

llama-server is measured in the lab (tests/lab/test_roles.py), through ssh and with its key.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from magnusctl import speaking
from magnusctl.checks.servers import Server
from magnusctl.checks.speech import Wanted, judged
from magnusctl.report import Verdict
from magnusctl.transport.local import LocalTransport
from tests.installed import installed
from tests.ports import free_port

# Run by mlx's own Python: a whole checkpoint of the kind llama, its words made up.
MODEL = """
import json, sys
from pathlib import Path
import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.models import llama
folder = Path(sys.argv[1])
words = ["<s>", "</s>", "user", "assistant", *(f"word{n}" for n in range(124))]
shape = dict(model_type="llama", hidden_size=64, num_hidden_layers=2, intermediate_size=128,
             num_attention_heads=2, num_key_value_heads=2, rms_norm_eps=1e-5, vocab_size=128,
             tie_word_embeddings=False)
mx.random.seed(7)
model = llama.Model(llama.ModelArgs(**shape))
weights = dict(tree_flatten(model.parameters()))
# An end is never the likeliest: every answer is as long as it was asked for.
head = weights["lm_head.weight"]
weights["lm_head.weight"] = mx.where((mx.arange(128) == 1)[:, None], mx.zeros_like(head), head)
mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
shape |= dict(architectures=["LlamaForCausalLM"], bos_token_id=0, eos_token_id=1,
              max_position_embeddings=4096)
(folder / "config.json").write_text(json.dumps(shape))
tokens = {"type": "WordLevel", "unk_token": "<s>", "vocab": {w: n for n, w in enumerate(words)}}
none = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder"))
whole = {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}}
(folder / "tokenizer.json").write_text(json.dumps({**whole, **none, "model": tokens}))
kind = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<s>", "bos_token": "<s>",
        "eos_token": "</s>", "model_max_length": 4096,
        "chat_template": "{% for m in messages %}{{ m['role'] }} {{ m['content'] }} {% endfor %}"}
(folder / "tokenizer_config.json").write_text(json.dumps(kind))
"""


@pytest.fixture(scope="module")
def mlx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server with its model, on loopback: the port."""
    where = installed("mlx", "mlx-lm==0.32.2", "mlx[cpu]")
    folder = tmp_path_factory.mktemp("mlx")
    for name in ("model", "hub"):
        (folder / name).mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "HF_HUB_OFFLINE": "1"}
    env |= {"HF_HUB_CACHE": str(folder / "hub"), "MLX_DISABLE_COMPILE": "1"}
    argv = [str(where / "bin" / "python"), "-c", MODEL, str(folder / "model")]
    subprocess.run(argv, check=True, timeout=600, env=env)
    port = free_port()
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [
                *(str(where / "bin" / "mlx_lm.server"), "--model", str(folder / "model")),
                *("--host", "127.0.0.1", "--port", str(port)),
            ],
            stdout=log,
            stderr=log,
            env=env,
        )
        try:
            _listens(server, port, folder / "log")
            yield port
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()


def _listens(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(900):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert server.poll() is None, log.read_text()[-2000:]
        time.sleep(0.2)
    raise AssertionError(f"it does not listen: {log.read_text()[-2000:]}")


def asked(port: int) -> Server:
    return Server("mac", "m", "mlx", "127.0.0.1", port, ("default_model",), None, Wanted())


def test_a_real_mlx_server_is_measured(mlx: int) -> None:
    spoken = speaking.spoken(asked(mlx), LocalTransport("mac"))
    assert [sample.tokens for sample in spoken.one] == [64] * 5
    results = {r.check: r for r in judged(spoken, Wanted())}
    for what in ("decode", "first-token", "inter-token", "prefill", "end-to-end", "total-at-4"):
        result = results[f"tokens.m.{what}"]
        assert result.verdict is Verdict.PASS, result
        assert result.measure is not None
        assert result.measure.value > 0
    # It keeps former prompts: what came from there is no prefill.
    assert all((s.prompt_tokens or 0) > s.cached_tokens for s in spoken.one)


def test_its_model_is_asked_for_by_the_name_that_loads_no_other(mlx: int) -> None:
    assert speaking.speaks(asked(mlx), LocalTransport("mac")).tokens == 4

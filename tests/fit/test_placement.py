"""Where a model would go: what each host is, what is taken of it, what keeps a model out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from magnusctl import catalogue
from magnusctl.checks.servers import servers_of
from magnusctl.fit.devices import GIB
from magnusctl.fitting import declared_of, device_named
from magnusctl.inventory.budgets import models_of
from magnusctl.placement import Live, candidates, device_of, predicted
from magnusctl.placement.asked import Wanted
from magnusctl.render import renderer
from tests.fit.fleets import EXAMPLES, example, judged, on, small

PRIMARY = """\
models:
  primary: {host: card, model: qwen2.5-14b-instruct-awq, memory: 16GiB, size: 10GB}
"""


def test_a_card_is_what_was_sold() -> None:
    device = device_of(example("magnus"), "rtx3090", "vllm")
    assert (device.kind, device.count, device.memory) == ("cuda", 1, 24 * GIB)
    assert device.host_memory == 64 * 10**9


@pytest.mark.parametrize("engine", ["mlx", "llamacpp", "ollama"])
def test_the_limit_of_a_mac_is_that_of_its_role_for_all_engines(engine: str) -> None:
    device = device_of(example("magnus"), "macmini", engine)
    assert (device.kind, device.name) == ("metal", "Apple M4 Pro")
    assert device.limit == 40 * GIB


def test_without_the_engine_mlx_a_mac_has_its_own_limit(tmp_path: Path) -> None:
    inventory = small(tmp_path, replaced=("engine: mlx", "engine: ollama"))
    assert device_of(inventory, "mac", "ollama").limit is None


def test_a_cpu_keeps_its_reserve() -> None:
    found = judged(example("mixtral-cpu"), "mixtral").candidates[0]
    assert found.site.device.kind == "cpu"
    # 2 GiB for the system and 1 GiB for finished prompts, as the inventory says.
    assert found.site.reserve.bytes == 3 * GIB
    assert found.fit
    assert found.fit.limit
    assert found.fit.limit.usable == pytest.approx(0.95 * 32 * GIB - 3 * GIB)


def test_other_residents_are_in_the_way_and_the_model_itself_is_not(tmp_path: Path) -> None:
    inventory = small(tmp_path, PRIMARY)
    other = on(judged(inventory, "qwen2.5-32b", on="card"), "card")
    assert [(one.name, one.bytes) for one in other.site.holders] == [("primary", 16 * GIB)]
    assert other.verdict is False
    itself = on(judged(inventory, "qwen2.5-14b", on="card"), "card")
    assert itself.site.holders == ()
    assert itself.verdict is True


def test_ollama_puts_residents_out_for_a_model_that_is_not_resident() -> None:
    inventory = example("rtx4090-ollama")
    assert judged(inventory, "complex").candidates[0].site.holders == ()
    beside = judged(inventory, "llama-3.1-8b", on="rtx4090").candidates[0].site.holders
    assert [one.name for one in beside] == ["fast", "primary"]


def test_what_is_really_used_counts_where_it_is_known(tmp_path: Path) -> None:
    inventory = small(tmp_path, PRIMARY)
    live = {"card": Live(used_bytes=1 * GIB)}
    found = on(judged(inventory, "qwen2.5-7b", live, on="card"), "card")
    assert [(one.name, one.bytes) for one in found.site.holders] == [("in use", 1 * GIB)]
    free = {"card": Live(free_bytes=2 * GIB)}
    assert on(judged(inventory, "qwen2.5-7b", free, on="card"), "card").verdict is False


def test_what_the_machine_says_it_may_take_is_the_limit(tmp_path: Path) -> None:
    live = {"mac": Live(limit_bytes=20 * GIB)}
    found = on(judged(small(tmp_path), "llama-3.3-70b", live, on="mac"), "mac")
    assert found.fit
    assert found.fit.limit
    assert found.fit.limit.source == "as the machine says"
    assert found.verdict is False


@pytest.mark.parametrize(
    ("model", "host", "words", "name", "why"),
    [
        ("qwen2.5-7b", "bare", {}, "role", "it has not the role inference"),
        ("qwen2.5-7b", "card", {"engine": "mlx"}, "os", "mlx needs macOS, and it is ubuntu-24.04"),
        ("qwen2.5-7b", "mac", {"engine": "vllm"}, "os", "vllm needs Linux, and it is macos-15"),
        ("finbert", "mac", {}, "format", "mlx reads no form of finbert"),
        ("deepseek-r1", "card", {}, "disk", "673 of 85 GB on SSD"),
        ("qwen2.5-7b", "trader", {}, "undisturbed", "it is protected"),
        ("qwen2.5-72b", "card", {}, "memory", "short by"),
    ],
)
def test_what_keeps_a_model_out_is_told(
    tmp_path: Path, model: str, host: str, words: dict[str, Any], name: str, why: str
) -> None:
    found = on(judged(small(tmp_path), model, on=host, **words), host)
    assert found.verdict is False
    assert found.score == 0
    against = {one.name: one.why for one in found.filters if one.passed is False}
    assert why in against[name]


def test_files_that_are_there_need_no_room(tmp_path: Path) -> None:
    inventory, entry = small(tmp_path), catalogue.find("llama-3.3-70b").entry
    wanted = Wanted("x", entry, engine="llamacpp", quant="q4_k_m")
    (away,) = candidates(inventory, wanted, "card")
    key = "llama-3.3-70b@gguf-Q4_K_M"
    (there,) = candidates(inventory, wanted, "card", present={"card": [key]})
    assert not away.present
    assert there.present
    assert [one.passed for one in there.filters if one.name == "disk"] == [True]


@pytest.mark.parametrize(
    ("host", "words", "quant"),
    [
        ("card", {}, "AWQ-int4-g128"),  # the first that vLLM reads
        ("card", {"quant": "gptq-int8"}, "GPTQ-Int8-g128"),
        ("card", {"engine": "llamacpp"}, "Q4_K_M"),
        ("card", {"quant": "q8_0"}, "Q8_0"),  # an engine of the host reads none: another does
        ("mac", {}, "MLX-4bit-g64"),
    ],
)
def test_the_form_is_the_one_that_is_asked_for_or_the_first_that_fits(
    tmp_path: Path, host: str, words: dict[str, Any], quant: str
) -> None:
    found = on(judged(small(tmp_path), "qwen2.5-14b", on=host, **words), host)
    assert found.artifact
    assert found.artifact.quant == quant


def test_a_smaller_form_is_taken_where_the_first_does_not_fit(tmp_path: Path) -> None:
    found = on(judged(small(tmp_path), "llama-3.3-70b", on="mac"), "mac")
    assert found.artifact
    assert found.artifact.quant == "MLX-3bit-g64"
    assert found.verdict is True


def test_the_form_that_the_inventory_names_stays() -> None:
    found = judged(example("magnus"), "complex").candidates[0]
    assert found.artifact
    assert (found.host, found.artifact.name) == ("macmini", "mlx-3bit")


def test_a_tag_is_only_its_own_form() -> None:
    found = judged(example("rtx4090-ollama"), "qwen2.5:32b").candidates[0]
    assert (found.host, found.engine) == ("rtx4090", "ollama")
    assert found.artifact
    assert found.artifact.tag == "qwen2.5:32b"


def test_ollama_holds_its_context_for_each_conversation_in_its_cache_type() -> None:
    answer = judged(example("rtx4090-ollama"), "complex")
    found = answer.candidates[0]
    assert (answer.wanted.context, answer.wanted.sequences) == (16384, 2)
    assert found.fit
    # 256 KiB a token at 16 bits, and 17/32 of it as q8_0.
    assert found.fit.kv == pytest.approx(32768 * 256 * 1024 * 17 / 32)


def test_vllm_gets_the_share_that_its_role_tells_it() -> None:
    found = judged(example("magnus"), "primary").candidates[0]
    assert found.site.utilization == 0.87
    # 87 % of 23.58 GiB less weights, buffers and runtime, at 192 KiB a token.
    (note,) = judged(example("magnus"), "primary").notes
    words = note.rpartition(" a cache of ")
    assert words[0] == "up to 16 conversations share"
    assert int(words[2].split()[0]) == pytest.approx(53_500, rel=0.02)


def test_candidates_come_best_first(tmp_path: Path) -> None:
    answer = judged(small(tmp_path), "qwen2.5-14b", every_host=True)
    assert [one.host for one in answer.candidates[:2]] == ["card", "mac"]
    verdicts = [one.verdict for one in answer.candidates]
    assert verdicts == sorted(verdicts, key=lambda one: one is not True)
    scores = [one.score for one in answer.candidates]
    assert scores == sorted(scores, reverse=True)
    assert answer.verdict is True


def test_without_a_declared_memory_nothing_is_promised(tmp_path: Path) -> None:
    inventory = small(tmp_path, replaced=("memory: 512GiB", "cores: 8"))
    inventory.hosts["trader"] = inventory.hosts["trader"].model_copy(update={"protected": False})
    answer = judged(inventory, "qwen2.5-7b", on="trader")
    assert answer.verdict is None
    assert answer.remedies == ()


@pytest.mark.parametrize(
    ("name", "kind", "count", "gib"),
    [
        ("RTX 3090", "cuda", 1, 24),
        ("2x RTX 4090", "cuda", 2, 24),
        ("NVIDIA A100 80GB", "cuda", 1, 80),
        ("Apple M4 Pro", "metal", 1, None),
        ("AMD EPYC 9654", "cpu", 1, None),
        ("Xeon 6980P", "cpu", 1, None),
    ],
)
def test_a_device_is_known_by_its_name(name: str, kind: str, count: int, gib: float | None) -> None:
    device = device_named(name, None)
    assert (device.kind, device.count) == (kind, count)
    assert device.memory == (gib * GIB if gib else None)


def test_verify_compares_with_what_the_planner_predicts() -> None:
    inventory = example("magnus")
    served = models_of(inventory, "macmini")["complex"]
    known = declared_of("complex", served)
    assert known
    likely = predicted(inventory, *known)
    # Measured on M4 Pros: 70B in 4 bits about 5 tokens/s, so in 3 bits some more.
    assert likely == pytest.approx(7.3, abs=0.5)
    (server,) = servers_of(inventory, "macmini", renderer(EXAMPLES.parent), {})
    assert server.wanted.predicted == likely


def test_nothing_is_predicted_of_a_card_that_llamacpp_does_not_use(tmp_path: Path) -> None:
    name = "Qwen2.5-14B-Instruct-Q4_K_M.gguf"
    model = f"models:\n  one: {{host: card, engine: llamacpp, model: {name}}}\n"
    render = renderer(EXAMPLES.parent)
    (idle,) = servers_of(small(tmp_path, model), "card", render, {})
    told = "engine: vllm\n    variables: {inference: {llamacpp: {gpu_layers: all}}}"
    on_card = small(tmp_path, model, replaced=("engine: vllm", told))
    (used,) = servers_of(on_card, "card", render, {})
    assert idle.wanted.predicted is None
    assert used.wanted.predicted
    assert used.wanted.predicted > 50

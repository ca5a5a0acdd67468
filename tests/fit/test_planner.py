"""The planner's arithmetic against what is published and logged of models."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magnusctl import catalogue
from magnusctl.fit import cache
from magnusctl.fit.batch import answer
from magnusctl.fit.devices import GIB, Device, limit_of
from magnusctl.fit.engines import engine_of
from magnusctl.fit.planner import Request, plan
from magnusctl.fit.shape import Unknown, shape_of
from magnusctl.fit.tensors import parameters
from magnusctl.fit.weights import weights_of
from tests.fit.shapes import OTHERS, asked, fit, rtx3090, shape

MIB = 1024**2
LLAMA = engine_of("llamacpp")


# Published counts, in thousands of millions.
@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("qwen2.5-7b", 7.62),
        ("qwen2.5-14b", 14.77),
        ("qwen2.5-32b", 32.76),
        ("qwen2.5-72b", 72.71),
        ("llama-3.1-8b", 8.03),
        ("llama-3.3-70b", 70.55),
        ("llama-2-13b", 13.02),
        ("mixtral-8x7b", 46.70),
        ("qwen3-30b-a3b", 30.53),
        ("gpt-oss-20b", 20.91),
        ("deepseek-r1", 671.03),
    ],
)
def test_parameters_are_as_published(name: str, billions: float) -> None:
    assert parameters(shape(name)) / 1e9 == pytest.approx(billions, abs=0.006)


# KiB of one token at 16 bits, as engines log it: each family of attention.
@pytest.mark.parametrize(
    ("name", "kib"),
    [
        ("llama-2-13b", 800),  # MHA: every head has keys of its own
        ("qwen2.5-7b", 56),  # GQA
        ("qwen2.5-14b", 192),
        ("qwen2.5-32b", 256),
        ("qwen2.5-72b", 320),
        ("llama-3.1-8b", 128),
        ("llama-3.3-70b", 320),
        ("tinyllama-1.1b", 22),
        ("one-kv-head", 18),  # MQA
        ("mixtral-8x7b", 128),  # experts do not change it
        ("qwen3-30b-a3b", 96),
        ("deepseek-r1", 68.6),  # MLA
        ("gpt-oss-20b", 48),  # within its window
        ("gemma-3-27b", 496),
    ],
)
def test_a_token_takes_what_engines_log(name: str, kib: float) -> None:
    # So few tokens that no window has an end.
    bytes_ = cache.cache_bytes(shape(name), LLAMA, 128, 1, "f16") / 128
    assert bytes_ / 1024 == pytest.approx(kib, rel=0.001)


# MiB of layers that see all and of layers that slide, as llama.cpp logs them.
@pytest.mark.parametrize(
    ("name", "context", "full_mib", "sliding_mib"),
    [("gpt-oss-20b", 131072, 3072, 18), ("gemma-3-27b", 32768, 2560, 624)],
)
def test_layers_that_slide_keep_only_their_window(
    name: str, context: int, full_mib: float, sliding_mib: float
) -> None:
    found = cache.cache_bytes(shape(name), LLAMA, context, 1, "f16")
    assert found / MIB == pytest.approx(full_mib + sliding_mib, rel=0.001)


def test_a_build_without_windows_keeps_all() -> None:
    found = cache.cache_bytes(shape("gemma-3-27b"), engine_of("ik_llama.cpp"), 32768, 1, "f16")
    assert found / MIB == pytest.approx(15872, rel=0.001)


def test_expanded_latents_take_71_times_as_much() -> None:
    found = cache.cache_bytes(shape("deepseek-r1"), engine_of("llama.cpp non-MLA"), 2048, 1, "f16")
    assert found / MIB == pytest.approx(9760, rel=0.001)


@pytest.mark.parametrize(
    ("kind", "share"), [("f16", 1), ("q8_0", 17 / 32), ("q4_0", 9 / 32), ("fp8", 1 / 2)]
)
def test_a_smaller_cache_takes_its_share(kind: str, share: float) -> None:
    one = shape("qwen2.5-14b")
    whole = cache.cache_bytes(one, LLAMA, 8192, 1, "f16")
    assert cache.cache_bytes(one, LLAMA, 8192, 1, kind) == pytest.approx(whole * share)


# GiB of published files.
@pytest.mark.parametrize(
    ("name", "format_", "quant", "gib"),
    [
        ("qwen2.5-14b", "gguf", "Q4_K_M", 8.37),
        ("qwen2.5-32b", "gguf", "Q4_K_M", 18.48),
        ("qwen2.5-coder-32b", "gguf", "Q5_K_M", 21.66),
        ("qwen2.5-72b", "gguf", "Q4_K_M", 44.15),
        ("llama-3.3-70b", "gguf", "Q4_K_M", 39.59),
        ("qwen3-30b-a3b", "gguf", "Q4_K_M", 17.28),
        ("gpt-oss-20b", "gguf", "MXFP4", 11.27),
        ("qwen2.5-7b", "safetensors", "AWQ-int4-g128", 5.19),
        ("tinyllama-1.1b", "safetensors", "bf16", 2200119864 / GIB),
    ],
)
def test_files_are_as_large_as_published(name: str, format_: str, quant: str, gib: float) -> None:
    assert weights_of(shape(name), format_, quant).file / GIB == pytest.approx(gib, rel=0.003)


# What the guide's own table says of a card of 24 GiB: fits, and the largest context about so.
@pytest.mark.parametrize(
    ("name", "quant", "fits", "largest"),
    [
        ("qwen2.5-14b", "Q4_K_M", True, 32768),
        ("qwen2.5-32b", "Q4_K_M", True, 19_000),
        ("qwen3-30b-a3b", "Q4_K_M", True, 40960),
        ("gpt-oss-20b", "MXFP4", True, 131072),
        ("gemma-3-27b", "Q4_K_M", True, 85_000),
        ("qwen2.5-coder-32b", "Q5_K_M", False, 6_500),
        ("mixtral-8x7b", "Q4_K_M", False, 0),
        ("llama-3.3-70b", "Q4_K_M", False, 0),
        ("qwen2.5-72b", "Q4_K_M", False, 0),
    ],
)
def test_a_card_of_24_gib(name: str, quant: str, fits: bool, largest: int) -> None:
    found = fit(name, rtx3090(), 8192, quant=quant)
    assert found.fits is fits
    assert found.max_context == pytest.approx(largest, rel=0.06)


@pytest.mark.parametrize(
    ("name", "layers"), [("mixtral-8x7b", 26), ("llama-3.3-70b", 43), ("qwen2.5-72b", 38)]
)
def test_layers_of_what_does_not_fit(name: str, layers: int) -> None:
    found = fit(name, rtx3090(), 8192)
    assert found.gpu_layers == pytest.approx(layers, abs=1)
    whole = fit(name, rtx3090(), 8192).decode_tps
    larger = fit(name, replace(rtx3090(), memory=96 * GIB), 8192).decode_tps
    assert whole
    assert larger
    assert larger > 3 * whole


def test_a_mixture_is_stored_whole_and_read_in_part() -> None:
    big = replace(rtx3090(), memory=48 * GIB)
    mixture, dense = fit("mixtral-8x7b", big, 4096), fit("llama-3.3-70b", big, 4096)
    assert mixture.weights > 26 * GIB
    assert mixture.decode_tps
    assert dense.decode_tps
    assert mixture.decode_tps > 2.5 * dense.decode_tps


def test_70b_in_4_bits_does_not_fit_a_mac_of_48_gb_by_default() -> None:
    mac = Device("metal", "Apple M4 Pro", memory=48 * GIB)
    one = shape("llama-3.3-70b")
    request = Request(one, weights_of(one, "gguf", "Q4_K_M"), LLAMA, mac, 4096)
    assert plan(request).fits is False
    raised = plan(replace(request, device=replace(mac, limit=42_200 * MIB)))
    assert raised.fits is True


@pytest.mark.parametrize("device", [Device("cuda", "RTX 3090"), Device("metal"), Device("cpu")])
def test_what_is_unknown_never_fits(device: Device) -> None:
    found = plan(asked("tinyllama-1.1b", device, 256))
    assert found.fits is None
    assert found.max_context is None
    assert "how much memory the device has is not known" in found.reasons


def test_no_speed_without_a_bandwidth() -> None:
    found = plan(asked("tinyllama-1.1b", Device("cpu", "8 vCPU", memory=32 * GIB), 256))
    assert found.fits is True
    assert found.decode_tps is None


@pytest.mark.parametrize("missing", ["hidden_size", "num_hidden_layers", "vocab_size"])
def test_a_fact_that_is_missing_is_named(missing: str) -> None:
    config = {key: value for key, value in OTHERS["llama-2-13b"].items() if key != missing}
    with pytest.raises(Unknown, match=missing):
        shape_of(config)


def test_an_unknown_quantisation_is_not_guessed() -> None:
    with pytest.raises(Unknown, match="Q9_X"):
        weights_of(shape("qwen2.5-7b"), "gguf", "Q9_X")


def test_a_context_longer_than_the_models_own_does_not_fit() -> None:
    found = fit("tinyllama-1.1b", rtx3090(), 4096)
    assert found.fits is False
    assert found.binding == "the model's own context"
    assert found.max_context == 2048


def test_vllm_refuses_what_it_cannot_profile_at_once() -> None:
    """Seen on this card: 29000 tokens are refused without chunks, though the cache would fit."""
    one = shape("llama-3.1-8b")
    weights = weights_of(one, "safetensors", "bf16")
    whole = Request(one, weights, engine_of("vllm, chunked prefill off"), rtx3090(), 29000)
    assert plan(whole).fits is False
    assert plan(replace(whole, engine=engine_of("vllm"))).fits is True


def test_others_and_a_reserve_count_against_the_limit() -> None:
    request = asked("qwen2.5-14b", rtx3090(), 8192)
    alone = plan(request)
    beside = plan(replace(request, taken=20 * GIB))
    assert alone.fits
    assert not beside.fits
    assert alone.limit
    assert beside.limit
    assert alone.limit.usable - beside.limit.usable == pytest.approx(20 * GIB)
    assert plan(replace(request, reserve=20 * GIB)).fits is False


NAMES = ["qwen2.5-14b", "llama-3.3-70b", "mixtral-8x7b", "deepseek-r1", *OTHERS]
ENGINES = {"gguf": "llamacpp", "mlx": "mlx", "safetensors": "vllm"}
QUANTS = {"gguf": "Q4_K_M", "mlx": "MLX-4bit-g64", "safetensors": "AWQ-int4-g128"}


@st.composite
def requests(draw: st.DrawFn) -> Request:
    format_ = draw(st.sampled_from(sorted(ENGINES)))
    one = shape(draw(st.sampled_from(NAMES)))
    kind = {"gguf": draw(st.sampled_from(["cuda", "metal", "cpu"])), "mlx": "metal"}.get(format_)
    return Request(
        one,
        weights_of(one, format_, QUANTS[format_]),
        engine_of(ENGINES[format_], format_),
        Device(
            kind or "cuda",  # type: ignore[arg-type]  # one of three words
            count=draw(st.sampled_from([1, 2, 4])) if kind in (None, "cuda") else 1,
            memory=draw(st.integers(8, 1024)) * GIB,
        ),
        context=draw(st.integers(1, 200_000)),
        sequences=draw(st.sampled_from([1, 2, 8])),
        kv_dtype=draw(st.sampled_from(["", "q8_0"])),
        taken=draw(st.sampled_from([0.0, 4.0 * GIB])),
    )


@settings(max_examples=150, deadline=None)
@given(requests(), st.integers(1, 50_000))
def test_more_context_never_needs_less(request: Request, more: int) -> None:
    longer = replace(request, context=request.context + more)
    assert plan(longer).needed >= plan(request).needed
    if plan(longer).fits:
        assert plan(request).fits


@settings(max_examples=150, deadline=None)
@given(requests())
def test_the_largest_context_fits_and_no_larger_does(request: Request) -> None:
    largest = plan(request).max_context
    assert largest is not None
    if largest:
        assert plan(replace(request, context=largest)).fits
    limit = limit_of(request.device)
    assert limit
    step = 16 if request.engine.family == "vllm" else 256
    assert not plan(replace(request, context=largest + step)).fits


@settings(max_examples=60, deadline=None)
@given(requests(), st.integers(1, 64))
def test_more_memory_never_fits_less(request: Request, gib: int) -> None:
    memory = (request.device.memory or 0) + gib * GIB
    # The share of a Mac's memory grows in steps with its size; each is at least the one below.
    larger = replace(request, device=replace(request.device, memory=memory))
    if plan(request).fits:
        assert plan(larger).fits


def test_every_entry_of_the_catalogue_can_be_judged() -> None:
    for entry in catalogue.all_entries():
        for artifact in entry.artifacts:
            weights = weights_of(shape_of(entry.config), artifact.format, artifact.quant)
            assert weights.file > 0, f"{entry.name} {artifact.name}"


def test_a_batch_answer_is_null_where_it_cannot_be_told() -> None:
    found = answer({"id": 7, "config": {"model_type": "llama"}, "format": "gguf"})
    assert found["id"] == 7
    assert found["fits"] is None
    assert found["total_gib"] is None
    assert found["reasons"] == ["config.json does not say hidden_size"]


def test_of_an_engine_that_nobody_knows_sizes_are_told_and_no_verdict() -> None:
    request = {
        "id": "a",
        "config": {
            **{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336},
            **{"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8},
            **{"vocab_size": 128256, "tie_word_embeddings": False},
        },
        **{"format": "gguf", "quant": "Q4_K_M", "context": 8192},
        "device": {"kind": "cuda", "name": "RTX 3090", "memory_gib": 24},
    }
    known = answer({**request, "engine": "llama.cpp"})
    strange = answer({**request, "engine": "somebody's own"})
    assert known["fits"] is True
    assert strange["fits"] is None
    assert strange["decode_tps"] is None
    assert "not known" in strange["reasons"][0]
    for size in ("artifact_gib", "weights_gib", "kv_gib"):
        assert strange[size] == pytest.approx(known[size])

"""What a GGUF header tells of its model, by the names and figures of published config.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from magnusctl.gguf import NotGguf, Sizes, Tensor, config, header, quant, sizes
from magnusctl.gguf.quants import LABELS, QUANTS
from tests.gguf_writer import WRITTEN, gguf, tensor, written

# As gguf 0.19.0 has them in GGML_QUANT_SIZES, but Q8_1 and Q2_0 as ggml-common.h has them.
RECORDED = {
    **{0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20)},
    **{6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36)},
    **{10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144)},
    **{13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292)},
    **{16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98)},
    **{19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110)},
    **{22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2)},
    **{26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56)},
    **{30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66)},
    **{39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18)},
    # Ollama's.
    **{4: ("MXFP4", 32, 17)},
}


def test_types_have_the_recorded_sizes() -> None:
    found = {number: (one.name, one.values, one.bytes) for number, one in QUANTS.items()}
    assert found == RECORDED


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        *(("Q2_K", 2.625), ("Q3_K", 3.4375), ("Q4_K", 4.5), ("Q5_K", 5.5), ("Q6_K", 6.5625)),
        *(("Q8_0", 8.5), ("Q4_0", 4.5), ("Q5_1", 6.0), ("IQ4_XS", 4.25), ("MXFP4", 4.25)),
    ],
)
def test_bits_are_those_that_llama_cpp_publishes(name: str, bits: float) -> None:
    assert {one.bits for one in QUANTS.values() if one.name == name} == {bits}


def told(architecture: str, facts: Mapping[str, object], *tensors: bytes) -> dict[str, object]:
    named = {f"{architecture}.{name}": value for name, value in facts.items()}
    return config(header(gguf({"general.architecture": architecture, **named}, tensors)))


TIED = (tensor("token_embd.weight", [64, 10]),)
UNTIED = (*TIED, tensor("output.weight", [64, 10], 0, 2560))

GPT_OSS = {
    **{"context_length": 131072, "embedding_length": 2880, "block_count": 24},
    **{"attention.head_count": 64, "attention.head_count_kv": 8, "attention.key_length": 64},
    **{"attention.sliding_window": 128, "expert_count": 32, "expert_used_count": 4},
    **{"expert_feed_forward_length": 2880, "vocab_size": 201088},
}
GPT_OSS_CONFIG = {
    **{"model_type": "gpt_oss", "hidden_size": 2880, "intermediate_size": 2880},
    **{"num_hidden_layers": 24, "num_attention_heads": 64, "num_key_value_heads": 8},
    **{"head_dim": 64, "sliding_window": 128, "num_local_experts": 32, "num_experts_per_tok": 4},
    **{"vocab_size": 201088, "max_position_embeddings": 131072, "tie_word_embeddings": False},
}
DEEPSEEK = {
    **{"context_length": 163840, "embedding_length": 7168, "block_count": 62},
    **{"nextn_predict_layers": 1, "feed_forward_length": 18432, "attention.head_count": 128},
    **{"leading_dense_block_count": 3, "vocab_size": 129280, "attention.q_lora_rank": 1536},
    **{"attention.kv_lora_rank": 512, "rope.dimension_count": 64, "expert_count": 256},
    **{"expert_used_count": 8, "expert_shared_count": 1, "expert_feed_forward_length": 2048},
}
# Since April 2025 the cache is that of one head; before, that of all of them.
ONE_HEAD = {
    **{"attention.head_count_kv": 1, "attention.key_length": 576, "attention.value_length": 512},
    **{"attention.key_length_mla": 192, "attention.value_length_mla": 128},
}
ALL_HEADS = {
    **{"attention.head_count_kv": 128, "attention.key_length": 192},
    **{"attention.value_length": 128},
}
DEEPSEEK_CONFIG = {
    **{"model_type": "deepseek_v3", "hidden_size": 7168, "intermediate_size": 18432},
    **{"moe_intermediate_size": 2048, "num_hidden_layers": 61, "first_k_dense_replace": 3},
    **{"num_attention_heads": 128, "num_key_value_heads": 128, "kv_lora_rank": 512},
    **{"q_lora_rank": 1536, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128},
    **{"n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8},
    **{"vocab_size": 129280, "max_position_embeddings": 163840, "tie_word_embeddings": False},
}
QWEN3_MOE = {
    **{"context_length": 40960, "embedding_length": 2048, "block_count": 48},
    **{"feed_forward_length": 6144, "attention.head_count": 32, "attention.head_count_kv": 4},
    **{"attention.key_length": 128, "expert_count": 128, "expert_used_count": 8},
    **{"expert_feed_forward_length": 768, "vocab_size": 151936},
}
QWEN3_MOE_CONFIG = {
    **{"model_type": "qwen3_moe", "hidden_size": 2048, "intermediate_size": 6144},
    **{"moe_intermediate_size": 768, "num_hidden_layers": 48, "num_attention_heads": 32},
    **{"num_key_value_heads": 4, "head_dim": 128, "num_experts": 128, "num_experts_per_tok": 8},
    **{"vocab_size": 151936, "max_position_embeddings": 40960, "tie_word_embeddings": False},
}


@pytest.mark.parametrize(
    ("architecture", "facts", "wanted"),
    [
        ("gpt-oss", GPT_OSS, GPT_OSS_CONFIG),
        ("gptoss", GPT_OSS, GPT_OSS_CONFIG),
        ("deepseek2", DEEPSEEK | ONE_HEAD, DEEPSEEK_CONFIG),
        ("deepseek2", DEEPSEEK | ALL_HEADS, DEEPSEEK_CONFIG),
        ("qwen3moe", QWEN3_MOE, QWEN3_MOE_CONFIG),
    ],
)
def test_tells_what_the_published_config_says(
    architecture: str, facts: dict[str, object], wanted: dict[str, object]
) -> None:
    assert told(architecture, facts, *UNTIED) == wanted


@pytest.mark.parametrize(
    ("architecture", "facts", "model_type"),
    [
        *((name, {}, name) for name in ("llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3")),
        ("llama", {"expert_count": 0}, "llama"),
        ("llama", {"expert_count": 8}, "mixtral"),
        ("bert", {}, "bert"),
        ("nomic-bert", {}, "bert"),
        ("something-new", {"expert_count": 8}, "something-new"),
    ],
)
def test_names_the_model_type(architecture: str, facts: dict[str, object], model_type: str) -> None:
    assert told(architecture, facts)["model_type"] == model_type


@pytest.mark.parametrize(
    ("facts", "name", "value"),
    [
        ({"attention.head_count_kv": [0, 8, 4]}, "num_key_value_heads", 8),
        ({"attention.head_count_kv": ["8"]}, "num_key_value_heads", None),
        ({"embedding_length": "4096"}, "hidden_size", None),
        ({"embedding_length": True}, "hidden_size", None),
        ({"attention.sliding_window": 0}, "sliding_window", None),
        ({"attention.sliding_window_pattern": 6}, "sliding_window_pattern", 6),
        (
            {"attention.sliding_window_pattern": [True, False]},
            "layer_types",
            ["sliding_attention", "full_attention"],
        ),
        ({"block_count": 2, "nextn_predict_layers": 3}, "num_hidden_layers", 0),
        ({"expert_count": 0, "expert_used_count": 0}, "num_experts_per_tok", None),
        ({}, "head_dim", None),
    ],
)
def test_tells_a_single_fact(facts: dict[str, object], name: str, value: object) -> None:
    assert told("llama", facts).get(name) == value


def test_finds_the_vocabulary_where_it_is() -> None:
    tokens = {"general.architecture": "llama", "tokenizer.ggml.tokens": ["a"] * 700}
    size = {"llama.vocab_size": 701}
    for facts, wanted in (({**tokens, **size}, 701), (tokens, 700)):
        assert config(header(gguf(facts, TIED)))["vocab_size"] == wanted
    assert told("llama", {}, *TIED)["vocab_size"] == 10
    assert "vocab_size" not in told("llama", {})


def test_ties_the_output_where_it_has_none() -> None:
    assert told("llama", {}, *TIED)["tie_word_embeddings"] is True
    assert told("llama", {}, *UNTIED)["tie_word_embeddings"] is False
    assert "tie_word_embeddings" not in told("llama", {})


def test_a_part_of_a_model_says_so() -> None:
    split = {"split.no": 1, "split.count": 3}
    first = header(gguf({"general.architecture": "llama", **split, "split.no": 0}, TIED))
    assert (first.part, first.parts) == (0, 3)
    assert "tie_word_embeddings" not in config(first)
    later = header(gguf(split, TIED))
    assert (later.part, later.parts) == (1, 3)
    with pytest.raises(NotGguf, match="not the first part"):
        config(later)
    assert header(gguf()).parts == 1


@pytest.mark.parametrize("name", WRITTEN)
def test_sizes_add_up(name: str) -> None:
    found = sizes(header(written(name)))
    parts = found.embedding_bytes + found.output_bytes + sum(found.layers) + found.other
    assert found.total_bytes == parts
    assert found.total_bytes == sum(one.bytes for one in header(written(name)).tensors)


def test_sizes_of_a_mixture() -> None:
    # 591 rows of 64, three layers, four experts of 3 * 64 * 128, all as Q8_0.
    table, experts = 591 * 64 * 34 // 32, 3 * 4 * 3 * 64 * 128 * 34 // 32
    layer = experts // 3 + 4 * 64 * 64 * 34 // 32 + 4 * 64 * 4 + 2 * 64 * 4
    found = sizes(header(written("mixtral-q8_0")))
    assert found == Sizes(2 * table + 3 * layer + 256, table, table, experts, (layer,) * 3, 256)


@pytest.mark.parametrize(
    ("name", "expert", "layers"),
    [
        ("blk.1.ffn_up_exps.weight", True, (0, 4)),
        ("blk.1.ffn_gate_up_exps.weight", True, (0, 4)),
        ("blk.1.ffn_down_exps.bias", True, (0, 4)),
        ("blk.1.ffn_down.7.weight", True, (0, 4)),
        ("blk.1.ffn_down.weight", False, (0, 4)),
        ("blk.1.ffn_up_shexp.weight", False, (0, 4)),
        ("blk.1.ffn_gate_inp.weight", False, (0, 4)),
        ("blk.4294967295.ffn_up.weight", False, ()),
        ("v.blk.1.ffn_up.weight", False, ()),
        ("output_norm.weight", False, ()),
    ],
)
def test_knows_whose_a_tensor_is(name: str, expert: bool, layers: tuple[int, ...]) -> None:
    found = sizes(header(gguf([], [tensor(name, [1])])))
    assert found == Sizes(4, 0, 0, 4 if expert else 0, layers, 0 if layers else 4)


@pytest.mark.parametrize(
    ("number", "label"),
    [
        *((0, "F32"), (1, "F16"), (4, "MXFP4"), (7, "Q8_0"), (11, "Q3_K_S"), (13, "Q3_K_L")),
        *((14, "Q4_K_S"), (15, "Q4_K_M"), (17, "Q5_K_M"), (18, "Q6_K"), (30, "IQ4_XS")),
        *((32, "BF16"), (38, "MXFP4"), (1024 + 15, "Q4_K_M"), (33, "mixed"), ("15", "mixed")),
    ],
)
def test_labels_the_mixture(number: object, label: str) -> None:
    assert quant(header(gguf({"general.file_type": number}))) == label


def test_without_a_label_the_matrices_decide() -> None:
    plain = header(gguf([], [tensor("a", [32, 2], 2), tensor("norm", [4])]))
    assert quant(plain) == "Q4_0"
    other = Tensor("b", (2, 2), "F16", 0, 8)
    assert quant(replace(plain, tensors=(*plain.tensors, other))) == "mixed"


def test_labels_begin_with_a_type_that_there_is() -> None:
    types = {one.name for one in QUANTS.values()}
    loose = {"IQ3_XS", "IQ3_M", "IQ2_M"}
    for label in set(LABELS.values()) - loose:
        assert label in types or label.rpartition("_")[0] in types

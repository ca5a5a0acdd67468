"""Reading GGUF headers: as the library gguf read them, cut anywhere, and made to harm."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnusctl.errors import InputError
from magnusctl.gguf import (
    Header,
    LongArray,
    NotGguf,
    Tensor,
    Truncated,
    config,
    header,
    quant,
    read,
    sizes,
)
from magnusctl.gguf.fields import KEPT, MOST_BYTES, Fields
from tests.gguf_writer import (
    ARRAY,
    BOOL,
    F64,
    FIXTURES,
    LAYOUTS,
    TEXT,
    U8,
    U16,
    U32,
    WRITTEN,
    array,
    gguf,
    one,
    pair,
    tensor,
    text,
    written,
)

ARCHITECTURE = pair("general.architecture", TEXT, text("llama"))


LONG = (BOOL, U16, F64, TEXT)
# Every kind of value alone and in a short array, some in a long one, then tensors.
EVERYTHING = gguf(
    [
        ARCHITECTURE,
        *(pair(f"one.{kind}", kind, one(kind, 1)) for kind in LAYOUTS),
        *(pair(f"short.{kind}", ARRAY, array(kind, [0, 1])) for kind in [*LAYOUTS, TEXT]),
        *(pair(f"long.{kind}", ARRAY, array(kind, [1] * 600)) for kind in LONG),
        pair("empty", ARRAY, array(U32, [])),
    ],
    [tensor("none", []), tensor("row", [64], 1, 32), tensor("table", [256, 3], 12, 160)],
)


@pytest.mark.parametrize("name", WRITTEN)
def test_reads_what_the_library_reads(name: str) -> None:
    recorded: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    found = header(written(name))
    for key in ("version", "data_offset", "alignment"):
        assert getattr(found, key) == recorded[key]
    told = {
        key: len(value) if isinstance(value, tuple | LongArray) else value
        for key, value in found.metadata.items()
    }
    assert told == recorded["metadata"]
    tensors = [[one.name, [*one.shape], one.type, one.offset, one.bytes] for one in found.tensors]
    assert tensors == recorded["tensors"]
    assert 0 <= recorded["file_bytes"] - found.file_bytes < found.alignment


def test_the_library_wrote_long_arrays_too() -> None:
    tokens = header(written("mixtral-q8_0")).metadata["tokenizer.ggml.tokens"]
    assert tokens == LongArray(591)
    assert tokens != LongArray(590)


@pytest.mark.parametrize("version", [2, 3])
def test_reads_both_versions(version: int) -> None:
    found = header(gguf([ARCHITECTURE], [tensor("a", [32, 2], 2, 0)], version=version))
    assert found.version == version
    assert found.architecture == "llama"
    assert found.tensors == (Tensor("a", (32, 2), "Q4_0", 0, 36),)
    assert found.data_offset % 32 == 0


def test_reads_every_kind_of_value() -> None:
    found = header(EVERYTHING)
    for kind in LAYOUTS:
        assert found.metadata[f"one.{kind}"] == 1
        assert found.metadata[f"short.{kind}"] == (0, 1)
    for kind in LONG:
        assert found.metadata[f"long.{kind}"] == LongArray(600)
    assert found.metadata[f"short.{TEXT}"] == ("0", "1")
    assert found.metadata["empty"] == ()
    assert [one.bytes for one in found.tensors] == [4, 128, 432]
    assert found.file_bytes == found.data_offset + 160 + 432


@pytest.mark.parametrize("length", [KEPT, KEPT + 1])
def test_counts_arrays_only_beyond_the_bound(length: int) -> None:
    kept = header(gguf({"a": [7] * length, "b": ["x"] * length})).metadata
    whole = length == KEPT
    assert kept["a"] == ((7,) * length if whole else LongArray(length))
    assert kept["b"] == (("x",) * length if whole else LongArray(length))


def end(data: bytes) -> int:
    """Where the last tensor's description ends; behind it, zeros fill up to the data."""
    last = header(data).tensors[-1]
    return data.rindex(last.name.encode()) + len(last.name) + 4 + 8 * len(last.shape) + 4 + 8


@pytest.mark.parametrize("whole", [EVERYTHING, written("every-type"), written("llama-f16")])
def test_each_cut_asks_for_more_but_never_for_too_much(whole: bytes) -> None:
    data = whole[: end(whole)]
    assert header(data) == header(whole)
    for cut in range(len(data)):
        assert cut < needed(data[:cut]) <= len(data)


def test_the_smallest_pairs_and_tensors_are_enough() -> None:
    assert len(header(gguf([pair(key, U8, b"\1") for key in "ab"])).metadata) == 2
    assert len(header(gguf([], [tensor("b", []), tensor("", [], 0, 32)])).tensors) == 2


@pytest.mark.parametrize("whole", [EVERYTHING, *map(written, WRITTEN)])
def test_growing_reads_end_soon(whole: bytes) -> None:
    data, size = whole[: end(whole)], 16
    for _ in range(12):
        with contextlib.suppress(Truncated):
            header(data[:size])
            return
        size = max(2 * size, needed(data[:size]))
    pytest.fail(f"not even {size} bytes of {len(data)} were enough")


def needed(data: bytes) -> int:
    with pytest.raises(Truncated) as told:
        header(data)
    return told.value.needed


def test_a_long_list_of_texts_is_asked_for_at_once() -> None:
    start = gguf([text("tokens") + struct.pack("<IIQ", ARRAY, TEXT, 150_000)], counts=(290, 1))
    assert needed(start) > 290 * 24
    assert needed(start + bytes(290 * 24)) == len(start) + 150_000 * 8 + 290 * 24


HUGE = 2**63
HOSTILE = {
    "nothing of it": (b"PK\x03\x04" + bytes(99), "does not begin with 'GGUF'"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "pointer of Git LFS"),
    "big endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "version 0": (gguf(version=0), "version 0"),
    "version 1": (gguf(version=1), "version 1"),
    "version 4": (gguf(version=4), "version 4"),
    "tensors": (gguf(counts=(HUGE, 0)), "list of tensors"),
    "pairs": (gguf(counts=(0, HUGE)), "the metadata"),
    "key": (gguf([struct.pack("<Q", HUGE) + bytes(20)]), "a key"),
    "no key": (gguf([pair("", U32, bytes(9))]), "a key of its metadata is empty"),
    "key twice": (gguf([ARCHITECTURE, ARCHITECTURE]), "twice"),
    "kind": (gguf([pair("a", 13, bytes(9))]), "unknown type 13"),
    "text": (gguf([pair("a", TEXT, struct.pack("<Q", HUGE))]), "the text of 'a'"),
    "array": (gguf([pair("a", ARRAY, struct.pack("<IQ", U32, HUGE))]), "the array 'a'"),
    "array of arrays": (
        gguf([pair("a", ARRAY, struct.pack("<IQ", ARRAY, 1) + array(U32, [1]))]),
        "unknown type 9",
    ),
    "long text in a long array": (
        gguf([pair("a", ARRAY, struct.pack("<IQQ", TEXT, 600, HUGE) + bytes(9000))]),
        "a text of 'a'",
    ),
    "escape in a name": (gguf([pair("\x1b[2J" + "a" * 200, 13, bytes(9))]), r"'\x1b[2Ja"),
    "alignment 0": (gguf({"general.alignment": 0}), "no power of two"),
    "alignment 24": (gguf({"general.alignment": 24}), "no power of two"),
    "alignment in words": (gguf({"general.alignment": "32"}), "no power of two"),
    "tensor's name": (gguf([], [struct.pack("<Q", HUGE) + bytes(30)]), "a tensor's name"),
    "dimensions": (gguf([], [tensor("a", [1] * 5)]), "5 dimensions"),
    "removed type": (gguf([], [tensor("a", [32], 5)]), "unknown type 5"),
    "half a block": (gguf([], [tensor("a", [255, 4], 12)]), "(255, 4) as Q4_K"),
    "too many values": (gguf([], [tensor("a", [2**32, 2**32])]), "cannot have the shape"),
    "a huge side of nothing": (gguf([], [tensor("a", [0, HUGE])]), "cannot have the shape"),
    "a place far away": (gguf([], [tensor("a", [1], 0, HUGE)]), "cannot have the shape"),
    "a place beside": (gguf([], [tensor("a", [1], 0, 8)]), "beside the alignment"),
    "tensor twice": (gguf([], [tensor("a", [1]), tensor("a", [1])]), "twice"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_refuses_in_one_sentence_and_takes_no_memory(case: str) -> None:
    data, why = HOSTILE[case]
    tracemalloc.start()
    try:
        with pytest.raises(NotGguf) as told:
            header(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert why in str(told.value)
    assert len(str(told.value)) < 250
    assert str(told.value).isprintable()


def test_no_header_is_longer_than_the_bound() -> None:
    with pytest.raises(Truncated) as told:
        Fields(b"", behind=1).require(MOST_BYTES - 1)
    assert told.value.needed == MOST_BYTES
    with pytest.raises(NotGguf, match="longer than 256 MiB"):
        Fields(b"", behind=1).require(MOST_BYTES)


def ask(data: bytes) -> None:
    try:
        found = header(data)
        assert sizes(found).total_bytes >= 0
        assert quant(found)
        assert config(found)["model_type"]
    except (NotGguf, Truncated):
        pass


@given(st.integers(2, 3), st.binary(max_size=200))
def test_garbage_raises_nothing_else(version: int, garbage: bytes) -> None:
    ask(b"GGUF" + struct.pack("<I", version) + garbage)


@given(
    st.sampled_from([EVERYTHING, *map(written, WRITTEN)]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=9)), max_size=4),
)
def test_damage_raises_nothing_else(data: bytes, damage: list[tuple[float, bytes]]) -> None:
    hurt = bytearray(data)
    for where, what in damage:
        at = int(where * len(hurt))
        hurt[at : at + len(what)] = what
    ask(bytes(hurt))


def vocabulary(tokens: int) -> bytes:
    pairs = [ARCHITECTURE, pair("tokenizer.ggml.tokens", ARRAY, array(TEXT, ["token"] * tokens))]
    return gguf(pairs, [tensor("token_embd.weight", [32, tokens], 1, 0)])


def test_read_takes_no_more_of_a_file_than_its_header_needs(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(vocabulary(200_000))
    os.truncate(path, 2**33)
    tracemalloc.start()
    try:
        found = read(path)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    assert config(found)["vocab_size"] == 200_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (vocabulary(200_000)[:-1], "ends within its header"),
        (b"", "ends within its header"),
        (b"{}", "it is no GGUF file"),
    ],
)
def test_read_says_what_is_wrong_with_a_file(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(InputError, match=why) as told:
        read(path)
    assert told.value.where == str(path)


def test_read_says_what_is_wrong_with_a_path(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("missing", "pipe", ".", "loop", "a\0b"):
        with pytest.raises(InputError):
            read(tmp_path / name)


def test_a_header_is_a_value() -> None:
    assert isinstance(header(gguf()), Header)
    assert header(EVERYTHING) == header(EVERYTHING)

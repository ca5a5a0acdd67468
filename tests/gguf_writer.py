"""GGUF headers: those that a library wrote, and ones written by hand, wrong ones too."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

U8, I8, U16, I16, U32, I32, F32, BOOL, TEXT, ARRAY, U64, I64, F64 = range(13)
LAYOUTS = {
    **{U8: "<B", I8: "<b", U16: "<H", I16: "<h", U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"},
    **{U64: "<Q", I64: "<q", F64: "<d"},
}
FIXTURES = Path(__file__).parent / "fixtures" / "gguf"
WRITTEN = ("llama-f16", "qwen2-q4_0", "mixtral-q8_0", "every-type")


def written(name: str) -> bytes:
    """A header as the library wrote it."""
    return gzip.decompress((FIXTURES / f"{name}.header.gz").read_bytes())


def text(words: str | bytes) -> bytes:
    data = words.encode() if isinstance(words, str) else words
    return struct.pack("<Q", len(data)) + data


def array(kind: int, values: Sequence[object]) -> bytes:
    body = b"".join(one(kind, value) for value in values)
    return struct.pack("<IQ", kind, len(values)) + body


def one(kind: int, value: object) -> bytes:
    return text(str(value)) if kind == TEXT else struct.pack(LAYOUTS[kind], value)


def pair(key: str, kind: int, body: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + body


def said(key: str, value: object) -> bytes:
    """A pair as converters write it: counts as u32, texts, truths, and arrays of these."""
    if isinstance(value, list):
        kind = kind_of(value[0])
        return pair(key, ARRAY, array(kind, value))
    return pair(key, kind_of(value), one(kind_of(value), value))


def kind_of(value: object) -> int:
    if isinstance(value, bool):
        return BOOL
    return {str: TEXT, int: U32, float: F32}[type(value)]


def tensor(name: str, shape: Sequence[int], number: int = 0, offset: int = 0) -> bytes:
    dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + dimensions + struct.pack("<IQ", number, offset)


def gguf(
    pairs: Sequence[bytes] | Mapping[str, object] = (),
    tensors: Sequence[bytes] = (),
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
) -> bytes:
    """A header; `counts` of tensors and pairs where they are not to be those it has."""
    body = [said(*one) for one in pairs.items()] if isinstance(pairs, Mapping) else pairs
    told = counts or (len(tensors), len(body))
    return b"GGUF" + struct.pack("<IQQ", version, *told) + b"".join([*body, *tensors])

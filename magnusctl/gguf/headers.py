"""The header of a GGUF file, of the versions 2 and 3: what it says of itself and of its tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from magnusctl.gguf.fields import LONGEST_NAME, Fields, NotGguf, shown
from magnusctl.gguf.quants import QUANTS

MAGIC = b"GGUF"
VERSIONS = (2, 3)
_FIXED = 24
_LEAST_PAIR = 14
_LEAST_TENSOR = 24
_MOST_PAIRS = 2**16
_MOST_TENSORS = 2**20
_MOST_DIMENSIONS = 4
_MOST_VALUES = 2**60
_ALIGNMENT = 32


@dataclass(frozen=True)
class Tensor:
    """A tensor; the first number of its shape is the length of a row, as GGUF writes it.

    `offset` counts from where the data begins.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    bytes: int


@dataclass(frozen=True)
class Header:
    """A header; long arrays of its metadata are counted, as LongArray.

    `architecture` is empty where the file names none, as do all parts of a model but the first.
    """

    version: int
    architecture: str
    metadata: Mapping[str, object] = field(repr=False)
    tensors: tuple[Tensor, ...] = field(repr=False)
    data_offset: int
    alignment: int

    @property
    def part(self) -> int:
        """Which part of a model this is, from 0."""
        return whole(self.metadata.get("split.no")) or 0

    @property
    def parts(self) -> int:
        """How many files the model has: one part alone tells only of its own tensors."""
        return max(1, whole(self.metadata.get("split.count")) or 1)

    @property
    def file_bytes(self) -> int:
        """What the whole file has at least: a shorter one did not arrive whole."""
        ends = (tensor.offset + tensor.bytes for tensor in self.tensors)
        return self.data_offset + max(ends, default=0)


def whole(value: object) -> int | None:
    """A count of the metadata: the largest where there is one for each layer. None for others."""
    values = value if isinstance(value, tuple) else (value,)
    counts = [one for one in values if isinstance(one, int) and not isinstance(one, bool)]
    return max(counts) if len(counts) == len(values) and counts and min(counts) >= 0 else None


def header(data: bytes) -> Header:
    """What the first bytes of a file say. Raises Truncated where they are too few, and NotGguf."""
    _refuse_others(data)
    fields = Fields(data, behind=_FIXED - len(MAGIC))
    fields.require(len(MAGIC))
    fields.at, fields.behind = len(MAGIC), 0
    version = _version(fields.u32())
    tensors = fields.bounded("the list of tensors", _MOST_TENSORS)
    pairs = fields.bounded("the metadata", _MOST_PAIRS)
    fields.behind = pairs * _LEAST_PAIR + tensors * _LEAST_TENSOR
    metadata = _metadata(fields, pairs)
    alignment = _alignment(metadata)
    found = _tensors(fields, tensors, alignment)
    architecture = metadata.get("general.architecture")
    return Header(
        version=version,
        architecture=architecture if isinstance(architecture, str) else "",
        metadata=metadata,
        tensors=found,
        # Nothing is filled up where no data follows.
        data_offset=-(-fields.at // alignment) * alignment if found else fields.at,
        alignment=alignment,
    )


def _refuse_others(data: bytes) -> None:
    if data.startswith(b"version https://git-lfs"):
        raise NotGguf("it is only a pointer of Git LFS: the model itself was not fetched")
    if not MAGIC.startswith(data[: len(MAGIC)]):
        raise NotGguf("it is no GGUF file: it does not begin with 'GGUF'")


def _version(version: int) -> int:
    if version and not version & 0xFFFF:
        raise NotGguf("it is a GGUF file for big-endian machines, which is not supported")
    if version == 1:
        raise NotGguf("it is a GGUF file of version 1, which no engine reads any more: convert it")
    if version not in VERSIONS:
        raise NotGguf(f"it is a GGUF file of version {version}; known are 2 and 3")
    return version


def _metadata(fields: Fields, pairs: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for _ in range(pairs):
        fields.behind -= _LEAST_PAIR
        key = fields.text("a key", LONGEST_NAME)
        if not key:
            raise NotGguf("a key of its metadata is empty")
        if key in found:
            raise NotGguf(f"its metadata has the key {shown(key)} twice")
        found[key] = fields.value(key)
    return found


def _alignment(metadata: Mapping[str, object]) -> int:
    told = metadata.get("general.alignment", _ALIGNMENT)
    if not isinstance(told, int) or isinstance(told, bool) or told < 1 or told & (told - 1):
        raise NotGguf("its alignment is no power of two")
    return told


def _tensors(fields: Fields, count: int, alignment: int) -> tuple[Tensor, ...]:
    found: dict[str, Tensor] = {}
    for _ in range(count):
        fields.behind -= _LEAST_TENSOR
        tensor = _tensor(fields)
        if tensor.name in found:
            raise NotGguf(f"it has the tensor {shown(tensor.name)} twice")
        if tensor.offset % alignment:
            raise NotGguf(f"the tensor {shown(tensor.name)} begins beside the alignment")
        found[tensor.name] = tensor
    return tuple(found.values())


def _tensor(fields: Fields) -> Tensor:
    name = fields.text("a tensor's name", LONGEST_NAME)
    dimensions = fields.u32()
    if dimensions > _MOST_DIMENSIONS:
        raise NotGguf(f"the tensor {shown(name)} has {dimensions} dimensions: at most 4")
    shape = tuple(fields.u64() for _ in range(dimensions))
    number = fields.u32()
    offset = fields.u64()
    quant = QUANTS.get(number)
    if quant is None:
        raise NotGguf(f"the tensor {shown(name)} has the unknown type {number}")
    values = math.prod(shape)
    if max(values, offset, *shape) > _MOST_VALUES or (shape[0] if shape else 1) % quant.values:
        raise NotGguf(f"the tensor {shown(name)} cannot have the shape {shape} as {quant.name}")
    return Tensor(name, shape, quant.name, offset, values // quant.values * quant.bytes)

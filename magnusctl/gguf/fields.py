"""The fields of a GGUF header, one after another, from bytes that may be cut anywhere."""

from __future__ import annotations

import struct
from collections.abc import Mapping

MOST_BYTES = 256 * 2**20
"""No header is longer: those of the largest vocabularies have some 20 MiB."""
LONGEST_NAME = 65535
LONGEST_TEXT = 16 * 2**20
LONGEST_ARRAY = 2**24
KEPT = 512
"""Longer arrays are counted only: no model has so many layers, every tokenizer more tokens."""

_NUMBERS: Mapping[int, struct.Struct] = {
    **{0: struct.Struct("<B"), 1: struct.Struct("<b"), 2: struct.Struct("<H")},
    **{3: struct.Struct("<h"), 4: struct.Struct("<I"), 5: struct.Struct("<i")},
    **{6: struct.Struct("<f"), 7: struct.Struct("<?"), 10: struct.Struct("<Q")},
    **{11: struct.Struct("<q"), 12: struct.Struct("<d")},
}
_TEXT, _ARRAY = 8, 9
_U32, _U64 = _NUMBERS[4], _NUMBERS[10]


class NotGguf(ValueError):
    """These bytes are no GGUF header that can be read: one sentence says why."""


class Truncated(ValueError):
    """More bytes are needed: at least `needed`, counted from the start of the file."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"a header of at least {needed} bytes")
        self.needed = needed


def shown(name: str) -> str:
    """A name of a file that anybody may have made, fit for a message."""
    return repr(name[:80])


class LongArray:
    """An array of which only the length was kept."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LongArray) and other._length == self._length

    def __hash__(self) -> int:
        return hash(self._length)

    def __repr__(self) -> str:
        return f"LongArray({self._length})"


class Fields:
    """Reads fields; `at` is where the next one begins, `behind` how many bytes surely follow it."""

    def __init__(self, data: bytes, behind: int) -> None:
        self._data = data
        self.at = 0
        self.behind = behind

    def require(self, length: int) -> None:
        """Raise Truncated unless there are so many bytes more, and those behind them."""
        needed = self.at + length + self.behind
        if needed > MOST_BYTES:
            raise NotGguf(f"its header would be longer than {MOST_BYTES // 2**20} MiB")
        if needed > len(self._data):
            raise Truncated(needed)

    def u32(self) -> int:
        """A count or a kind."""
        return int(self._number(_U32))

    def u64(self) -> int:
        """A length, a size or a place."""
        return int(self._number(_U64))

    def _number(self, layout: struct.Struct) -> int | float | bool:
        self.require(layout.size)
        (value,) = layout.unpack_from(self._data, self.at)
        self.at += layout.size
        return value  # type: ignore[no-any-return]  # struct's values are Any

    def bounded(self, what: str, most: int) -> int:
        """A length, of something that has at most so many parts."""
        length = self.u64()
        if length > most:
            raise NotGguf(f"{what} cannot be {length} long: at most {most}")
        return length

    def text(self, what: str, longest: int = LONGEST_TEXT) -> str:
        """A text; bytes that are no UTF-8 are shown as such."""
        length = self.bounded(what, longest)
        self.require(length)
        self.at += length
        return self._data[self.at - length : self.at].decode("utf-8", "replace")

    def value(self, key: str) -> object:
        """What a key of the metadata says: a number, a text, a tuple of such, or a LongArray."""
        kind = self.u32()
        if kind == _ARRAY:
            return self._array(key)
        if kind == _TEXT:
            return self.text(f"the text of {shown(key)}")
        return self._number(self._layout(kind, key))

    def _layout(self, kind: int, key: str) -> struct.Struct:
        if kind not in _NUMBERS:
            raise NotGguf(f"the value of {shown(key)} has the unknown type {kind}")
        return _NUMBERS[kind]

    def _array(self, key: str) -> object:
        kind = self.u32()
        length = self.bounded(f"the array {shown(key)}", LONGEST_ARRAY)
        if kind == _TEXT:
            return self._texts(key, length)
        layout = self._layout(kind, key)
        self.require(length * layout.size)
        if length <= KEPT:
            return tuple(self._number(layout) for _ in range(length))
        self.at += length * layout.size
        return LongArray(length)

    def _texts(self, key: str, length: int) -> object:
        what = f"a text of {shown(key)}"
        if length <= KEPT:
            return tuple(self.text(what) for _ in range(length))
        for left in range(length, 0, -1):
            self.require(left * _U64.size)
            one = self.bounded(what, LONGEST_TEXT)
            self.at += one
        self.require(0)
        return LongArray(length)

"""What a host keeps of each release, so that going back needs no download and no memory of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from magnusctl.state import canonical

SCHEMA = 1
_KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "int | None": (int, type(None)),
    "float | None": (int, float, type(None)),
    "tuple[str, ...]": (tuple,),
}
FOLDER = "/var/lib/magnus/models"


@dataclass(frozen=True)
class Record:
    """One release. Sizes are bytes; `context` is tokens of one conversation; `needed` is what it
    was planned to take of the memory, `predicted_tps` tokens/s of one stream."""

    model: str
    number: int
    source: str
    engine: str
    format: str
    quant: str
    path: str
    digest: str
    port: int
    front: str
    unit: str
    context: int
    sequences: int
    kind: str = "chat"
    kv_dtype: str = ""
    engine_version: str = ""
    repository: str = ""
    revision: str = ""
    weights: int = 0
    needed: int = 0
    predicted_tps: float | None = None
    arguments: tuple[str, ...] = ()
    gpu_layers: int | None = None
    launch: str = ""
    """The digest of all that its engine is told, but for number and port."""
    made: str = ""
    by: str = ""

    @property
    def label(self) -> str:
        """As people call it: `r3`."""
        return f"r{self.number}"

    @property
    def folder(self) -> str:
        """Where the host keeps it."""
        return f"{FOLDER}/{self.model}/r{self.number}"

    @property
    def same(self) -> tuple[object, ...]:
        """What makes two releases the same to those who use them: all but number, port and day."""
        given = ("number", "port", "unit", "made", "by", "predicted_tps", "needed")
        return tuple(getattr(self, one.name) for one in fields(self) if one.name not in given)


def text(record: Record) -> str:
    """The record as one line of JSON."""
    return canonical({"schema": SCHEMA, **asdict(record)}) + "\n"


def parse(line: str) -> Record:
    """Read it; what a later magnusctl added is left out. Raises ValueError."""
    try:
        data: Any = json.loads(line)
    except RecursionError:
        raise ValueError("a release's record is nested too deep") from None
    if not isinstance(data, Mapping):
        raise ValueError("a release's record is no object")
    known = {one.name for one in fields(Record)}
    values = {key: value for key, value in data.items() if key in known}
    words = values.get("arguments") or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("a release's record has other arguments than words")
    values["arguments"] = tuple(words)
    for one in fields(Record):
        if one.name in values and not isinstance(values[one.name], _KINDS[str(one.type)]):
            raise ValueError(f"a release's record has no '{one.name}' that can be read")
    try:
        return Record(**values)
    except TypeError as error:
        raise ValueError(f"a release's record lacks something: {error}") from None

"""What a catalogue says of a model: its facts, and the forms in which it can be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from magnusctl.inventory.models import Engine

Kind = Literal["chat", "embedding", "classifier"]
Format = Literal["safetensors", "gguf", "mlx"]

ENGINES: tuple[str, ...] = get_args(Engine)
KINDS: tuple[str, ...] = get_args(Kind)
FORMATS: tuple[str, ...] = get_args(Format)
TRANSFORMERS_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""What engines read of a folder as transformers lays it out: weights, configuration, tokenizer."""


@dataclass(frozen=True)
class Artifact:
    """One form of a model: which files of which repository at which commit, and who reads it.

    `safetensors` is a folder as transformers lays it out, `mlx` one that mlx-lm converted.
    """

    name: str
    format: Format
    quant: str
    engines: tuple[Engine, ...]
    repository: str
    revision: str
    """A commit of 40 hex digits, or nothing where none is known before the hub is asked."""
    include: tuple[str, ...]
    """Patterns of paths; `*` ends at a `/`, so that a copy in a folder is not taken too."""
    size_bytes: int | None = None
    """Of the weights, where it is known before the hub is asked."""
    tag: str = ""
    """What Ollama's own library calls this model with this quantisation."""

    def takes(self, path: str) -> bool:
        """Whether a file of the repository belongs to it."""
        return any(within(path, pattern) for pattern in self.include)


@dataclass(frozen=True)
class Entry:
    """A model by name; its artifacts are declared best first."""

    name: str
    title: str
    kind: Kind
    licence: str
    gated: bool
    """Whether its maker gives it only to who accepted the licence; others' copies may be free."""
    config: Mapping[str, object]
    """Facts of its architecture, as config.json names them."""
    artifacts: tuple[Artifact, ...]
    aliases: tuple[str, ...] = ()
    source: str = ""
    """Where the facts were read."""


@dataclass(frozen=True)
class Found:
    """A model, and the form of it that was asked for where one was."""

    entry: Entry
    artifact: Artifact | None

    @property
    def key(self) -> str:
        """Its key in magnus.lock. Raises ValueError where no form was chosen."""
        if self.artifact is None:
            raise ValueError(f"{self.entry.name}: no artifact was chosen")
        return key(self.entry, self.artifact)


def key(entry: Entry, artifact: Artifact) -> str:
    """`qwen2.5-14b@safetensors-AWQ-int4-g128`: the key of an artifact in magnus.lock."""
    return f"{entry.name}@{artifact.format}-{artifact.quant}"


def for_engine(entry: Entry, engine: str) -> tuple[Artifact, ...]:
    """The artifacts that an engine reads, best first: in the order in which they are declared."""
    return tuple(one for one in entry.artifacts if engine in one.engines)


def within(path: str, pattern: str) -> bool:
    """Whether a path matches a pattern, folder by folder."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))

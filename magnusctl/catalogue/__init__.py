"""Models by name: what they are, and where each form of them is had for which engine."""

from __future__ import annotations

from magnusctl.catalogue import shipped
from magnusctl.catalogue.entries import (
    ENGINES,
    FORMATS,
    KINDS,
    Artifact,
    Entry,
    Format,
    Found,
    Kind,
    for_engine,
    key,
    within,
)
from magnusctl.catalogue.lookup import choose

__all__ = [
    "ENGINES",
    "FORMATS",
    "KINDS",
    "Artifact",
    "Entry",
    "Format",
    "Found",
    "Kind",
    "all_entries",
    "find",
    "for_engine",
    "key",
    "within",
]


def all_entries() -> tuple[Entry, ...]:
    """Every model that magnusctl knows by name."""
    return shipped.shipped()


def find(name: str, engine: str | None = None, quant: str | None = None) -> Found:
    """The model of a name, a repository, a GGUF file or a tag of Ollama. Raises InputError.

    `quant` is the name or the label of an artifact, or a format; `NAME@QUANT` says it too.
    """
    return choose(shipped.names(), name, engine, quant)

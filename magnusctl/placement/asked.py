"""What is asked of a placement, and what a host said of its memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from magnusctl.catalogue.entries import Artifact, Entry
from magnusctl.inventory.models import Served


@dataclass(frozen=True)
class Declared:
    """A model of the inventory that is the one that is asked for."""

    name: str
    served: Served
    artifact: Artifact | None = None


@dataclass(frozen=True)
class Wanted:
    """A model, and how it is to be served; `context` is tokens of one conversation."""

    name: str
    entry: Entry
    engine: str | None = None
    quant: str | None = None
    context: int = 8192
    sequences: int = 1
    kv_dtype: str = ""
    """Nothing: as the engine is set up."""
    artifact: Artifact | None = None
    """The form that was named, where one was."""
    declared: tuple[Declared, ...] = ()

    @property
    def tokens(self) -> int:
        """Of all conversations together."""
        return self.context * self.sequences

    def admits(self, artifact: Artifact) -> bool:
        """Whether a form is one that was asked for."""
        if self.quant is None:
            return True
        both = f"{artifact.format}-{artifact.quant}"
        labels = (artifact.name, artifact.quant, artifact.format, both)
        return self.quant.lower() in {label.lower() for label in labels}

    def forms(self, engine: str) -> tuple[Artifact, ...]:
        """The forms that are admitted and that an engine reads, best first."""
        return tuple(
            one for one in self.entry.artifacts if engine in one.engines and self.admits(one)
        )

    def declared_on(self, host: str, engine: str | None = None) -> Iterator[Declared]:
        """What of the inventory is this model on a host, with an engine."""
        for one in self.declared:
            if one.served.host == host and engine in (None, one.served.engine):
                yield one


@dataclass(frozen=True)
class Live:
    """Memory as a host says it: of its cards together where it has some, else of the machine.

    What it did not say is None.
    """

    free_bytes: float | None = None
    used_bytes: float | None = None
    limit_bytes: float | None = None
    """What a model may take; what others use counts against it."""
    total_bytes: float | None = None


@dataclass(frozen=True)
class Holder:
    """Who holds memory there, and how much."""

    name: str
    bytes: float


@dataclass(frozen=True)
class Rate:
    """How fast files come from a disk, and who says so."""

    mb_s: float
    source: str


@dataclass(frozen=True)
class Reserve:
    """Bytes that stay free, and for what."""

    bytes: float = 0.0
    parts: tuple[str, ...] = field(default=())
    prompts: float = 0.0
    """Of them, what finished prompts may take: the inventory can lower it."""

"""What a host serves and keeps: one question, read into values."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from magnusctl.quote import sh
from magnusctl.releases import record
from magnusctl.releases.record import Record
from magnusctl.state import Probe

NAME = "models"


@dataclass(frozen=True)
class Model:
    """A model on a host: the number of the release that serves (0: none), whether it runs, a
    switch that did not come to its end, and its releases with what their gates measured."""

    name: str
    serving: int = 0
    running: bool = False
    switching: str = ""
    releases: Mapping[int, Record] = field(default_factory=dict)
    gates: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    stopped: int = 0
    """The release that served when the model was last stopped; 0: it never was."""

    @property
    def current(self) -> Record | None:
        """The release that serves."""
        return self.releases.get(self.serving)

    @property
    def begun(self) -> int:
        """The release whose switch did not come to its end; 0: none."""
        number = self.switching.partition(":")[0]
        return int(number) if number.isdecimal() else 0

    @property
    def before(self) -> Record | None:
        """The newest release below the one that serves that once passed its gate."""
        passed = [n for n in self.releases if n in self.gates and n < (self.serving or 1 << 30)]
        return self.releases[max(passed)] if passed else None

    @property
    def next(self) -> int:
        """The number of a new release: above all that are kept, serve, or were switched to."""
        return max(self.serving, self.begun, *self.releases) + 1


@dataclass(frozen=True)
class Standing:
    """What one host said. Sizes are bytes; None is what it did not say."""

    models: Mapping[str, Model] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    """Folders of models that are whole, with their size on the disk."""
    ports: frozenset[int] = frozenset()
    programs: frozenset[str] = frozenset()
    """Those of engines that are there."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """`memory free`, `card total`, `disk free` and the like."""

    @property
    def running(self) -> tuple[Record, ...]:
        """The releases that run now."""
        found = (model.current for model in self.models.values() if model.running)
        return tuple(one for one in found if one)


def probe(folder: str, programs: Sequence[str] = ()) -> Probe[Standing]:
    """Ask it; `folder` is where models lie there, `programs` are those of engines."""
    needs = ("releases/models.sh", "resources/release.sh")
    return Probe(NAME, sh("ask_models", folder, *programs), -1, parse, needs)


def parse(lines: Sequence[str]) -> Standing:
    """Read the answer. Raises ValueError for a line that is none of it."""
    heads: dict[str, tuple[int, bool, str]] = {}
    releases: dict[str, dict[int, Record]] = {}
    gates: dict[str, dict[int, Mapping[str, str]]] = {}
    stopped: dict[str, int] = {}
    files: dict[str, int] = {}
    ports: set[int] = set()
    programs: set[str] = set()
    sizes: dict[str, int] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "model":
            name, serving, running, switching = rest.split(" ")
            number = 0 if serving == "-" else int(serving)
            if switching != "-":
                int(switching.partition(":")[0])
            heads[name] = (number, running == "yes", "" if switching == "-" else switching)
        elif word == "release":
            # One that a later magnusctl wrote, or a power cut spoilt, hides no other.
            with contextlib.suppress(ValueError):
                one = record.parse(rest)
                releases.setdefault(one.model, {})[one.number] = one
        elif word == "gate":
            name, gated, *values = rest.split()
            pairs = dict(value.split("=", 1) for value in values)
            float(pairs.get("decode_tps", 0))
            gates.setdefault(name, {})[int(gated)] = pairs
        elif word == "stopped":
            name, last = rest.split(" ")
            stopped[name] = int(last)
        elif word == "files":
            kib, _, path = rest.partition(" ")
            files[path] = int(kib) * 1024
        elif word == "port":
            ports.add(int(rest))
        elif word == "program":
            programs.add(rest)
        elif word in ("memory", "card", "disk", "wired"):
            what, kib = rest.split(" ")
            sizes[f"{word} {what}"] = int(kib) * 1024
        else:
            raise ValueError(f"no line of this answer: {line[:80]!r}")
    models = {
        name: Model(name, *head, releases.get(name, {}), gates.get(name, {}), stopped.get(name, 0))
        for name, head in heads.items()
    }
    return Standing(models, files, frozenset(ports), frozenset(programs), sizes)

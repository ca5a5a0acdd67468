"""The vocabulary: what a resource is, what a host answered, what a plan holds. No I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar

State = Mapping[str, str | None]
"""Attribute to canonical text; None means that this host cannot tell."""

ABSENT: State = {"ensure": "absent"}
STARTED_WITH = "started_with"
"""Attribute: digest of the inputs that a service or command last ran with."""

T = TypeVar("T")


class Action(StrEnum):
    """What a change does; the value is the printed symbol."""

    CREATE = "+"
    UPDATE = "~"
    DELETE = "-"
    RESTART = "!"
    UNKNOWN = "?"


class Risk(StrEnum):
    """What a change can disturb."""

    NONE = "none"
    SERVICE = "service"
    REBOOT = "reboot"
    CONNECTIVITY = "connectivity"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One declared thing on one host; attributes that are not declared are not judged."""

    kind: ClassVar[str] = ""
    after: tuple[str, ...] = ()
    restart_on: tuple[str, ...] = ()
    inputs: str = ""
    inputs_from: tuple[Resource, ...] = field(default=(), repr=False)
    risk: Risk = Risk.NONE
    role: str = ""

    @property
    def name(self) -> str:
        """The name within its kind: a path, a unit, a key."""
        raise NotImplementedError

    @property
    def id(self) -> str:
        """`kind:name`, unique on a host."""
        return f"{self.kind}:{self.name}"

    def made_of(self) -> tuple[str, ...]:
        """Ids of what this consists of: where those are declared, they are triggers."""
        return ()

    def state(self) -> State:
        """The declared attributes."""
        raise NotImplementedError


@dataclass(frozen=True)
class Observed:
    """What a host said of one resource: its state (None: it cannot tell yet) and its words."""

    state: State | None
    answer: str


def differing(before: State, after: State) -> tuple[str, ...]:
    """Attributes that are declared and are otherwise; None is what this host cannot tell."""
    return tuple(key for key, value in after.items() if before.get(key, "") not in (value, None))


@dataclass(frozen=True)
class Change:
    """One line of a plan. The guard is the host's answer when it was planned; None is no guard."""

    resource: Resource
    action: Action
    before: State | None
    after: State
    because: tuple[str, ...] = ()
    guard: str | None = None
    again: bool = False
    """Whether what already runs is started, or what was already done is done, once more."""
    answer: str = ""
    """What the host said of it when this was planned, whether that guards it or not."""

    @property
    def differs(self) -> tuple[str, ...]:
        """Attributes whose values differ, in the order of the declaration."""
        return differing(self.before or {}, self.after)

    @property
    def restarts(self) -> bool:
        """Whether a running service restarts or reloads."""
        running = {**(self.before or {})}
        return self.again and "yes" in (running.get("running"), running.get("loaded"))


@dataclass(frozen=True)
class Plan:
    """The ordered changes of one host."""

    host: str
    changes: tuple[Change, ...] = ()

    def __len__(self) -> int:
        return len(self.changes)

    @property
    def restarts(self) -> int:
        """How many running services restart or reload."""
        return sum(change.restarts for change in self.changes)

    @property
    def reboots(self) -> bool:
        """Whether the host surely boots anew."""
        sure = (change for change in self.changes if change.action is not Action.UNKNOWN)
        return any(change.resource.risk is Risk.REBOOT for change in sure)

    @property
    def unknown(self) -> tuple[Change, ...]:
        """Changes that can be planned only after the others were made."""
        return tuple(change for change in self.changes if change.action is Action.UNKNOWN)


@dataclass(frozen=True)
class Probe(Generic[T]):
    """A question to a host: a shell fragment that prints `lines` lines (-1: any number), and a
    pure parser of them. `needs` are the shell files that define what the fragment calls."""

    name: str
    script: str
    lines: int
    parse: Callable[[Sequence[str]], T]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """What a job does for one or more changes.

    `prepare` runs before the first step of the job, `script` is this step; `payload` are files
    that travel with the job, by SHA-256. After `seconds` all of it is killed.
    """

    changes: tuple[Change, ...]
    script: str
    prepare: str = ""
    payload: Mapping[str, bytes] | None = field(default=None, repr=False)
    seconds: int = 600


class Kind(Protocol):
    """What the module of a kind offers. `ASK` is a function of its shell twin that prints one
    line for every `question` it is given."""

    @property
    def ASK(self) -> str:  # a constant of the module
        """The shell function that asks."""
        ...

    def question(self, resource: Any, /) -> tuple[str, ...]:
        """The words that ask about one resource."""
        ...

    def parse(self, resource: Any, answer: str, /) -> State | None:
        """The state in one answer; None when the host cannot tell yet."""
        ...

    def apply(self, changes: Sequence[Change], /) -> Sequence[Step]:
        """The steps that make consecutive changes of this kind."""
        ...

    def former(self, resource: Any, answer: str, /) -> Resource | str:
        """What declares the state of an answer, so that it can be had again; or why it cannot."""
        ...


def canonical(value: object) -> str:
    """JSON that is the same bytes for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(data: bytes | str) -> str:
    """SHA-256 in hexadecimal; surrogates in text stand for bytes that are not UTF-8."""
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    return hashlib.sha256(raw).hexdigest()

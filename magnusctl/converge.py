"""One host: ask what is, and plan what differs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from magnusctl import facts as facts_of
from magnusctl import script
from magnusctl.answers import UNREADABLE, Answers
from magnusctl.bootstrap import Privilege
from magnusctl.errors import ProtocolError
from magnusctl.facts import Facts
from magnusctl.inventory.model import Host
from magnusctl.plan import diff
from magnusctl.quote import Secret, sh
from magnusctl.resources import probes, shell_files
from magnusctl.resources.block import Block
from magnusctl.resources.file import File
from magnusctl.state import Observed, Plan, Probe, Resource
from magnusctl.transport import Transport


@dataclass(frozen=True)
class Machine:
    """A host with what is declared for it and a way to reach it."""

    name: str
    host: Host
    desired: tuple[Resource, ...]
    transport: Transport
    simulated: bool = False
    password: Secret | None = None

    @property
    def privilege(self) -> Privilege:
        """How commands become root's there."""
        return Privilege(self.host.become, self.password)

    @property
    def root(self) -> str:
        """The folder that every path is below, or empty."""
        return self.host.root or ""


@dataclass(frozen=True)
class Observation:
    """What a host answered: its facts, the state of every resource, and other probes' results."""

    facts: Facts
    states: Mapping[str, Observed]
    answers: Mapping[str, Any]
    raw: Mapping[str, Sequence[str]]


def text_probe(desired: Sequence[Resource]) -> Probe[Mapping[str, str]]:
    """The texts of the declared files, for --diff; of those with secrets nobody asks."""
    paths = [
        r.path for r in desired if isinstance(r, Block) or (isinstance(r, File) and not r.secrets)
    ]

    def parse(lines: Sequence[str]) -> Mapping[str, str]:
        texts: dict[str, str] = {}
        path = ""
        for line in lines:
            if line.startswith("= "):
                path = paths[int(line[2:])]
            else:
                texts[path] = texts.get(path, "") + line[2:] + "\n"
        return texts

    return Probe("text", sh("ask_text", *paths), -1, parse, shell_files(["file"]))


def observe(machine: Machine, more: Sequence[Probe[Any]] = ()) -> Observation:
    """Ask everything in one exec. Raises MagnusError; nothing is changed."""
    asked = _asked(machine, more)
    nonce = secrets.token_hex(8)
    request = script.probe_request(asked, nonce, root=machine.root, privilege=machine.privilege)
    answers = Answers(nonce)
    for event in answers.read(machine.transport.execute(request)):
        raise ProtocolError(f"a probe reported an event: {event.word}", host=machine.name)
    observation = observation_of(machine, answers, more)
    facts_of.require_os(machine.name, machine.host, observation.facts)
    return observation


def closing_probes(machine: Machine) -> tuple[Probe[Any], ...]:
    """What a job asks at its end."""
    return tuple(_asked(machine, ()))


def _asked(machine: Machine, more: Sequence[Probe[Any]]) -> list[Probe[Any]]:
    return [facts_of.PROBE, *probes(machine.desired), *more]


def observation_of(
    machine: Machine, answers: Answers, more: Sequence[Probe[Any]] = ()
) -> Observation:
    """What some answers say. Raises ProtocolError when they are not all there."""
    try:
        states: dict[str, Observed] = {}
        for probe in probes(machine.desired):
            states.update(probe.parse(answers.lines(probe)))
        facts = facts_of.parse(answers.lines(facts_of.PROBE))
        others = {probe.name: probe.parse(answers.lines(probe)) for probe in more}
    except ProtocolError as error:
        error.host = machine.name
        raise
    except UNREADABLE as error:
        raise ProtocolError(
            f"an answer cannot be read: {str(error)[:200]}", host=machine.name
        ) from None
    raw = {"facts": answers.groups["facts"]}
    raw.update({name: [observed.answer] for name, observed in states.items()})
    raw.update({probe.name: answers.groups[probe.name] for probe in more})
    return Observation(facts, states, others, raw)


def questions(desired: Sequence[Resource]) -> dict[str, list[str]]:
    """What each probe asks, in order: what a recording must answer."""
    asked = {"facts": ["facts"]}
    for kind in sorted({resource.kind for resource in desired}):
        asked[kind] = [resource.id for resource in desired if resource.kind == kind]
    return asked


def plan(machine: Machine, observation: Observation) -> Plan:
    """What differs on this host."""
    return diff(machine.name, machine.desired, observation.states)

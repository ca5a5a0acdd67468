"""A host for tests: a root and a shell, asked and changed by the very text that is sent to one."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from magnusctl.plan import diff
from magnusctl.resources import probes, seal
from magnusctl.resources.block import Block
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.script import (
    Answers,
    Event,
    Request,
    apply_request,
    job_steps,
    job_text,
    probe_request,
)
from magnusctl.state import Observed, Plan, Probe, Resource
from tests.shells.shells import FEWER, Ran, Shell, run

NONCE = "0123456789abcdef"
OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name
PRIVILEGED = os.getuid() == 0
fewer_shells = pytest.mark.parametrize("shell", FEWER, ids=lambda shell: shell.name, indirect=True)


@dataclass(frozen=True)
class Job:
    """What a job said: its journal, what became of each resource, and the state after it."""

    ran: Ran
    events: Sequence[Event]
    words: Mapping[str, str]
    output: Mapping[str, Sequence[str]]
    answers: Answers
    folder: Path
    left: Plan | None

    @property
    def ok(self) -> bool:
        """Whether every step did what it should, and the closing probe found nothing to do."""
        return set(self.words.values()) <= {"ok"} and self.left is not None and not self.left


@dataclass
class Host:
    """One root. `jobs` counts what was started there."""

    shell: Shell
    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    jobs: int = 0

    def path(self, name: str) -> Path:
        """Where a path of the host lies on this machine."""
        return Path(f"{self.root}{name}")

    def write(self, name: str, text: str | bytes, mode: int = 0o644) -> Path:
        """Put a file there behind the back of magnusctl."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        return path

    def standin(self, name: str, text: str) -> Path:
        """A program of this host, as the body of a shell script."""
        (self.root / ".standins" / name).unlink(missing_ok=True)
        return self.write(f"/.standins/{name}", f"#!/bin/sh\n{text}\n", 0o755)

    def send(self, request: Request) -> Ran:
        """Run a request as the host would, with the shell under test as its sh."""
        command = self.shell.instead_of_sh(request.command)
        return run([*self.shell.words, "-c", command], request.stdin, self.environment)

    def ask(self, *asked: Probe[Any]) -> Answers:
        """The answers to some probes."""
        ran = self.send(probe_request(asked, NONCE, root=str(self.root), become=False))
        return read(ran)[0]

    def observe(self, resources: Sequence[Resource]) -> dict[str, Observed]:
        """What the host says of some resources."""
        asked = probes(resources)
        answers = self.ask(*asked)
        return {k: v for probe in asked for k, v in probe.parse(answers.lines(probe)).items()}

    def plan(self, *resources: Resource) -> Plan:
        """What differs from the declaration."""
        return diff("host", seal(resources), self.observe(resources))

    def request(self, plan: Plan, *resources: Resource) -> Request:
        """The job that makes a plan true."""
        self.jobs += 1
        todo = job_steps(plan)
        text = job_text(todo, probes(resources))
        name = f"job-{self.jobs}"
        return apply_request(name, todo, text, NONCE, root=str(self.root), become=False)

    def apply(self, plan: Plan, *resources: Resource) -> Job:
        """Make a plan true, and ask again."""
        ran = self.send(self.request(plan, *resources))
        answers, events = read(ran)
        names = [[c.resource.id for c in step.changes] for step in job_steps(plan)]
        words = {n: e.word for e in events if e.arguments for n in _about(names, e)}
        output = {n: said for number, said in answers.output.items() for n in names[number]}
        left = None
        if answers.ended:
            seen = {
                k: v
                for probe in probes(resources)
                for k, v in probe.parse(answers.lines(probe)).items()
            }
            left = diff("host", seal(resources), seen)
        return Job(ran, events, words, output, answers, self.folder, left)

    def provision(self, *resources: Resource) -> Job:
        """Plan, and make the plan true."""
        return self.apply(self.plan(*resources), *resources)

    @property
    def folder(self) -> Path:
        """The folder of the latest job."""
        return self.root / "var/lib/magnus/jobs" / f"job-{self.jobs}"


class MakeHost(Protocol):
    """Makes one more host for the shell under test."""

    def __call__(self, name: str = ..., system: str = ...) -> Host: ...


def _about(names: Sequence[Sequence[str]], event: Event) -> Sequence[str]:
    return () if event.word in {"begin", "end"} else names[int(event.arguments[0])]


def read(ran: Ran) -> tuple[Answers, list[Event]]:
    """Take an answer apart."""
    answers = Answers(NONCE)
    return answers, list(answers.read(ran.lines))


def mode(path: Path) -> str:
    """The permission bits as a resource declares them."""
    return f"{stat.S_IMODE(path.lstat().st_mode):04o}"


def a_file(path: str, content: str = "new\n", **more: Any) -> File:
    """A file that belongs to whoever runs the tests."""
    return File(path=path, content=content, **{"owner": OWNER, "group": GROUP, **more})


def a_directory(path: str, **more: Any) -> Directory:
    """A directory that belongs to whoever runs the tests."""
    return Directory(path=path, **{"owner": OWNER, "group": GROUP, **more})


def a_block(path: str, content: str = "ours\n", **more: Any) -> Block:
    """A block of lines in somebody else's file."""
    return Block(path=path, content=content, **more)


def leftovers(host: Host) -> list[str]:
    """Temporary files that a job left beside its targets."""
    return sorted(str(path) for path in host.root.rglob(".magnus.*"))

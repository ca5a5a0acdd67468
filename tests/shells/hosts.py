"""A host for tests: a root and a shell, asked and changed by the very text that is sent to one."""

from __future__ import annotations

import grp
import os
import plistlib
import pwd
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from magnusctl import job, script, stages
from magnusctl.answers import Answers, Event
from magnusctl.bootstrap import Privilege, Request
from magnusctl.job import About
from magnusctl.plan import diff
from magnusctl.quote import sh
from magnusctl.resources import probes, seal
from magnusctl.resources.block import Block
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.script import probe_request
from magnusctl.state import Observed, Plan, Probe, Resource
from tests.shells.running import Running, wait_for
from tests.shells.shells import FEWER, Ran, Shell, heard, launch, run

NONCE = "0123456789abcdef"
NONE, SUDO = Privilege(False), Privilege(True)
# What a stand-in does so that nobody of its job gets another word in: neither step nor runner.
KILL = "{ read -r _ pid _ <pid; kill -9 $pid 0; }"
JOBS = ("process.sh", "follow.sh", "jobs.sh")
OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name
PRIVILEGED = os.getuid() == 0
fewer_shells = pytest.mark.parametrize("shell", FEWER, ids=lambda shell: shell.name, indirect=True)


@dataclass(frozen=True)
class Job:
    """What a job said: its journal, what became of each resource (`first`: before anything was
    taken back), and the state after it."""

    ran: Ran
    events: Sequence[Event]
    first: Mapping[str, str]
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
    """One root. `jobs` counts what was started there; the others are options of the next job."""

    shell: Shell
    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    jobs: int = 0
    wait_s: int = 0
    confirm_s: int = 20
    closing_s: int = 600
    who: str = "test@here"
    spared: tuple[str, ...] = ()

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
        return heard(launch(self._words(request), request.stdin, self.environment))

    def ask(self, *asked: Probe[Any]) -> Answers:
        """The answers to some probes."""
        ran = self.send(probe_request(asked, NONCE, root=str(self.root), privilege=NONE))
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
        return job.request(self.job(plan, *resources), NONCE, root=str(self.root), privilege=NONE)

    def job(self, plan: Plan, *resources: Resource) -> job.Job:
        """The latest job, as it is sent."""
        minutes, seconds = divmod(self.jobs, 60)
        about = About(
            job=f"job-{self.jobs}",
            host="host",
            verb="provision",
            who=self.who,
            at=f"2026-01-01T00:{minutes:02d}:{seconds:02d}Z",
            tool="0",
            plan="0" * 64,
        )
        found = stages.stages(plan)
        closing = tuple(probes(resources))
        return job.Job(
            about,
            found,
            closing,
            wait_s=self.wait_s,
            confirm_s=self.confirm_s,
            closing_s=self.closing_s,
            spared=self.spared,
        )

    def start(self, plan: Plan, *resources: Resource) -> Running:
        """Send the job that makes a plan true, and let it run."""
        request = self.request(plan, *resources)
        process = launch(self._words(request), request.stdin, self.environment)
        return Running(self.folder, process, plan, resources)

    def confirm(self, name: str) -> str:
        """Say that the host can be reached; what that came to."""
        probe = Probe("confirm", f"confirm_job {name}", 1, "".join, JOBS)
        return "".join(probe.parse(self.ask(probe).lines(probe)))

    def call(self, *words: object, files: Sequence[str] = JOBS) -> list[str]:
        """What a function of the library prints."""
        probe = Probe("call", sh(*words), -1, list, tuple(files))
        return probe.parse(self.ask(probe).lines(probe))

    def inline(self, name: str, files: Sequence[str], text: str) -> list[str]:
        """What runs a text of a test's own in the folder of a job, after parts of the library."""
        folder = self.path(f"/var/lib/magnus/jobs/{name}")
        folder.mkdir(parents=True, exist_ok=True)
        head = f"NONCE= ROOT={sh(str(self.root))} JOB={name}\ncd {sh(str(folder))}\n"
        path = self.write(f"/{name}.sh", head + script.library(*files) + text)
        return [*self.shell.words, str(path)]

    def following(self, name: str, lines: int = 0, *more: str) -> subprocess.Popen[bytes]:
        """A follower of a job, from the line after so many."""
        text = script.library("prelude.sh", *JOBS) + sh("follow", name, lines, *more)
        request = script.text_request(text, NONCE, root=str(self.root), privilege=NONE)
        return launch(self._words(request), request.stdin, self.environment)

    def follow(self, name: str, lines: int = 0, *more: str) -> Ran:
        """What it hears."""
        return heard(self.following(name, lines, *more))

    def sending(self, command: str, stdin: int) -> subprocess.Popen[bytes]:
        """A request whose input comes from somewhere else."""
        words = [*self.shell.words, "-c", self.shell.instead_of_sh(command)]
        return launch(words, stdin, self.environment)

    def _words(self, request: Request) -> list[str]:
        return [*self.shell.words, "-c", self.shell.instead_of_sh(request.command)]

    def apply(self, plan: Plan, *resources: Resource) -> Job:
        """Make a plan true, confirm it where that is asked for, and ask again."""
        running = self.start(plan, *resources)
        if stages.stages(plan).guarded:
            asked = running.folder / "asked"
            wait_for("a question or an end", lambda: asked.exists() or not running.follows, 60)
            if asked.exists():
                self.confirm(running.folder.name)
        return self.end(running)

    def end(self, running: Running) -> Job:
        """Wait for the end of a job, and read what it said."""
        ran, plan, resources = running.heard(), running.plan, running.resources
        answers, events = read(ran)
        names = [[c.resource.id for c in step.changes] for step in stages.stages(plan).steps]
        words = {n: e.word for e in events for n in _about(names, e)}
        forward = [e for e in events if not e.word.startswith("und")]
        first = {n: e.word for e in forward for n in _about(names, e)}
        output = {n: said for number, said in answers.output.items() for n in names[number]}
        left = None
        if answers.ended and all(probe.name in answers.groups for probe in probes(resources)):
            seen = {
                k: v
                for probe in probes(resources)
                for k, v in probe.parse(answers.lines(probe)).items()
            }
            left = diff("host", seal(resources), seen)
        return Job(ran, events, first, words, output, answers, running.folder, left)

    def reach(self, name: str = "gate") -> None:
        """Wait until a job stands at a gate."""
        wait_for(f"somebody at {name}", self.path(f"/{name}.here").exists)

    def open(self, name: str = "gate") -> None:
        """Let it go on."""
        self.write(f"/{name}.open", "")

    def boot(self) -> Ran:
        """The host starts anew, with what it begins with where something is armed."""
        self.write("/proc/sys/kernel/random/boot_id", f"after {self.jobs}\n")
        return run([*self.shell.words, str(self.path("/var/lib/magnus/boot-revert"))])

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


_OF_STEPS = {"start", "ok", "failed", "conflict", "skip", "cancelled", "undone", "undo-failed"}


def _about(names: Sequence[Sequence[str]], event: Event) -> Sequence[str]:
    number = "".join(event.arguments[:1])
    return names[int(number)] if event.word in _OF_STEPS and number.isdecimal() else ()


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


def a_plist(label: str) -> str:
    """A property list, as launchd takes it."""
    return plistlib.dumps({"Label": label, "ProgramArguments": ["/bin/true"]}).decode()


def a_directory(path: str, **more: Any) -> Directory:
    """A directory that belongs to whoever runs the tests."""
    return Directory(path=path, **{"owner": OWNER, "group": GROUP, **more})


def a_block(path: str, content: str = "ours\n", **more: Any) -> Block:
    """A block of lines in somebody else's file."""
    return Block(path=path, content=content, **more)


def a_gate(name: str = "gate", **more: Any) -> Command:
    """A step that waits, for a while, until `Host.open` lets it go on."""
    here, opened = f'"$ROOT/{name}.here"', f'"$ROOT/{name}.open"'
    wait = (
        f": >{here}; n=0; until [ -e {opened} ] || [ $n = 2400 ]; do sleep 0.05; n=$((n + 1)); done"
    )
    return Command(label=name, run=wait, unless=f"[ -e {opened} ]", **more)


def leftovers(host: Host) -> list[str]:
    """Temporary files that a job left beside its targets."""
    return sorted(str(path) for path in host.root.rglob(".magnus.*"))

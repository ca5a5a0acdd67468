"""Real hosts where things break: a lab, an inventory, and magnusctl on the lab's control side.

Every test has hosts of its own, as a vendor ships them: a lab is up in about a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.kill import Journals, Run, magnusctl, running
from tests.faults.sshd import REPOSITORY
from tests.lab import Host, Lab, LabError
from tests.lab.system import wait_for

CONFIRM_S = 6
STATE = "/var/lib/magnus"
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Ran:
    """How a magnusctl ended, what it printed, and how long it took."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def said(self) -> str:
        """Both outputs."""
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Real:
    """Real hosts, what is declared for them, and a home for whoever runs magnusctl there."""

    lab: Lab
    inventory: Path
    home: Path

    def command(self, *words: str) -> list[str]:
        """A command line of magnusctl on the control side, with this inventory."""
        return self.lab.command([*magnusctl(*words), "-i", str(self.inventory)])

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """As little as a user's shell has."""
        named = {"HOME": str(self.home), "LANG": "C.UTF-8", "PYTHONPATH": str(REPOSITORY)}
        return {"PATH": os.environ["PATH"], **named, **more}

    def run(self, *words: str, seconds: float = 150, **environment: str) -> Ran:
        """Run magnusctl to its end, without a terminal."""
        started = time.monotonic()
        done = subprocess.run(
            self.command(*words),
            env=self.environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    @contextlib.contextmanager
    def start(self, *words: str, terminal: bool = False, **environment: str) -> Iterator[Run]:
        """Start magnusctl; what is left of it in the end is killed."""
        env = self.environment(environment)
        with running(self.command(*words), env=env, terminal=terminal) as run:
            yield run


def declare(
    lab: Lab,
    hosts: Mapping[str, Settings],
    user: str = "",
    *,
    confirm_s: int = CONFIRM_S,
    connect_s: int = 10,
    **top: Any,
) -> Real:
    """Write an inventory of some of a lab's hosts; `top` are its other sections.

    `user` is the person who runs magnusctl, with a home of their own. `confirm_s` is how long a
    host waits for a new login: a busy machine may need more than the tests that let it wait.
    `connect_s` is how long whoever runs magnusctl tries to connect.
    """
    entries = {
        name: entry(lab, name, confirm_s, connect_s) | dict(settings)
        for name, settings in hosts.items()
    }
    path = lab.workdir / f"inventory{user and f'.{user}'}.yaml"
    path.write_text(json.dumps({"hosts": entries, **top}, indent=1))
    home = lab.workdir / "homes" / (user or "us")
    home.mkdir(parents=True, exist_ok=True)
    return Real(lab, path, home)


def entry(lab: Lab, name: str, confirm_s: int, connect_s: int) -> dict[str, Any]:
    """How a host of a lab is reached; one that the lab has not is only named."""
    if name not in lab.hosts:
        return {"os": "debian-12"}
    ssh = {"config": "none", "identity": str(lab.key), "known_hosts": str(lab.known_hosts)}
    ssh["timeout"] = f"{connect_s}s"
    where = {"address": lab.hosts[name].address, "user": "admin", "ssh": ssh}
    return {"os": "debian-12", "confirm_timeout": f"{confirm_s}s", **where}


def job_of(host: Host) -> str:
    """The newest job of a host."""
    found = (host.rootfs / STATE.lstrip("/") / "jobs").glob("*/about")
    return max(found, key=lambda path: path.stat().st_ctime_ns).parent.name


def journal(host: Host, job: str = "") -> list[str]:
    """The lines of a job's journal, without their times; the newest job's without a name."""
    path = host.rootfs / STATE.lstrip("/") / "jobs" / (job or job_of(host)) / "journal"
    text = path.read_text() if path.exists() else ""
    return [line.partition(" ")[2] for line in text.split("\n")[:-1]]


def says(host: Host, journals: Journals, pattern: str, seconds: float = 60) -> None:
    """Wait until a fresh job there has written a line; if it never does, what it wrote is told."""
    try:
        journals.say(pattern, seconds)
    except LabError as error:
        raise AssertionError(f"{host.name}: {error}: {journals.lines()}") from None


def free(host: Host) -> bool:
    """Whether nobody holds the lock of a host."""
    state = host.rootfs / STATE.lstrip("/")
    locks = sorted(state.glob("lock.*"), key=lambda path: int(path.suffix[1:]))
    return not locks or locks[-1].read_text().splitlines()[-1] == "free"


def reachable(lab: Lab, name: str, seconds: float) -> None:
    """Wait until somebody who comes in anew gets root's rights there."""

    def comes_in() -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return lab.control(lab.ssh(name, "sudo -n true"), timeout=10).returncode == 0
        return False

    wait_for(f"a new login on {name}", comes_in, seconds)

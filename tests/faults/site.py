"""Where things break: a real server, a proxy before it, simulated hosts, and magnusctl on them.

A host can be held between two lines of its job's journal, so that what happens there happens just
there, and not about there.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import pytest

from tests.faults.kill import Run, magnusctl, running
from tests.faults.proxy import Proxy
from tests.faults.sshd import Sshd, sshd
from tests.lab.system import start_time, wait_for

OLD, NEW = "old\n" * 60_000, "new\n" * 70_000
FILES: Mapping[str, tuple[str, str]] = {
    "/etc/app/one": ("", "one\n"),
    "/etc/app/two": ("before\n", "after\n"),
    "/etc/app/big": (OLD, NEW),
    "/etc/hosts.allow": ("ALL: 10.0.0.0/8\n", "ALL: ALL\n"),
    "/etc/hosts.deny": ("", "# nobody\n"),
}
"""What each file holds before and after; nothing: it is not there."""
GUARDED = ("/etc/hosts.allow", "/etc/hosts.deny")
RESOURCES: Mapping[str, Any] = {
    "users": {"app": {"home": "/home/app"}},
    "directories": {"/etc/app": {}},
    "files": {path: {"content": after} for path, (_, after) in FILES.items()},
    "sysctls": {"vm.swappiness": 10},
    "commands": {
        "mark": {
            "run": "touch $MAGNUS_ROOT/etc/app/mark",
            "unless": "test -e $MAGNUS_ROOT/etc/app/mark",
        }
    },
}
STEPS = 9
LINES = 2 * STEPS + 5
"""begin; start and ok of every step; arm, confirm, confirmed; end."""
ASKS = LINES - 3
"""Lines before the one that asks to be confirmed."""
ARMED = 2 * (STEPS - len(GUARDED)) + 2
"""Lines with the one that arms."""
_HOLDING = """\
#!/bin/sh
# Every line of a journal begins with the time: whoever asks for it may have to wait.
hold=$MAGNUS_ROOT/hold turns=0 lines=0
[ ! -r "$hold" ] || [ ! -e journal ] || lines=$(wc -l <journal)
if [ -r "$hold" ] && [ -e manifest ] && [ "$lines" -eq "$(cat "$hold")" ]; then
  : >"$MAGNUS_ROOT/held"
  while [ -e "$hold" ] && [ $turns -lt 6000 ]; do sleep 0.05; turns=$((turns + 1)); done
fi
exec {date} "$@"
"""


@dataclass(frozen=True)
class Ran:
    """How a magnusctl ended, and what it printed."""

    code: int
    stdout: str
    stderr: str
    peak: int = 0
    """The most memory that it had, in KiB."""

    @property
    def said(self) -> str:
        """Both outputs."""
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Simulated:
    """A simulated host, and an inventory that declares something for it."""

    name: str
    root: Path
    inventory: Path
    environment: Mapping[str, str]

    @property
    def state(self) -> Path:
        """What magnusctl keeps there."""
        return self.root / "var/lib/magnus"

    def path(self, name: str) -> Path:
        """Where a path of the host lies on this machine."""
        return Path(f"{self.root}{name}")

    def command(self, *words: str) -> list[str]:
        """A command line of magnusctl with this inventory."""
        return [*magnusctl(*words), "-i", str(self.inventory)]

    def run(self, *words: str, seconds: float = 90, **environment: str) -> Ran:
        """Run magnusctl to its end."""
        with TemporaryFile() as out, TemporaryFile() as err:
            process = subprocess.Popen(
                self.command(*words),
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            code, peak = _waited(process, seconds)
            return Ran(code, _text(out), _text(err), peak)

    @contextlib.contextmanager
    def start(
        self, *words: str, terminal: bool = False, reconnect_s: int = 60, **environment: str
    ) -> Iterator[Run]:
        """Start magnusctl; what is left of it in the end is killed."""
        env = {**self.environment, "MAGNUS_RECONNECT_S": f"{reconnect_s}", **environment}
        with running(self.command(*words), env=env, terminal=terminal) as run:
            yield run

    def jobs(self) -> list[str]:
        """The jobs that it knows, the oldest first."""
        found = (self.state / "jobs").glob("*/journal")
        return [p.parent.name for p in sorted(found, key=lambda p: p.stat().st_ctime_ns)]

    def folder(self, job: str = "") -> Path:
        """The folder of a job; without a name, of the only one."""
        if not job:
            (path,) = (self.state / "jobs").glob("*")
            return path
        return self.state / "jobs" / job

    def journal(self, job: str = "") -> list[str]:
        """The lines of a journal, without their times."""
        path = self.folder(job) / "journal"
        text = path.read_text() if path.exists() else ""
        return [line.partition(" ")[2] for line in text.split("\n")[:-1]]

    def ended(self, job: str = "", seconds: float = 60) -> str:
        """Wait for the end of a job; how it ended."""

        def over() -> bool:
            return any(line.startswith("end ") for line in self.journal(job)[-1:])

        wait_for(f"the end of job {job}", over, seconds)
        return self.journal(job)[-1].removeprefix("end ")

    def hold(self, lines: int) -> None:
        """Let no journal there get more than so many lines."""
        date = self.root / ".standins/date"
        if date.is_symlink():
            real = shutil.which("date")
            date.unlink()
            date.write_text(_HOLDING.format(date=real))
            date.chmod(0o755)
        (self.root / "held").unlink(missing_ok=True)
        (self.root / "hold").write_text(f"{lines}\n")

    def held(self, seconds: float = 60) -> None:
        """Wait until a job stands where it is held."""
        wait_for("a held job", (self.root / "held").exists, seconds)

    def release(self) -> None:
        """Let it go on."""
        (self.root / "hold").unlink(missing_ok=True)

    def free(self) -> bool:
        """Whether whoever comes next has the lock: nobody holds it who lives."""
        locks = sorted(self.state.glob("lock.*"), key=lambda path: int(path.suffix[1:]))
        if not locks:
            return True
        holder, *given_back = locks[-1].read_text().splitlines()
        _, pid, start = holder.split()[:3]
        return given_back == ["free"] or start_time(int(pid)) != int(start)

    def contents(self, path: str) -> str:
        """What a file holds; nothing when it is not there."""
        file = self.path(path)
        return file.read_text() if file.exists() else ""

    def files(self) -> dict[str, str]:
        """What every file of ours holds."""
        return {path: self.contents(path) for path in FILES}

    def assert_whole(self) -> None:
        """I1: every file has its old bytes or its new ones, and no temporary one has a name."""
        for path, held in self.files().items():
            assert held in FILES[path], f"{path} is half written"

    def assert_done(self, resources: Mapping[str, Any] = RESOURCES) -> Ran:
        """I2: a second run makes it all true, and a third finds nothing to do."""
        document = json.loads(self.inventory.read_text())
        # Nobody who is in a hurry is to be tested here.
        document["hosts"][self.name]["confirm_timeout"] = "60s"
        self.inventory.write_text(json.dumps(document))
        ran = self.run("provision", "--yes")
        assert ran.code == 0, ran.said
        again = self.run("plan", "--detailed-exitcode")
        assert again.code == 0, again.said
        declared = {path: file["content"] for path, file in resources["files"].items()}
        assert {path: self.contents(path) for path in declared} == declared
        assert not list(self.root.rglob(".magnus.*"))
        assert self.free()
        return ran


@dataclass(frozen=True)
class Site:
    """A server, a proxy before it, and the hosts behind both."""

    server: Sshd
    link: Proxy

    def host(
        self,
        name: str,
        resources: Mapping[str, Any] = RESOURCES,
        *,
        user: str = "",
        port: int = 0,
        timeout: str = "10s",
        **settings: Any,
    ) -> Simulated:
        """A host in its first state; or the same host, as another user or otherwise declared."""
        fresh = not self.server.root(name).exists()
        ssh = {"identity": str(self.server.identity), "config": "none", "timeout": timeout}
        ssh["known_hosts"] = str(self.server.known_hosts)
        entry = {"resources": resources, "ssh": ssh, **settings}
        written = self.server.inventory(name, port=port or self.link.port, hosts={name: entry})
        inventory = written.rename(written.with_name(f"{name}{user and f'.{user}'}.yaml"))
        home = self.server.folder / "homes" / (user or name)
        home.mkdir(parents=True, exist_ok=True)
        environment = {**self.server.environment(), "HOME": str(home)}
        if user:
            environment["LOGNAME"] = user
        host = Simulated(name, self.server.root(name), inventory, environment)
        if fresh:
            _furnish(host)
        return host


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _waited(process: subprocess.Popen[bytes], seconds: float) -> tuple[int, int]:
    """Wait for a program; its exit code, and the most memory that it had."""
    end = time.monotonic() + seconds
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_maxrss
        if time.monotonic() > end:
            process.kill()
            process.wait()
            raise AssertionError(f"{process.args!r} runs after {seconds:g} s")
        time.sleep(0.01)


def _furnish(host: Simulated) -> None:
    host.path("/etc/app").mkdir(mode=0o700)
    for path, (before, _) in FILES.items():
        if before:
            host.path(path).write_text(before)


@contextlib.contextmanager
def site(folder: Path, *config: str) -> Iterator[Site]:
    """A server with a proxy; `config` are lines for its sshd_config."""
    with sshd(folder, config) as server, Proxy(("127.0.0.1", server.port)) as link:
        yield Site(server, link)


def some_lines(*now: int) -> pytest.MarkDecorator:
    """Every line of a journal at which something happens; all but some of them take long."""
    slow = pytest.mark.slow_faults
    lines = [pytest.param(n, marks=() if n in now else slow) for n in range(LINES)]
    return pytest.mark.parametrize("line", lines)

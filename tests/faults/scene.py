"""Hosts whose files hold secrets of every provider, and every command that has to do with them."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.faults.kill import Run, running
from tests.faults.poison import Needles, Watcher
from tests.faults.site import Simulated, Site
from tests.faults.vaults import PROVIDERS, Vaults, other_values
from tests.lab.system import wait_for
from tests.secret_helpers import write

_SUDO = """\
# SIMULATED: stands in for a sudo that wants a password.
[ "$1" = -S ] || {{ echo "sudo: a password is required" >&2; exit 1; }}
printf %s "$3" >&2
IFS= read -r typed
IFS= read -r wanted <{password}
[ "$typed" = "$wanted" ] || {{ echo "sudo: maximum 1 incorrect password attempt" >&2; exit 1; }}
shift 4
MAGNUS_TEST_ROOT=yes
export MAGNUS_TEST_ROOT
exec "$@"
"""
_ID = """\
# SIMULATED: whoever logs in is not root until sudo has said so.
[ -n "$MAGNUS_TEST_ROOT" ] || [ "$*" != -u ] || { echo 1000; exit; }
exec /usr/bin/id "$@"
"""
# As visudo and nft do: it repeats the line that it refuses.
_REFUSES = '! grep -n REFUSED "$3" >&2'
_TEMPLATES = {
    "app.j2": "a = {{ secret('odd') | quoted }}\nb = {{ secret('env') }}{{ secret('age') }}\n",
    "wrong.j2": "server = {{ secret('sops') }} REFUSED {{ secret('odd') }}\n",
}
FILES: Mapping[str, Mapping[str, str]] = {
    "/etc/app/app.conf": {"template": "app.j2", "mode": "0600"},
    **{f"/etc/app/{name}.key": {"secret": name, "mode": "0400"} for name in PROVIDERS},
    "/etc/app/odd.key": {"secret": "odd", "mode": "0600"},
    # What can cut a host off is taken back unless it is confirmed: its bytes are kept, too.
    "/etc/hosts.allow": {"secret": "file", "mode": "0600"},
}
REFUSED = "/etc/chrony/chrony.conf"
WRONG = {REFUSED: {"template": "wrong.j2", "mode": "0600", "validator": "chrony"}}


@dataclass
class Scene:
    """A server, a folder for the control machine, vaults, and everything that was said so far."""

    place: Site
    vaults: Vaults
    watcher: Watcher
    said: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """Every value that a secret ever had."""

    @property
    def control(self) -> Path:
        """Where all lies that a control machine writes."""
        return self.place.server.folder

    @property
    def needles(self) -> Needles:
        """What must be nowhere."""
        return Needles(self.texts)

    @property
    def last(self) -> str:
        """What was said last."""
        return list(self.said.values())[-1]

    def prepare(self) -> None:
        """The programs that the login has, and the templates of the project."""
        for name in ("tmp", "work", "out", "templates"):
            (self.control / name).mkdir()
        for name, text in _TEMPLATES.items():
            write(self.control / "templates" / name, text, 0o644)
        sudo = _SUDO.format(password=self.vaults.folder / "sudo")
        for name, text in {"sudo": sudo, "id": _ID}.items():
            write(self.vaults.folder / "login" / name, f"#!/bin/sh\n{text}", 0o755)
        self.remember()

    def remember(self) -> None:
        """From now on the values of now must be nowhere either."""
        turn = len(self.texts)
        self.texts |= {f"{name}.{turn}": text for name, text in self.vaults.texts.items()}

    def change(self) -> None:
        """Give every secret another value."""
        self.vaults = other_values(self.vaults)
        self.remember()
        self.watcher.look_for(self.needles)

    def host(self, name: str, more: Mapping[str, Any] | None = None) -> Simulated:
        """A host that wants a password for sudo, and files with secrets of every provider."""
        server = self.place.server
        resources = {
            "directories": {"/etc/app": {"mode": "0700"}},
            "files": {**FILES, **(more or {})},
            "commands": {"reads": {"run": "true", "restart_on": ["file:/etc/app/odd.key"]}},
        }
        entry = {"resources": resources, "become": True, "sudo_password": "sudo"}
        written = server.inventory(
            name, port=self.place.link.port, hosts={name: entry}, secrets=self.vaults.declared()
        )
        inventory = written.rename(written.with_name(f"{name}.yaml"))
        home = server.folder / "home"
        home.mkdir(exist_ok=True)
        environment = {**server.environment(), "HOME": str(home)}
        host = Simulated(name, server.root(name), inventory, environment)
        chronyd = host.root / ".standins/chronyd"
        chronyd.unlink(missing_ok=True)
        write(chronyd, f"#!/bin/sh\n{_REFUSES}\n", 0o755)
        return host

    def run(self, host: Simulated, *words: str, **environment: str) -> int:
        """Run a command with all of its secrets at hand; its exit code."""
        with self.started(host, words, environment) as run:
            code = run.wait(120)
            self.heard(" ".join(words), code, run.stdout + run.stderr)
        return code

    def heard(self, called: str, code: int, said: str) -> None:
        """Keep what a command said."""
        called = f"{len(self.said)} {called}"
        self.said[called], self.codes[called] = said, code

    def started(
        self,
        host: Simulated,
        words: Sequence[str],
        more: Mapping[str, str] | None = None,
        terminal: bool = False,
    ) -> AbstractContextManager[Run]:
        """Start a command in a folder of its own, with all of its secrets at hand."""
        command = host.command(*words)
        moved = ["env", "-C", str(self.control / "work"), *command]
        self.watcher.spare(*command)
        self.watcher.spare(*moved)
        values = {**host.environment, **self.vaults.environment, **(more or {})}
        return running(
            moved, env={**values, "TMPDIR": str(self.control / "tmp")}, terminal=terminal
        )

    def killed(self, host: Simulated, lines: int) -> int:
        """Provision, and kill the job with all that it runs after so many lines of its journal."""
        host.hold(lines)
        with self.started(host, ("provision", "--yes")) as run:
            host.held()
            (folder,) = [path.parent for path in host.state.glob("jobs/*/reserve")]
            kill_all(int((folder / "pid").read_text().split()[1]))
            host.release()
            code = run.wait(120)
            self.heard("provision, killed there", code, run.stdout + run.stderr)
        return code


def kill_all(pid: int) -> None:
    """SIGKILL to a process and to all that came of it."""
    process = psutil.Process(pid)
    for one in [process, *process.children(recursive=True)]:
        os.kill(one.pid, signal.SIGKILL)
    wait_for("its end", lambda: not psutil.pid_exists(pid), 10)

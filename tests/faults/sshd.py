"""A real OpenSSH server on loopback, with all that it needs in one temporary folder.

Its hosts are SIMULATED: each is a root, a folder with stand-in programs, and all of them are this
one server. The SSH protocol, the login shell and every file are real.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from magnusctl.demo import roots
from magnusctl.inventory.validate import load
from tests.faults.reaper import descendants
from tests.lab.system import LabError, command, signal_all, wait_for
from tests.ports import free_port

REPOSITORY = Path(__file__).parents[2]
_PRIVILEGE_SEPARATION = Path("/run/sshd")
_SECONDS = 60
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/pid
AuthorizedKeysFile {folder}/login.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
LogLevel VERBOSE
PrintMotd no
PrintLastLog no
MaxStartups 200
"""


def program() -> str | None:
    """The server's full path, which it wants to be started by; None if it is not installed."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Sshd:
    """A running server, and the hosts behind it."""

    folder: Path
    port: int
    reaper: int

    @property
    def identity(self) -> Path:
        return self.folder / "login"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def pid(self) -> int:
        """The process that listens."""
        return int((self.folder / "pid").read_text())

    def root(self, name: str) -> Path:
        """The folder that stands for a host."""
        return self.folder / "hosts" / name

    def inventory(
        self,
        *names: str,
        port: int | None = None,
        hosts: Mapping[str, Mapping[str, Any]] | None = None,
        **top: Any,
    ) -> Path:
        """Write an inventory of simulated hosts and make their roots; `hosts` adds to each.

        `port` is a proxy's, if there is one; all other keywords are sections of the inventory.
        """
        port = port or self.port
        self.known(port)
        entries = {
            name: self._entry(name, port) | dict((hosts or {}).get(name, {})) for name in names
        }
        path = self.folder / "inventory.yaml"
        path.write_text(_yaml({"hosts": entries, **top}))
        for name, host in load([path]).hosts.items():
            if not self.root(name).exists():
                roots.make(self.root(name), host, {})
        return path

    def _entry(self, name: str, port: int) -> dict[str, Any]:
        ssh = {
            "config": "none",
            "identity": str(self.identity),
            "known_hosts": str(self.known_hosts),
        }
        where = {"address": "127.0.0.1", "port": port, "user": getpass.getuser(), "ssh": ssh}
        root = {"root": str(self.root(name)), "become": False, "simulated": True}
        return {"os": "debian-12"} | where | root

    def known(self, port: int) -> None:
        """Enter the server's key into known_hosts, for its own port or a proxy's."""
        key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        with self.known_hosts.open("a+") as file:
            file.seek(0)
            line = f"[127.0.0.1]:{port} {key}\n"
            if line not in file:
                file.write(line)

    def environment(self) -> dict[str, str]:
        """As little as a user's shell has, for a magnusctl that is run against this."""
        home = {"HOME": str(self.folder), "LANG": "C.UTF-8", "PYTHONPATH": str(REPOSITORY)}
        return {"PATH": os.environ["PATH"], **home}

    def log(self) -> str:
        """What the server has logged."""
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""

    def execs(self) -> int:
        """How many commands it has run; shells and sftp not counted."""
        return self._logged("Starting session: command ")

    def connections(self) -> int:
        """How many connections it has taken."""
        return self._logged("Connection from ")

    def _logged(self, start: str) -> int:
        return sum(line.startswith(start) for line in self.log().splitlines())

    def freeze(self) -> None:
        """Stop the server and all its sessions as they stand; the commands they run go on."""
        signal_all(self._processes, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        signal_all(self._processes, signal.SIGCONT)

    def _processes(self) -> set[int]:
        found = set()
        for process in descendants(self.reaper):
            with contextlib.suppress(psutil.Error):
                if process.name().startswith("sshd"):
                    found.add(process.pid)
        return found

    def children(self) -> list[str]:
        """The command lines of what its sessions have started and what still runs of it."""
        found = []
        for process in descendants(self.reaper):
            with contextlib.suppress(psutil.Error):
                if not process.name().startswith("sshd"):
                    found.append(" ".join(process.cmdline()))
        return found


@contextlib.contextmanager
def sshd(folder: Path, config: Sequence[str] = ()) -> Iterator[Sshd]:
    """Run a server from an empty folder; `config` are lines in the place of its own.

    With it ends whatever its sessions have started, detached or not.
    """
    for name in ("host_key", "login"):
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name)
    if os.geteuid() == 0:
        _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    (folder / "sshd_config").write_text(_config(folder, port, config))
    with _running(folder) as reaper:
        server = Sshd(folder, port, reaper)
        wait_for("sshd", lambda: "Server listening on 127.0.0.1" in server.log(), _SECONDS)
        yield server


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[int]:
    found = program()
    if found is None:
        raise LabError("no sshd on this machine (package openssh-server)")
    server = [found, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.reaper", *server],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        process.communicate(timeout=_SECONDS)


def _config(folder: Path, port: int, config: Sequence[str]) -> str:
    """The lines of a test, and ours for what they do not set: of two, either may win."""
    named = {line.split()[0].lower() for line in config}
    lines = _CONFIG.format(port=port, folder=folder).splitlines()
    kept = [line for line in lines if line.split()[0].lower() not in named]
    return "".join(f"{line}\n" for line in (*config, *kept))


def _yaml(document: Mapping[str, Any]) -> str:
    """JSON, but for characters beyond 16 bits: what are two escapes there is one in YAML."""
    pairs = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab]..)\\u(d[c-f]..)")

    def one(match: re.Match[str]) -> str:
        high, low = int(match[2], 16), int(match[3], 16)
        return f"{match[1]}\\U{0x10000 + ((high - 0xD800) << 10) + low - 0xDC00:08x}"

    return pairs.sub(one, json.dumps(document, indent=1))

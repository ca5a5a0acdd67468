"""A host's container: its own layer over the shared root, and systemd-nspawn once per boot."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.system import LabError, command, end_group, joining, make_group, wait_for

_BOOT_SECONDS = 60
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Container:
    """A container that has been started; each boot's nspawn is put among `children`."""

    lab_id: str
    name: str
    number: int
    folder: Path
    children: list[subprocess.Popen[bytes]]
    _nspawn: subprocess.Popen[bytes] = field(init=False)
    _listened: int = field(init=False, default=0)

    @property
    def rootfs(self) -> Path:
        return self.folder / "root"

    @property
    def sshd_log(self) -> str:
        """What sshd has logged since the host was made; empty before its first word."""
        file = self.rootfs / "var/log/sshd.log"
        return file.read_text() if file.exists() else ""

    @property
    def _group(self) -> str:
        return f"magnus-lab-{self.lab_id}/{self.name}"

    def start(self) -> None:
        """Start the host's systemd, over what is in its tree."""
        self._listened = self._listenings()
        argv = [
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
            *("--private-network", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
            *("--console=pipe", f"--machine={self.lab_id}-{self.name}"),
            f"--directory={self.rootfs}",
        ]
        with (self.folder / "console.log").open("ab") as console:
            self._nspawn = subprocess.Popen(
                joining(make_group(self._group), argv),
                # A pure cgroup2 inside, whatever the machine outside has.
                env={
                    "PATH": PATH,
                    "UNIFIED_CGROUP_HIERARCHY": "1",
                    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.children.append(self._nspawn)

    def leader(self) -> int:
        """Wait for the container's init; its pid as this machine sees it."""
        wait_for(f"{self.name}'s init", lambda: self._init() is not None, _BOOT_SECONDS)
        leader = self._init()
        if leader is None:
            raise LabError(f"{self.name} ended while it started")
        return leader

    def ready(self, leader: int) -> None:
        """Wait until the host takes logins."""
        booting = Path(f"/proc/{leader}/root/run/nologin")

        def listening() -> bool:
            return self._listenings() > self._listened and not booting.exists()

        wait_for(f"sshd of {self.name}", listening, _BOOT_SECONDS)

    def ended(self, seconds: float) -> int:
        """Wait until this boot is over; the exit code of nspawn, 133 for a reboot."""
        try:
            code = self._nspawn.wait(seconds)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} still runs after {seconds:g} s") from None
        # Groups that the boot has left would be in the way of the next one's.
        end_group(self._group)
        return code

    def kill(self) -> None:
        """End every process of the host at once; nspawn then cleans up after itself."""
        os.kill(self.leader(), signal.SIGKILL)

    def _listenings(self) -> int:
        return self.sshd_log.count("Server listening on 0.0.0.0")

    def _init(self) -> int | None:
        """The child of nspawn that is pid 1 in there and already systemd."""
        if self._nspawn.poll() is not None:
            said = (self.folder / "console.log").read_text(errors="replace")
            raise LabError(f"{self.name} did not start: {said[-1000:]}")
        pid = self._nspawn.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return None
        return next((int(child) for child in children if _is_init(child)), None)


def _is_init(pid: str) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    return fields["Name"] == "systemd" and fields["NSpid"].split()[-1] == "1"


def lay(container: Container, base: Path, key: str) -> None:
    """Lay a host's own layer over the base, with what makes it itself."""
    folder, root = container.folder, container.rootfs
    for path in (root, folder / "upper", folder / "work"):
        path.mkdir(parents=True)
        path.chmod(0o755)
    layers = f"lowerdir={base},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    # Volatile: the layer is thrown away with the lab, so nothing waits for the disk.
    command("mount", "-t", "overlay", "-o", f"{layers},volatile", "overlay", root)
    _own_files(root, container.name, key)


def _own_files(root: Path, name: str, key: str) -> None:
    """What makes a host itself: its name, its machine id, its host key, and who may log in."""
    _write(root / "etc/hostname", f"{name}\n", 0o644)
    _write(root / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n", 0o644)
    _write(root / "etc/machine-id", f"{secrets.token_hex(16)}\n", 0o444)
    host_key = root / "etc/ssh/ssh_host_ed25519_key"
    command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", host_key)
    host_key.with_suffix(".pub").chmod(0o644)
    admin = (root / "home/admin").stat()
    keys = root / "home/admin/.ssh/authorized_keys"
    keys.parent.mkdir(mode=0o700)
    _write(keys, key, 0o600)
    for path in (keys.parent, keys):
        os.chown(path, admin.st_uid, admin.st_gid)


def _write(path: Path, text: str, mode: int) -> None:
    """Write a file whose mode does not depend on the umask of whoever runs the lab."""
    path.write_text(text)
    path.chmod(mode)


def host_key(container: Container) -> str:
    """The host's public key, as `ssh-ed25519 AAAA...`."""
    line = (container.rootfs / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
    return " ".join(line.split()[:2])

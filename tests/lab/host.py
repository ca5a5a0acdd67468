"""One Debian host: a container with its own systemd, over the shared root."""

import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab import network
from tests.lab.system import LabError, command, joining, make_group, wait_for

_BOOT_SECONDS = 60
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# udevadm and netplan announce links by writing below /sys, which is read-only in a container:
# they get the part that holds this container's own links, and nothing of the machine's.
_OWN_LINKS = (
    "mount -t sysfs sysfs /mnt && mount -o remount,rw /mnt"
    " && mount --bind /mnt/devices/virtual/net /sys/devices/virtual/net && umount /mnt"
)


@dataclass(frozen=True)
class Host:
    """A running host; `leader` is its init's pid as this machine sees it."""

    name: str
    address: str
    mac: str
    leader: int
    rootfs: Path

    def run(
        self, script: str, *, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script in the host as root, without SSH."""
        clean = ("env", "-i", f"PATH={_PATH}", "HOME=/root", "LANG=C.UTF-8")
        done = subprocess.run(
            ["nsenter", "-t", str(self.leader), "-a", "-r", "-w", "--", *clean, "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise LabError(f"{self.name}: {script!r}: exit {done.returncode}: {done.stderr}")
        return done

    def execs(self) -> int:
        """How many commands sshd has run since boot; shells and sftp not counted."""
        return self._logged("Starting session: command ")

    def sessions(self) -> int:
        """How many sessions of any kind sshd has started since boot."""
        return self._logged("Starting session: ")

    def connections(self) -> int:
        """How many connections sshd has taken since boot."""
        return self._logged("Connection from ")

    def sshd_log(self) -> str:
        """What sshd has logged since boot."""
        return (self.rootfs / "var/log/sshd.log").read_text()

    def _logged(self, start: str) -> int:
        return sum(line.startswith(start) for line in self.sshd_log().splitlines())


@dataclass(frozen=True)
class Starting:
    """A host whose container has been started and not been met yet."""

    name: str
    number: int
    folder: Path
    nspawn: "subprocess.Popen[bytes]"

    @property
    def rootfs(self) -> Path:
        return self.folder / "root"


def start(lab_id: str, name: str, number: int, base: Path, folder: Path, key: str) -> Starting:
    """Lay a host's own layer over the base and start its systemd."""
    root = folder / "root"
    for path in (root, folder / "upper", folder / "work"):
        path.mkdir(parents=True)
        path.chmod(0o755)
    layers = f"lowerdir={base},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    # Volatile: the layer is thrown away, so nothing waits for the disk.
    command("mount", "-t", "overlay", "-o", f"{layers},volatile", "overlay", root)
    _own_files(root, name, key)
    argv = [
        *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot"),
        *("--private-network", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
        *("--console=pipe", f"--machine={lab_id}-{name}", f"--directory={root}"),
    ]
    with (folder / "console.log").open("wb") as console:
        nspawn = subprocess.Popen(
            joining(make_group(f"magnus-lab-{lab_id}/{name}"), argv),
            # A pure cgroup2 inside, whatever the machine outside has.
            env={
                "PATH": _PATH,
                "UNIFIED_CGROUP_HIERARCHY": "1",
                "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Starting(name, number, folder, nspawn)


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


def host_key(starting: Starting) -> str:
    """The host's public key, as `ssh-ed25519 AAAA...`."""
    line = (starting.rootfs / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
    return " ".join(line.split()[:2])


def plugged_in(lab_id: str, starting: Starting) -> Host:
    """Wait for a host's init, and connect it to the lab's networks."""
    wait_for(f"{starting.name}'s init", lambda: _leader(starting) is not None, _BOOT_SECONDS)
    leader = _leader(starting)
    if leader is None:
        raise LabError(f"{starting.name} ended while it started")
    network.plug_in(lab_id, starting.number, leader)
    return Host(
        name=starting.name,
        address=network.address(starting.number),
        mac=network.mac(starting.number),
        leader=leader,
        rootfs=starting.rootfs,
    )


def _leader(starting: Starting) -> int | None:
    """The container's init: the child of nspawn that is pid 1 in there and already systemd."""
    if starting.nspawn.poll() is not None:
        said = (starting.folder / "console.log").read_text(errors="replace")
        raise LabError(f"{starting.name} did not start: {said[-1000:]}")
    pid = starting.nspawn.pid
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


def finish(host: Host) -> None:
    """Wait until a host takes logins."""
    log = host.rootfs / "var/log/sshd.log"
    booting = Path(f"/proc/{host.leader}/root/run/nologin")

    def ready() -> bool:
        listening = log.exists() and "Server listening on 0.0.0.0" in log.read_text()
        return listening and not booting.exists()

    wait_for(f"sshd of {host.name}", ready, _BOOT_SECONDS)
    host.run(_OWN_LINKS)

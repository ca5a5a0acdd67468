"""One Debian host: what a test may do with it, from outside and without SSH."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab import network
from tests.lab.container import PATH, Container
from tests.lab.keeper import Keeper
from tests.lab.system import LabError, signal_all

_STOP_SECONDS = 60
# udevadm and netplan announce links by writing below /sys, which is read-only in a container:
# they get the part that holds this container's own links, and nothing of the machine's.
_OWN_LINKS = (
    "mount -t sysfs sysfs /mnt && mount -o remount,rw /mnt"
    " && mount --bind /mnt/devices/virtual/net /sys/devices/virtual/net && umount /mnt"
)


@dataclass
class Host:
    """A host; `leader` is its init's pid as this machine sees it, another after every boot."""

    container: Container
    leader: int = 0

    @property
    def name(self) -> str:
        return self.container.name

    @property
    def address(self) -> str:
        return network.address(self.container.number)

    @property
    def mac(self) -> str:
        return network.mac(self.container.number)

    @property
    def rootfs(self) -> Path:
        return self.container.rootfs

    def run(
        self, script: str, *, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script in the host as root, without SSH."""
        clean = ("env", "-i", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8")
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
        """How many commands sshd has run since the host was made; shells and sftp not counted."""
        return self._logged("Starting session: command ")

    def sessions(self) -> int:
        """How many sessions of any kind sshd has started since the host was made."""
        return self._logged("Starting session: ")

    def connections(self) -> int:
        """How many connections sshd has taken since the host was made."""
        return self._logged("Connection from ")

    def sshd_log(self) -> str:
        """What sshd has logged since the host was made, over all its boots."""
        return self.container.sshd_log

    def _logged(self, start: str) -> int:
        return sum(line.startswith(start) for line in self.sshd_log().splitlines())

    def boot_id(self) -> str:
        """The id that the kernel gives this boot; a container has its own."""
        return self.run("cat /proc/sys/kernel/random/boot_id").stdout.strip()

    def plug_in(self) -> None:
        """Wait for the init of a host that was started, and give it its network."""
        self.leader = self.container.leader()
        network.plug_in(self.container.lab_id, self.container.number, self.leader)

    def finish(self) -> None:
        """Wait until a host that is plugged in takes logins."""
        self.container.ready(self.leader)
        self.run(_OWN_LINKS)

    def reboot(self) -> None:
        """Ask the host for a clean reboot, and wait until it takes logins again."""
        with self.comes_back():
            # It may go down before it says that it does.
            self.run("systemctl reboot", check=False)

    def power_cut(self) -> None:
        """Cut the power and give it back at once; ends when the host takes logins again.

        What was written is kept, unsynced pages too: only processes and connections are lost.
        """
        self.power_off()
        self.power_on()

    def power_off(self) -> None:
        """Cut the power: not one packet more, and every process is gone."""
        self.unplug()
        self.container.kill()
        self.wait_off()

    def power_on(self) -> None:
        """Start a host that is off, over the same tree, and wait until it takes logins."""
        network.take_out(self.container.lab_id, self.container.number)
        self.container.start()
        self.plug_in()
        self.finish()

    def wait_off(self, seconds: float = _STOP_SECONDS) -> int:
        """Wait until the host is off, however it was told to; 133 is a reboot, 0 a poweroff."""
        return self.container.ended(seconds)

    @contextlib.contextmanager
    def comes_back(self, seconds: float = _STOP_SECONDS) -> Iterator[None]:
        """Start the host again when it goes down in this block, by whomever; that is waited for.

        Without it a host that reboots stays off: nobody is there to start its container.
        """
        keeper = Keeper(self.wait_off, self.power_on, seconds)
        keeper.start()
        try:
            yield
        except BaseException:
            keeper.join()
            raise
        keeper.finish()

    def unplug(self) -> None:
        """Make the network to the host a black hole: nothing arrives, and nobody is told."""
        network.pull(self.container.lab_id, self.container.number)

    def plug_back(self) -> None:
        """End what `unplug` did."""
        network.push(self.container.lab_id, self.container.number)

    def freeze_sshd(self) -> None:
        """Stop sshd and all its sessions as they stand; the commands they run go on."""
        signal_all(self._sshd, signal.SIGSTOP)

    def thaw_sshd(self) -> None:
        """Let a frozen sshd and its sessions go on."""
        signal_all(self._sshd, signal.SIGCONT)

    def _sshd(self) -> set[int]:
        """The processes of sshd, as this machine sees them."""
        inside = Path(f"/proc/{self.leader}/ns/pid").readlink()
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                named = (process / "comm").read_text().startswith("sshd")
                if named and (process / "ns/pid").readlink() == inside:
                    found.add(int(process.name))
        return found

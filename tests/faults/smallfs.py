"""A small file system, to be filled and to be made read-only: ext4 in a file, else a tmpfs."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.lab.system import LabError, command

Kind = Literal["ext4", "tmpfs"]
_FILL = ".fill"
_CAP_SYS_ADMIN = 1 << 21
# Waits for the end of its input, so that the file system goes whatever becomes of its owner.
_UNMOUNT = 'read -r _; exec "$@"'


def missing() -> str:
    """Why there can be none here, or nothing."""
    if platform.system() != "Linux" or not _may_mount():
        return "only root on Linux may mount, and not in every container"
    return "" if shutil.which("mount") else "mount is not installed"


def missing_ext4() -> str:
    """Why it can only be a tmpfs here, or nothing."""
    if missing():
        return missing()
    there = shutil.which("mkfs.ext4") and Path("/dev/loop-control").exists()
    return "" if there else "mkfs.ext4 or the loop devices are not there"


def _may_mount() -> bool:
    status = Path("/proc/self/status").read_text()
    capabilities = int(status.partition("CapEff:")[2].split()[0], 16)
    return bool(capabilities & _CAP_SYS_ADMIN)


@dataclass(frozen=True)
class SmallFs:
    """A mounted one; `path` leads to it from here, `inside` enters where it is mounted."""

    path: Path
    point: Path
    inside: Sequence[str] = ()

    def available(self) -> int:
        """How many bytes a file could still get."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Take all room but `leave` bytes, to a block or two."""
        with (self.path / _FILL).open("ab") as file:
            for _ in range(64):
                extra = self.available() - leave
                if extra <= 0:
                    return
                _grow(file.fileno(), extra)
        raise LabError(f"{self.path} does not fill: {self.available()} bytes are left")

    def free(self) -> None:
        """Give back what `fill` took."""
        (self.path / _FILL).unlink(missing_ok=True)

    def read_only(self) -> None:
        """Let nothing be written; fails while a file is open for writing."""
        self._remount("ro")

    def read_write(self) -> None:
        """Let it be written again."""
        self._remount("rw")

    def _remount(self, way: str) -> None:
        command(*self.inside, "mount", "-o", f"remount,{way}", self.point)


def _grow(file: int, extra: int) -> None:
    """Make a file longer by real blocks, or by half as many where the last have another use."""
    while extra > 0:
        try:
            os.posix_fallocate(file, os.fstat(file).st_size, extra)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            extra //= 2
        else:
            return


@contextlib.contextmanager
def small(point: Path, kib: int, kind: Kind | None = None) -> Iterator[SmallFs]:
    """Mount a file system of about so many KiB on a folder, which is made if need be."""
    point.mkdir(parents=True, exist_ok=True)
    chosen = kind or ("tmpfs" if missing_ext4() else "ext4")
    image = point.with_name(f".{point.name}.img")
    try:
        with _unmounted(point):
            if chosen == "ext4":
                _ext4(image, kib, point)
            else:
                command("mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", point)
            yield SmallFs(point, point)
    finally:
        image.unlink(missing_ok=True)


@contextlib.contextmanager
def small_inside(leader: int, point: str, kib: int) -> Iterator[SmallFs]:
    """Mount a tmpfs in a lab host, over what it has at that place; `leader` is the host's."""
    # Its processes, too: umount looks at its own entry in /proc.
    inside = ("nsenter", "-t", str(leader), "--mount", "--pid", "--root", "--wd", "--")
    command(*inside, "mkdir", "-p", point)
    with _unmounted(Path(point), inside):
        command(*inside, "mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", point)
        path = Path(f"/proc/{leader}/root") / point.lstrip("/")
        yield SmallFs(path, Path(point), inside)


def _ext4(image: Path, kib: int, point: Path) -> None:
    with image.open("wb") as file:
        file.truncate(kib * 1024)
    # No journal and nothing reserved: the room is the test's, and root's is no more than anyone's.
    command("mkfs.ext4", "-q", "-F", "-b", "1024", "-m", "0", "-O", "^has_journal", image)
    command("mount", "-o", "loop", image, point)


@contextlib.contextmanager
def _unmounted(point: Path, inside: Sequence[str] = ()) -> Iterator[None]:
    """Unmount in the end, lazily where something is still open, also when this process dies."""
    last = [*inside, "umount", "--lazy", str(point)]
    process = subprocess.Popen(
        ["sh", "-c", _UNMOUNT, "sh", *last],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.communicate(timeout=60)

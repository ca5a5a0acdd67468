"""A job on its way: its journal as it grows, its processes, and what its follower heard."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

from magnusctl.state import Plan, Resource
from tests.shells.shells import TIMEOUT_S, Ran, heard

Found = TypeVar("Found")


def wait_for(what: str, found: Callable[[], Found], seconds: float = 90) -> Found:
    """Ask until there is an answer that counts, for a while."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(0.01)
    return answer


def pid_in(path: Path) -> int:
    """The pid in a file of a job's, or 0."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(path.read_text().split()[1])
    return 0


def lives(pid: int) -> bool:
    """Whether a process still does anything."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal, and wait for the end that SIGKILL is."""
    assert pid
    os.kill(pid, number)
    if number is signal.SIGKILL:
        wait_for(f"end of {pid}", lambda: not lives(pid))


def words(journal: Sequence[str]) -> list[str]:
    """The lines of a journal without their times."""
    return [line.split(" ", 1)[-1] for line in journal]


@dataclass
class Running:
    """A job that was sent: `process` is its follower, `folder` is where it runs."""

    folder: Path
    process: subprocess.Popen[bytes]
    plan: Plan
    resources: Sequence[Resource] = field(repr=False)

    @property
    def follows(self) -> bool:
        """Whether its follower still follows."""
        return self.process.poll() is None

    @property
    def journal(self) -> list[str]:
        """The whole lines that were written so far."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "journal").read_text(errors="surrogateescape").split("\n")[:-1]
        return []

    @property
    def words(self) -> list[str]:
        """They without their times, and without what steps said."""
        return [line for line in words(self.journal) if not line.startswith("said ")]

    def reach(self, start: str, seconds: float = 90) -> None:
        """Wait until a line begins like that, as `start 1`."""

        def reached() -> bool:
            lines = self.words
            found = any(line.startswith(start) for line in lines)
            assert found or not any(line.startswith("end ") for line in lines), lines
            return found

        wait_for(f"{start!r} in the journal of {self.folder}", reached, seconds)

    def pid(self, name: str = "pid") -> int:
        """The pid of its runner, of its `timer` or of its `step`."""
        return wait_for(f"{name} of {self.folder}", lambda: pid_in(self.folder / name))

    def kill(self, name: str = "pid", number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one of its processes."""
        kill(self.pid(name), number)

    def cut(self) -> None:
        """Kill its follower and the whole session that started it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=TIMEOUT_S)

    def heard(self) -> Ran:
        """Wait for its end: what its follower printed."""
        return heard(self.process)


def over(root: Path) -> bool:
    """Whether every job below a root said that it has ended."""
    journals = [folder / "journal" for folder in root.glob("var/lib/magnus/jobs/*")]
    return all(path.exists() and b"Z end " in path.read_bytes() for path in journals)


def reap(root: Path) -> None:
    """Kill what still runs below a root."""
    for process in psutil.process_iter(["cmdline"]):
        if any(word.startswith(f"{root}/") for word in process.info["cmdline"] or []):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

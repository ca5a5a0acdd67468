"""Programs that a test stops, kills or interrupts at a moment of its choice."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.faults.reaper import descendants
from tests.lab.system import wait_for

_JOURNALS = "var/lib/magnus/jobs/*/journal"


def magnusctl(*words: str) -> list[str]:
    """The command line of magnusctl, as it is checked out."""
    return [sys.executable, "-m", "magnusctl", *words]


class Run:
    """A program in a session of its own; what it prints is read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes], outputs: Sequence[int]) -> None:
        self._process, self._text = process, dict.fromkeys(outputs, b"")
        self._outputs = list(outputs)
        self._heard = threading.Condition()
        self._readers = [threading.Thread(target=self._read, args=(one,)) for one in outputs]
        for reader in self._readers:
            reader.daemon = True
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended, a signal as a negative number; None while it runs."""
        return self._process.poll()

    @property
    def stdout(self) -> str:
        """What it has printed so far; with a terminal, all of it."""
        return self._text[self._outputs[0]].decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        return self._text[self._outputs[-1]].decode("utf-8", "replace")

    def wait_line(self, pattern: str, seconds: float = 60) -> str:
        """Wait until a line of either output matches, finished or not; that line."""
        end = time.monotonic() + seconds
        with self._heard:
            while (line := self._line(pattern)) is None:
                left = end - time.monotonic()
                running = any(reader.is_alive() for reader in self._readers)
                assert left > 0, f"no line {pattern!r} in {seconds:g} s; {self._said()}"
                assert running, f"it ended without a line {pattern!r}; {self._said()}"
                self._heard.wait(min(left, 0.1))
        return line

    def wait(self, seconds: float = 60) -> int:
        """Wait for its end and for the last of its output; how it ended."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it runs after {seconds:g} s; {self._said()}") from None
        for reader in self._readers:
            # A process that it left behind may hold its outputs open.
            reader.join(1)
        return code

    def kill(self) -> None:
        """SIGKILL to it and all it started in its session: nothing of it gets a word in."""
        self._group(signal.SIGKILL)

    def stop(self) -> None:
        """SIGSTOP: as a laptop that is asleep."""
        self._group(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._group(signal.SIGCONT)

    def interrupt(self) -> None:
        """SIGINT, to all that a terminal would send it to at Ctrl-C."""
        self._group(signal.SIGINT)

    def type(self, text: str) -> None:
        """Type on its terminal; "\\x03" is Ctrl-C."""
        os.write(self._outputs[0], text.encode())

    def _group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _line(self, pattern: str) -> str | None:
        lines = [line for text in self._text.values() for line in text.splitlines()]
        found = (line.decode("utf-8", "replace") for line in lines)
        return next((line for line in found if re.search(pattern, line)), None)

    def _said(self) -> str:
        return f"stdout: {self.stdout[-1000:]!r}, stderr: {self.stderr[-1000:]!r}"

    def _read(self, output: int) -> None:
        # A terminal's end is an error, EIO.
        with contextlib.suppress(OSError):
            while data := os.read(output, 65536):
                with self._heard:
                    self._text[output] += data
                    self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    terminal: bool = False,
) -> Iterator[Run]:
    """Run a program, with a terminal or with none at all; whatever is left of it is killed."""
    ours, theirs = _ends(terminal)
    process = subprocess.Popen(
        list(argv),
        env=env,
        stdin=theirs[0] if terminal else subprocess.DEVNULL,
        stdout=theirs[0],
        stderr=theirs[-1],
        start_new_session=True,
        preexec_fn=_take_terminal if terminal else None,
    )
    for end in theirs:
        os.close(end)
    run = Run(process, ours)
    try:
        yield run
    finally:
        _end(process)
        run.wait(60)
        for end in ours:
            os.close(end)


def _ends(terminal: bool) -> tuple[list[int], list[int]]:
    """Our ends of its outputs, and its own: a terminal is both outputs in one."""
    if terminal:
        ours, theirs = pty.openpty()
        return [ours], [theirs]
    pipes = [os.pipe(), os.pipe()]
    return [read for read, _ in pipes], [write for _, write in pipes]


def _take_terminal() -> None:
    """Make its standard input its controlling terminal, so that Ctrl-C there is a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and its descendants; ended or stopped ones take it, too."""
    below = descendants(process.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for left in below:
        with contextlib.suppress(ProcessLookupError):
            os.kill(left.pid, signal.SIGKILL)


class Journals:
    """The journals of one host's jobs that are not there yet; `root` is its folder or rootfs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._old = set(root.glob(_JOURNALS))

    def lines(self) -> list[str]:
        """The lines of the newest of them so far; a line without its end does not count."""
        fresh = [path for path in self._root.glob(_JOURNALS) if path not in self._old]
        with contextlib.suppress(OSError):
            if fresh:
                newest = max(fresh, key=lambda path: path.stat().st_mtime_ns)
                return newest.read_text(errors="replace").split("\n")[:-1]
        return []

    def reach(self, count: int, seconds: float = 60) -> list[str]:
        """Wait until a journal has so many lines; a quick job may already be further."""
        wait_for(f"journal line {count}", lambda: len(self.lines()) >= count, seconds)
        return self.lines()

    def say(self, pattern: str, seconds: float = 60) -> list[str]:
        """Wait until a line of a journal matches; all its lines."""
        wanted = re.compile(pattern)
        wait_for(
            f"journal line {pattern!r}", lambda: any(map(wanted.search, self.lines())), seconds
        )
        return self.lines()

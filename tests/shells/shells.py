"""The shells that stand in for a host's `/bin/sh`, and one way to run a command under them."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

TIMEOUT_S = 180


@dataclass(frozen=True)
class Shell:
    """A POSIX shell: a program and the options that make it one."""

    name: str
    program: str
    options: tuple[str, ...] = ()

    @property
    def missing(self) -> str:
        """Why it cannot be used here, or nothing."""
        return "" if shutil.which(self.program) else f"{self.program} is not installed"

    @property
    def words(self) -> tuple[str, ...]:
        """What starts it, by its full path: a test may take PATH away."""
        return (shutil.which(self.program) or self.program, *self.options)

    def instead_of_sh(self, command: str) -> str:
        """A command of ours with this shell wherever it names /bin/sh."""
        return command.replace("/bin/sh", " ".join(self.words))


SHELLS = (
    Shell("dash", "dash"),
    Shell("bash", "bash"),
    Shell("bash--posix", "bash", ("--posix",)),
    Shell("busybox-sh", "busybox", ("sh",)),
    Shell("zsh-as-sh", "zsh", ("--emulate", "sh")),
)
LOGIN_SHELLS = (
    Shell("dash", "dash"),
    Shell("bash", "bash"),
    Shell("zsh", "zsh"),
    Shell("fish", "fish"),
    Shell("tcsh", "tcsh"),
    Shell("busybox-sh", "busybox", ("sh",)),
)


# Where many programs run and little is new to a shell: the strictest, the oddest, the smallest.
FEWER = (SHELLS[0], SHELLS[2], SHELLS[3])

Case = TypeVar("Case")


def in_turn(cases: Sequence[Case]) -> list[tuple[Shell, Case]]:
    """Each case under one shell and every shell with some, where all of both would take long."""
    return list(zip(itertools.cycle(SHELLS), cases, strict=False))


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def lines(self) -> list[str]:
        """Standard output as a transport hands it on."""
        text = self.stdout.decode("utf-8", "surrogateescape")
        return text.removesuffix("\n").split("\n") if text else []


def launch(
    words: Sequence[str], stdin: bytes | int = b"", environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program in a session and group of its own, so that it can be killed as a whole."""
    process = subprocess.Popen(
        [os.fsencode(word) for word in words],
        stdin=stdin if isinstance(stdin, int) else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": "/", "LANG": "C.UTF-8", **(environment or {})},
        start_new_session=True,
    )
    if isinstance(stdin, bytes) and process.stdin:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(stdin)
        process.stdin = None
    return process


def heard(process: subprocess.Popen[bytes]) -> Ran:
    """Wait for its end, and for that of all who hold its output."""
    try:
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Ran(process.returncode, stdout, stderr.decode("utf-8", "replace"))


def run(
    words: Sequence[str], stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> Ran:
    """Run a program to its end."""
    return heard(launch(words, stdin, environment))

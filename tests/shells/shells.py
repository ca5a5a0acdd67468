"""The shells that stand in for a host's `/bin/sh`, and one way to run a command under them."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

TIMEOUT_S = 60


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


def run(
    words: Sequence[str], stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> Ran:
    """Run a program in a session and group of its own, so that it can be killed as a whole."""
    done = subprocess.run(
        [os.fsencode(word) for word in words],
        input=stdin,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": "/", "LANG": "C.UTF-8", **(environment or {})},
        start_new_session=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

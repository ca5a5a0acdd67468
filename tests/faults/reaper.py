"""Runs a program, and ends it and all that came of it with standard input.

`python -m tests.faults.reaper PROGRAM ARGUMENT...`. A job that a host detached is nobody's child;
here (on Linux) it falls to this process, which reaps it when it ends and kills it in the end.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

import psutil

_PR_SET_CHILD_SUBREAPER = 36


def descendants(pid: int) -> list[psutil.Process]:
    """The processes below one, as far as they still run."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _reap(*_: object) -> None:
    """A job that has ended shall be gone, not a zombie whose pid still answers."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _end() -> None:
    for _ in range(200):
        left = descendants(os.getpid())
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.01)
        _reap()


def main(argv: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, _reap)
    try:
        subprocess.Popen(argv, stdin=subprocess.DEVNULL)
        sys.stdin.read()
    finally:
        _end()


if __name__ == "__main__":
    main(sys.argv[1:])

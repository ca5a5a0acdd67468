"""Who did what, kept on the control machine too: one JSON object per line, appended whole."""

from __future__ import annotations

import errno
import getpass
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from magnusctl.state import canonical

_JOB = re.compile(r"\d{8}-[0-9a-f]{6}", re.ASCII)


def path() -> Path:
    """Where the lines are kept: below $XDG_STATE_HOME, or ~/.local/state."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "magnus" / "audit.jsonl"


def who() -> str:
    """The person at this machine, as one word: `alice@mac`."""
    return re.sub(r"[^A-Za-z0-9_.@-]", "_", f"{getpass.getuser()}@{socket.gethostname()}")[:100]


def now() -> str:
    """The time, as journals write it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def write(**values: object) -> str:
    """Append one line; a single write, so that two commands never mix theirs. Returns what went
    wrong, or nothing: a full disk here is no reason to stop what runs there."""
    line = canonical({"time": now(), "who": who(), **values}) + "\n"
    try:
        path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        append(path(), line.encode())
    except OSError as error:
        return f"{path()} cannot be written: {error.strerror}"
    return ""


def write_or_tell(note: Callable[[str, str], None], **values: str) -> None:
    """Append one line about a host, and have somebody told when that is not possible."""
    trouble = write(**values)
    if trouble:
        note(values["host"], trouble)


def append(file: Path, line: bytes) -> None:
    """Add a line to a file that only we read, on a line of its own even if the last one was cut.
    Raises OSError."""
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = b"\n" + line
        if os.write(handle, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(handle)


def unheard() -> dict[str, list[str]]:
    """By host the jobs that were sent from here and never heard to their end, the last few."""
    sent: dict[str, list[str]] = {}
    heard = set()
    for line in read():
        job, host = str(line.get("job")), str(line.get("host"))
        if not _JOB.fullmatch(job):
            continue
        if line.get("event") == "sent":
            sent.setdefault(host, []).append(job)
        elif line.get("event") == "heard" and line.get("result") not in ("", "unknown"):
            heard.add(job)
    found = {host: [job for job in jobs if job not in heard][-3:] for host, jobs in sent.items()}
    return {host: jobs for host, jobs in found.items() if jobs}


def trouble() -> str:
    """Why the lines cannot be read, or nothing."""
    try:
        path().read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path()} cannot be read: {error.strerror}"
    return ""


def read() -> Iterator[dict[str, Any]]:
    """The lines, oldest first; one that was cut by a crash is left out."""
    try:
        text = path().read_text(errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found

"""The one seam to the outside: a command and its standard input go in, lines come out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Protocol

from magnusctl.bootstrap import Request
from magnusctl.errors import (
    ConflictError,
    HostError,
    MagnusError,
    PreconditionError,
    Unreachable,
)
from magnusctl.quote import visible

IDLE_S = 90.0
"""Seconds without a line after which a command counts as stuck."""


CONNECT_S = 10.0
"""Seconds until a server that a host is to reach counts as not there."""


class Wire(Protocol):
    """Bytes both ways, until it is closed; a silence that is too long raises OSError."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""
        ...

    def settimeout(self, seconds: float, /) -> None:
        """How long to wait for what comes next."""
        ...

    def recv(self, size: int, /) -> bytes:
        """At most so many bytes, as soon as there are some; none at the end."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Transport(Protocol):
    """A way to run one command on one host."""

    def execute(self, request: Request, idle_s: float = IDLE_S) -> Iterator[str]:
        """Run it and yield its lines as they come; `idle_s` seconds of silence are too long.

        Raises a MagnusError when it cannot be run or exits with other than 0.
        """
        ...

    def fresh(self) -> Transport:
        """Another way to the same host, with a connection and a login of its own."""
        ...

    def dial(self, address: str, port: int, timeout_s: float) -> Wire:
        """A connection that the host itself opens: so its loopback can be reached, too.

        Raises a MagnusError when nothing answers there.
        """
        ...

    def send_file(self, local: str, remote: str, offset: int, moved: Callable[[int], None]) -> None:
        """Send the rest of a file, from a byte on; `moved` hears of bytes as they go.

        Raises a MagnusError when it cannot be read here or written there.
        """
        ...

    def host_key(self) -> str:
        """The key that the host proved to have, as `ssh-ed25519 SHA256:...`; or nothing."""
        ...

    def weakness(self) -> str:
        """What is weak about the way there, as far as it was used; or nothing."""
        ...

    def close(self) -> None:
        """Give back what the transport holds."""
        ...


_listeners: list[Callable[[str, str], None]] = []


def listen(listener: Callable[[str, str], None]) -> None:
    """Have somebody told what a person who waits wants to know: the host, and a sentence."""
    _listeners[:] = [listener]


def tell(host: str, text: str) -> None:
    """Say it to whoever listens."""
    for listener in _listeners:
        listener(host, text)


# What the bootstrap or sudo says, and what a person should read instead. First match wins.
_SAYINGS: tuple[tuple[str, type[MagnusError], str, str], ...] = (
    (
        "magnus-incomplete",
        ConflictError,
        "the upload arrived incomplete or changed; nothing was run",
        "Run the same command again.",
    ),
    (
        "magnus-no-digest",
        PreconditionError,
        "it has none of sha256sum, shasum and openssl; nothing was run",
        "Install one of them there (package coreutils).",
    ),
    (
        "magnus-no-tar",
        PreconditionError,
        "it has no tar; nothing was run",
        "Install it there (package tar).",
    ),
    (
        "magnus-no-space",
        HostError,
        "no space for the job in /var/lib/magnus{room}; nothing was run",
        "Free some space there, then run the same command again.",
    ),
    (
        "No space left on device\nmagnus-no-state",
        HostError,
        "no space for the job in /var/lib/magnus{room}; nothing was run",
        "Free some space there, then run the same command again.",
    ),
    (
        "Read-only file system\nmagnus-no-state",
        HostError,
        "/var/lib/magnus is mounted read-only, or cannot be written; nothing was run",
        "Look at it there (dmesg may say why), then run the same command again.",
    ),
    (
        "magnus-no-state",
        PreconditionError,
        "it cannot keep the job in /var/lib/magnus; nothing was run",
        "Without root's rights nothing can be changed: is 'become: false' right, and the disk "
        "writable?",
    ),
    (
        "magnus-state-unsafe",
        PreconditionError,
        "refusing: /var/lib/magnus is a symlink, is writable by others or is not owned by root",
        "Look at it there, and move it away.",
    ),
    (
        "magnus-no-sudo",
        PreconditionError,
        "it has no sudo, and the login is not root",
        "Install sudo there, log in as root, or set 'become: false' for this host.",
    ),
    (
        "password is required",
        PreconditionError,
        "sudo wants a password there",
        "Give it with --ask-sudo or 'sudo_password:', or allow this user NOPASSWD.",
    ),
    (
        "interactive authentication is required",
        PreconditionError,
        "sudo wants a password there",
        "Give it with --ask-sudo or 'sudo_password:', or allow this user NOPASSWD.",
    ),
    (
        "must have a tty",
        PreconditionError,
        "sudo there wants a terminal (requiretty)",
        "Take 'requiretty' out of sudoers for this user, or log in as root.",
    ),
    (
        "is not allowed to execute",
        PreconditionError,
        "sudo there allows this user only some commands, and /bin/sh is not among them",
        "What is changed needs root: allow the user ALL, log in as root, or set 'become: false'.",
    ),
    (
        "sudo: maximum",
        PreconditionError,
        "sudo there does not accept the password",
        "It was tried once. Give the right one with --ask-sudo.",
    ),
    (
        # sudo-rs before 0.2.5 knows no -p, so no password can be told from an upload.
        "invalid option provided",
        PreconditionError,
        "sudo there (an old sudo-rs?) cannot take a password without a terminal",
        "Use a NOPASSWD rule for this user, or the classic sudo (sudo.ws).",
    ),
    (
        "may not run sudo",
        PreconditionError,
        "this user may not use sudo there",
        "Allow it in sudoers, or log in as another user.",
    ),
    (
        "is not in the sudoers",
        PreconditionError,
        "this user may not use sudo there",
        "Allow it in sudoers, or log in as another user.",
    ),
    (
        "account is currently not available",
        PreconditionError,
        "the login shell refuses to run commands",
        "Give this user a real shell, or log in as another one.",
    ),
)


def _says(said: str, words: str) -> bool:
    """Our own words begin a line: sudo repeats all of the command that it refuses."""
    if words.startswith("magnus-"):
        return any(line.startswith(words) for line in said.splitlines())
    return words in said


def failure(host: str, code: int, said: str, sent: int = 0) -> MagnusError:
    """The error for a command that exited with `code` and said something unexpected, after `sent`
    bytes were sent to it."""
    for words, kind, message, hint in _SAYINGS:
        if _says(said, words):
            return kind(message.replace("{room}", _room(said, sent)), host=host, hint=hint)
    if code == 1 and not said:
        # As /bin/false does.
        _, kind, message, hint = _SAYINGS[-1]
        return kind(message, host=host, hint=hint)
    detail = "\n".join(f"  {line}" for line in visible(said).splitlines()[-5:])
    if code < 0:
        # No exit code came: the link is gone, or somebody killed the shell. The job may go on.
        hint = "Run the same command again."
        return Unreachable("the connection broke", host=host, detail=detail, hint=hint)
    return HostError(f"the shell there ended with exit code {code}", host=host, detail=detail)


def _room(said: str, sent: int) -> str:
    """What a job needs and what df said is free: it is kept, unpacked, and has a reserve."""
    found = re.search(r"^magnus-no-\w+ .* (\d+) +\d+% ", said, re.MULTILINE)
    if not found:
        return ""
    need, free = 2 * sent // 1024 + 64, int(found[1])
    if free > need:
        return ": its file system has no inode left"
    return f": {need} KiB are needed, {free} KiB are free"

"""Expected failures: what happened, where, why, and what to type next.

MagnusError                 1  a fault of ours
├─ InputError               2  inventory, template or usage is wrong
├─ PreconditionError        3  authentication, host key, sudo, a missing feature
├─ ConflictError            4  stale plan, state changed underneath, incomplete upload
├─ HostError                5  unreachable, protocol error, a step that failed
├─ Reverted                 6  nobody confirmed, so the host took it back
├─ Locked                   7  another job holds the host
├─ RollbackFailed           8  taking back did not work
├─ CheckFailed              9  what was asked for does not fit, or was judged and failed
└─ Interrupted            130  Ctrl-C
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; docs/exit-codes.md explains each."""

    OK = 0
    FAULT = 1
    INPUT = 2
    PRECONDITION = 3
    CONFLICT = 4
    HOSTS_FAILED = 5
    REVERTED = 6
    LOCKED = 7
    ROLLBACK_FAILED = 8
    CHECK_FAILED = 9
    CHANGES_PENDING = 10
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class Ended(SystemExit):
    """Somebody ends this program from outside: no code of a project keeps it from that."""


class MagnusError(Exception):
    """An expected failure: one sentence, where it is, and the next step."""

    exit_code = Exit.FAULT

    def __init__(
        self, message: str, *, where: str = "", hint: str = "", detail: str = "", host: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.detail = detail
        self.host = host

    def __str__(self) -> str:
        head = f"{self.where or self.host}: {self.message}".removeprefix(": ")
        return "\n".join(part for part in (head, self.detail, self.hint) if part)


def fault_words(error: BaseException) -> str:
    """A fault of ours in words; one of Unicode tells a part of the text that it is about."""
    name = type(error).__name__
    return name if isinstance(error, UnicodeError) else f"{name}: {error}"


class InputError(MagnusError):
    """The inventory, a template or the command line is wrong; nothing was contacted."""

    exit_code = Exit.INPUT


class PreconditionError(MagnusError):
    """Something must be true first: a key, a host key, sudo, a program."""

    exit_code = Exit.PRECONDITION


class ConflictError(MagnusError):
    """What was planned no longer holds, or the payload did not arrive whole."""

    exit_code = Exit.CONFLICT


class HostError(MagnusError):
    """A host did not answer, answered nonsense, or a step on it failed."""

    exit_code = Exit.HOSTS_FAILED


class Unreachable(HostError):
    """No connection could be made, or it broke."""


class ProtocolError(HostError):
    """The host's answer is not what the protocol allows: never read as 'no changes'."""


class Reverted(MagnusError):
    """A change that could have cut us off was not confirmed, and the host took it back."""

    exit_code = Exit.REVERTED


class Locked(MagnusError):
    """Another job holds the host; nothing was run."""

    exit_code = Exit.LOCKED


class RollbackFailed(MagnusError):
    """What should have been taken back was not: somebody must look at the host."""

    exit_code = Exit.ROLLBACK_FAILED


class CheckFailed(MagnusError):
    """What was asked for was judged, and does not pass: nothing was changed."""

    exit_code = Exit.CHECK_FAILED


class Interrupted(MagnusError):
    """Somebody pressed Ctrl-C."""

    exit_code = Exit.INTERRUPTED

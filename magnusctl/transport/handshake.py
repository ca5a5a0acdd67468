"""Giving a password to sudo: only to a prompt that is ours, only once, and before anything else.

A host that needs none never sees it, and no byte of a payload is ever taken for a password.
"""

from __future__ import annotations

import time
from typing import Protocol

from magnusctl.bootstrap import Handshake
from magnusctl.errors import InputError, PreconditionError
from magnusctl.quote import Secret, visible

_WAIT_S = 20.0
_LOOK_S = 0.01


class Line(Protocol):
    """Both ends of a command that was just started."""

    def said(self) -> str:
        """What it printed on stderr so far."""
        ...

    def printed(self) -> str:
        """What it printed on stdout so far."""
        ...

    def ended(self) -> bool:
        """Whether it takes no more."""
        ...

    def send(self, data: bytes) -> None:
        """Give it bytes."""
        ...


def _typed(host: str, password: Secret) -> bytes:
    """A password as one line. Raises InputError for one that is no single line: what comes after
    its end would be taken for another attempt, or for the beginning of what is sent."""
    text = password.reveal()
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise InputError(
            f"the sudo password {password} holds a line end or another control character. "
            "No byte of it was sent.",
            where=host,
            hint="Keep it as one line where it is kept; a file of Windows ends its lines with two.",
        )
    return text.encode("utf-8", "surrogateescape") + b"\n"


def greet(host: str, handshake: Handshake, line: Line) -> None:
    """Return when the command is ready for its input, or when it ended and tells why itself.

    Raises PreconditionError for a wrong password, and where sudo asks in other words than ours;
    InputError for what can be no password.
    """
    sent = False
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        asked = line.said().count(handshake.prompt)
        if handshake.ready in line.printed() or (line.ended() and not asked > sent):
            return
        if asked > 1:
            raise PreconditionError(
                f"sudo there does not accept the password {handshake.password}",
                host=host,
                hint="It was tried once, and not again. Give the right one with --ask-sudo.",
            )
        if asked and not sent:
            line.send(_typed(host, handshake.password))
            sent = True
        time.sleep(_LOOK_S)
    asked_otherwise = "neither let us in nor asked with our prompt, so no password was sent"
    raise PreconditionError(
        f"sudo there {'took the password and wants more' if sent else asked_otherwise}",
        host=host,
        detail=f"  {visible(line.said()[-200:]).strip()}",
        hint="Is 'passprompt_override' set, or a second factor wanted? Allow this user NOPASSWD.",
    )

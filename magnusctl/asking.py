"""One question to one host, beside those about its resources."""

from __future__ import annotations

import secrets
from typing import TypeVar

from magnusctl import script
from magnusctl.answers import UNREADABLE, Answers
from magnusctl.errors import ProtocolError
from magnusctl.place import Place
from magnusctl.state import Probe
from magnusctl.transport import Transport

T = TypeVar("T")


def ask_one(place: Place, probe: Probe[T], transport: Transport | None = None) -> T:
    """The answer to one probe. Raises MagnusError."""
    nonce = secrets.token_hex(8)
    request = script.probe_request([probe], nonce, root=place.root, privilege=place.privilege)
    answers = Answers(nonce)
    try:
        for _ in answers.read((transport or place.transport).execute(request)):
            pass
        return _parsed(probe, answers)
    except ProtocolError as error:
        error.host = error.host or place.name
        raise


def _parsed(probe: Probe[T], answers: Answers) -> T:
    lines = answers.lines(probe)
    try:
        return probe.parse(lines)
    except UNREADABLE as error:
        message = f"an answer cannot be read: {type(error).__name__}: {str(error)[:200]}"
        raise ProtocolError(message) from None

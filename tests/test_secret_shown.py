"""No way of writing a secret down has its value."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Callable

import pytest

from magnusctl.state import ABSENT, Action, Change, canonical
from tests.secret_helpers import held, holding

CANARY = "canary-5e1f"


def with_locals(thing: object) -> str:
    held_here = thing
    try:
        raise ValueError("a fault")
    except ValueError as error:
        del thing
        said = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert held_here is not None
        return "".join(said.format())


def logged(thing: object) -> str:
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "%s %r", (thing, thing), None)
    return logging.Formatter().format(record)


def refusal(work: Callable[[], object]) -> str:
    try:
        return repr(work())
    except TypeError as error:
        return with_locals(error) + str(error)


WAYS: list[tuple[str, Callable[[object], str]]] = [
    ("repr", repr),
    ("str", str),
    ("f-string", lambda thing: f"{thing} {thing!r} {thing!s:>40} {[thing]} { ({'x': thing}) }"),
    ("percent", lambda thing: "%s %r" % (thing, thing)),  # noqa: UP031
    ("json", lambda thing: refusal(lambda: json.dumps(thing))),
    ("json of texts", lambda thing: json.dumps(thing, default=str)),
    ("canonical", lambda thing: refusal(lambda: canonical(thing))),
    ("pickle", lambda thing: refusal(lambda: pickle.dumps(thing))),
    ("vars", lambda thing: refusal(lambda: vars(thing))),
    ("state", lambda thing: refusal(lambda: thing.__getstate__())),
    ("logging", logged),
    ("traceback", with_locals),
]


@pytest.mark.parametrize(("way", "text_of"), WAYS, ids=[way for way, _ in WAYS])
def test_no_way_of_writing_a_secret_down_has_its_value(
    way: str, text_of: Callable[[object], str]
) -> None:
    secret = held(CANARY)
    assert secret.reveal() == CANARY
    resource = holding(secret)
    change = Change(resource, Action.CREATE, ABSENT, resource.state())
    for thing in (secret, resource, change):
        assert "canary" not in text_of(thing)
    # The control: of a plain value every way but refusing to write it down tells it.
    assert "canary" in text_of(CANARY) or way in ("vars", "state")

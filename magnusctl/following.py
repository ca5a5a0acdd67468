"""A job from its first line to its last, whatever becomes of the link: the host goes on anyway."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable

from magnusctl import script
from magnusctl.answers import Answers, Event
from magnusctl.asking import ask_one
from magnusctl.bootstrap import Request
from magnusctl.errors import ConflictError, MagnusError, PreconditionError, Unreachable
from magnusctl.place import Place
from magnusctl.quote import sh
from magnusctl.state import Probe

BEAT_S = 30.0
"""Seconds without a line after which a job's follower counts as gone; it beats every 5 s."""


def _reconnect_s() -> float:
    text = os.environ.get("MAGNUS_RECONNECT_S", "")
    return float(text) if text.isdecimal() else 60.0


RECONNECT_S = _reconnect_s()
"""Seconds for which a lost link is made again, from the last that was heard of the host."""
_PAUSES = (0.5, 1.0, 2.0, 4.0)
_FILES = ("process.sh", "follow.sh", "jobs.sh")


Heard = Callable[[Event], None]
Note = Callable[[str, str], None]


def send(
    place: Place, job: str, request: Request, answers: Answers, heard: Heard, note: Note
) -> None:
    """Send a job and hear it to its end. A link that breaks is made again, and nothing is missed.

    Raises Unreachable when that takes longer than RECONNECT_S; the job goes on.
    """
    try:
        _hear(place, request, answers, heard)
    except Unreachable as error:
        if not _over(answers):
            _again(place, job, answers, heard, note, error)


def attach(place: Place, job: str, answers: Answers, heard: Heard, note: Note) -> None:
    """Follow a job that somebody started, from the line after the last that `answers` saw."""
    try:
        _hear(place, _attach_request(place, job, answers, with_manifest=True), answers, heard)
    except Unreachable as error:
        if not _over(answers):
            _again(place, job, answers, heard, note, error)


def _hear(place: Place, request: Request, answers: Answers, heard: Heard) -> None:
    for event in answers.read(place.transport.execute(request, BEAT_S)):
        heard(event)


def _over(answers: Answers) -> bool:
    return answers.ended or bool(answers.gone)


def _again(
    place: Place, job: str, answers: Answers, heard: Heard, note: Note, lost: Unreachable
) -> None:
    note(place.name, f"{_lost_at(job, answers, lost)}, reconnecting …")
    alive, attempt = time.monotonic(), 0
    while not _over(answers):
        place.transport.close()
        time.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
        attempt, heard_before = attempt + 1, answers.heard
        error = _once_more(place, job, answers, _told_once(heard, note, place.name))
        if error is None and answers.finished:
            return
        error = error or Unreachable("what it says has no end", host=place.name)
        if answers.heard > heard_before:
            alive, attempt = time.monotonic(), 0
        elif time.monotonic() - alive > RECONNECT_S:
            raise _given_up(place, job, answers, error)
        else:
            note(place.name, f"attempt {attempt}: {error.message}")
    if answers.gone == "never-began":
        raise ConflictError(
            "the upload arrived incomplete; nothing was run",
            host=place.name,
            hint="Run the same command again.",
        )


def _lost_at(job: str, answers: Answers, lost: Unreachable) -> str:
    if answers.seen:
        return f"link lost at {answers.at} ({lost.message}); job {job} goes on there"
    return f"link lost while job {job} was sent ({lost.message}); asking whether it began"


def _once_more(place: Place, job: str, answers: Answers, heard: Heard) -> MagnusError | None:
    """Follow a job from where the link was lost; returns what cut that short."""
    try:
        _hear(place, _attach_request(place, job, answers, with_manifest=False), answers, heard)
    except (Unreachable, PreconditionError) as error:
        return error
    return None


def _told_once(heard: Heard, note: Note, host: str) -> Heard:
    told = False

    def hear(event: Event) -> None:
        nonlocal told
        if not told:
            note(host, "back; nothing was missed")
        told = True
        heard(event)

    return hear


def _given_up(place: Place, job: str, answers: Answers, error: MagnusError) -> Unreachable:
    if answers.seen:
        return Unreachable(
            f"link lost at {answers.at}, and no way back within {RECONNECT_S:g} s: {error.message}",
            host=place.name,
            detail=f"  Job {job} began there and goes on to its end; only the link is gone.",
            hint=f"Follow it with:  magnusctl attach {place.name} {job}",
        )
    return Unreachable(
        f"link lost while the job was sent: {error.message}",
        host=place.name,
        detail=f"  Whether job {job} began there is not known.",
        hint=f"Ask when it is back:  magnusctl jobs -l {place.name}",
    )


def _attach_request(place: Place, job: str, answers: Answers, *, with_manifest: bool) -> Request:
    answers.nonce = secrets.token_hex(8)
    words = sh("follow", job, answers.seen, "manifest" if with_manifest else "")
    return _request(place, words, answers.nonce)


def _request(place: Place, words: str, nonce: str) -> Request:
    text = script.library("prelude.sh", *_FILES) + words
    return script.text_request(text, nonce, root=place.root, privilege=place.privilege)


def _word(name: str, words: str) -> Probe[str]:
    return Probe(name, words, 1, lambda lines: lines[0], _FILES)


def cancel(place: Place, job: str) -> str:
    """Ask a job to end after its current step: `asked`, `over` or `unknown`."""
    return ask_one(place, _word("cancel", sh("cancel_job", job)))


def confirm(place: Place, job: str, seconds: float, note: Note) -> str:
    """Say from outside that a host can still be reached: a new connection, a new login, new
    rights. Returns `confirmed`, or why nobody could say so in time, as far as that is known."""
    attempt, why = 0, ""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        attempt += 1
        fresh = place.transport.fresh()
        try:
            said = ask_one(place, _word("confirm", sh("confirm_job", job)), fresh)
            if said == "cannot":
                return "it came in, and the host cannot write that down"
            return said if said == "confirmed" else why or "the first one came too late"
        except MagnusError as error:
            why = error.message
            note(place.name, f"confirming over a new connection, attempt {attempt}: {why}")
            time.sleep(min(2.0, max(0.0, until - time.monotonic())))
        finally:
            fresh.close()
    return why

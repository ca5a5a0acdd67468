"""What a deployment came to: gates that were passed, what it measured, or why it failed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from magnusctl.asking import ask_one
from magnusctl.causes import Cause, Diagnosis, diagnose
from magnusctl.errand import Errand
from magnusctl.errors import HostError, MagnusError
from magnusctl.place import Place
from magnusctl.quote import sh
from magnusctl.releases import standing
from magnusctl.releases.record import Record
from magnusctl.state import Probe

_LAST = 20
_GATE = re.compile(r"gate (\S+) (?:failed: (.*)|ok ?(.*))")


@dataclass(frozen=True)
class Switched:
    """What a switch said: parts of the gate with their words, and seconds without anybody."""

    passed: tuple[tuple[str, str], ...]
    failed: tuple[str, str] | None
    outage_s: int
    back: str
    """The release that serves again."""
    lost: str = ""
    """The release that did before, and does not come back."""


def read(lines: Sequence[str]) -> Switched:
    """Read what the step printed."""
    passed, failed, outage, back, lost = [], None, 0, "", ""
    for line in lines:
        word, _, rest = line.partition(" ")
        found = _GATE.match(line)
        if found and found[2] is not None:
            failed = (found[1], found[2])
        elif found:
            passed.append((found[1], found[3]))
        elif word == "outage" and rest.isdecimal():
            outage = int(rest)
        elif word == "back":
            back = rest
        elif word == "lost":
            lost = rest
    return Switched(tuple(passed), failed, outage, back, lost)


@dataclass(frozen=True)
class Kept:
    """What a host kept of a switch: what that said, and the engine's last words when it failed."""

    said: tuple[str, ...]
    log: tuple[str, ...]


def explaining(errand: Errand, place: Place, record: Record) -> Errand:
    """An errand whose failures are told with their cause."""
    return replace(errand, explain=lambda error: failure(place, record, error))


def measured(place: Place, record: Record) -> Mapping[str, str]:
    """What the gate measured, as the host kept it; nothing where it cannot be asked any more."""
    try:
        found = ask_one(place, standing.probe("/"))
    except MagnusError:
        return {}
    model = found.models.get(record.model)
    return model.gates.get(record.number, {}) if model else {}


def failure(place: Place, record: Record, error: MagnusError) -> MagnusError:
    """Why a release did not come to serve, as far as its host can tell."""
    if not isinstance(error, HostError):
        return error
    if f"release:{record.model}" not in error.detail + error.message:
        # It never came to a switch: what was said is of the files, or of the front.
        return explained_early(error, place, record, error.detail.splitlines())
    try:
        kept = kept_of(place, record)
    except MagnusError:
        return error
    return explained(error, place, record, kept)


def kept_of(place: Place, record: Record) -> Kept:
    """Ask for it. Raises MagnusError."""

    def parse(lines: Sequence[str]) -> Kept:
        def of(word: str) -> tuple[str, ...]:
            return tuple(line[len(word) + 1 :] for line in lines if line.startswith(f"{word} "))

        return Kept(of("said"), of("log"))

    words = sh("kept_log", record.model, record.number)
    return ask_one(place, Probe("log", words, -1, parse, ("releases/models.sh",)))


def explained(error: MagnusError, place: Place, record: Record, kept: Kept) -> MagnusError:
    """The failure of a deployment with its cause, the last lines of the log, and what to do."""
    switched, said, log = read(kept.said), kept.said, kept.log
    # What a front says no engine logs.
    of_front = switched.failed is not None and switched.failed[0] == "front"
    own = () if of_front else log
    ended = _ended(switched, said)
    found = diagnose(record.engine, [*own, *said], model=record.model, host=place.name, ended=ended)
    what = f"{record.model} {record.label} failed"
    if switched.failed:
        what += f" at its gate ({switched.failed[0]}): {switched.failed[1]}"
    serving = f"{switched.back} serves again" if switched.back else "nothing was switched"
    if switched.lost:
        serving = f"{switched.lost} does not come back: nobody serves"
    last = [f"  {line}" for line in [*own][-_LAST:]]
    detail = "\n".join([f"  cause: {named(found)}; {serving}", *last])
    hint = found.next or error.hint or _look(record)
    if of_front and found.cause is Cause.unknown:
        hint = f"See on {place.name} who holds the port of {record.front}, and what nginx logs."
    return HostError(what, host=place.name, detail=detail, hint=hint)


def named(found: Diagnosis) -> str:
    """The cause in a few words."""
    if found.cause is Cause.unknown:
        return "not recognised" + (f" ({found.figure})" if found.figure else "")
    return f"{found.cause.value}" + (f": {found.figure}" if found.figure else "")


def _ended(switched: Switched, said: Sequence[str]) -> str:
    text = " ".join([*said, *(switched.failed or ())])
    for sign, word in (("oom-kill", "oom-kill"), ("signal", "signal KILL"), ("timeout", "timeout")):
        if sign in text:
            return word
    return ""


def _look(record: Record) -> str:
    return f"Look at its log:  magnusctl logs {record.model}"


def explained_early(
    error: MagnusError, place: Place, record: Record, said: Sequence[str]
) -> MagnusError:
    """A failure before any switch: of the files that are fetched, or of what a release needs."""
    found = diagnose("hf", said, model=record.model, host=place.name)
    if found.cause is Cause.unknown:
        return error
    detail = "\n".join([f"  cause: {named(found)}; nothing was switched", error.detail])
    return HostError(error.message, host=place.name, detail=detail, hint=found.next or error.hint)

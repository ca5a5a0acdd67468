"""How a job ended, in words: what failed, what was taken back, who was in the way. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from magnusctl.answers import Event
from magnusctl.ended import Ended
from magnusctl.errors import (
    ConflictError,
    HostError,
    Interrupted,
    Locked,
    MagnusError,
    Reverted,
    RollbackFailed,
)
from magnusctl.report import Status

MAX_TOLD = 5


def raise_for(ended: Ended) -> None:
    """Raise what the journal of a job calls for; return when all went well."""
    first = (_refused, _unreverted, _revert_failed, _reverted, _dead, _steps)
    for kind in (*first, _unarmed, _cancelled, _unexplained):
        error = kind(ended)
        if error:
            raise error


def _refused(ended: Ended) -> MagnusError | None:
    locked = ended.last("locked")
    if locked:
        other, who, since, at = locked.arguments[:4]
        return Locked(
            f"held by {who} since {since}: job {other}, step {at}. Nothing was run.",
            host=ended.host,
            hint=f"Follow it with:  magnusctl attach {ended.host} {other}        "
            "or wait for it with --wait-lock 10m",
        )
    for what, hint in () if ended.last("begin") else _no_room(ended):
        return HostError(f"{what}. Nothing was run.", host=ended.host, hint=hint)
    return None


def _lacking(ended: Ended) -> list[str]:
    """The first of it, for beside what it made fail."""
    return [f"  {what}.\n  {hint}" for what, hint in islice(_no_room(ended), 1)]


def _no_room(ended: Ended) -> Iterator[tuple[str, str]]:
    """Where there is no room to write or no writing at all, each with what to do about it."""
    free_some = "Free some space there, then run the same command again."
    look = "Look at it there (dmesg may say why), then run the same command again."
    for event in ended.events:
        if event.word == "no-space":
            unsaid = ["?"] * (3 - len(event.arguments))
            need, free, *where = (*event.arguments, *unsaid)
            place = " ".join(where)
            if free.isdecimal() and need.isdecimal() and int(free) >= int(need):
                yield f"nothing can be written on {place}, though {free} KiB are free", look
            else:
                yield f"no space on {place}: {need} KiB are needed, {free} KiB are free", free_some
        elif event.word == "no-files":
            place = " ".join(event.arguments)
            yield f"no file can be made in {place}: its file system has no inode left", free_some
        elif event.word == "read-only":
            place = " ".join(event.arguments)
            yield f"{place} is mounted read-only, or cannot be written", look


def _unreverted(ended: Ended) -> MagnusError | None:
    """A job that died unconfirmed, which this one had to take back first."""
    other = ended.last("unreverted")
    if not other:
        return None
    job = other.arguments[0]
    return RollbackFailed(
        f"job {job} died unconfirmed, and taking it back FAILED: some of its changes still stand",
        host=ended.host,
        hint=f"At its console:  sh /var/lib/magnus/jobs/{job}/job revert '' '' again    "
        f"and read /var/lib/magnus/jobs/{job}/journal",
    )


def _revert_failed(ended: Ended) -> MagnusError | None:
    guarded, standing = ended.last("revert-failed"), ended.standing
    if not guarded and not standing:
        return None
    undone = ended.named(Status.REVERTED)
    lines = [
        f"  taken back: {', '.join(undone) or 'nothing'}",
        f"  still stands: {', '.join(standing) or 'what no file holds: addresses, routes, rules'}",
        *ended.words_of(list(ended.output)),
    ]
    if not guarded:
        failed = ended.named(Status.FAILED) or standing
        return RollbackFailed(
            f"{failed[0]} failed, and taking back FAILED: it is not as it was before",
            host=ended.host,
            detail="\n".join(lines),
            hint=ended.all_of_it,
        )
    why = ended.last("reverting")
    because = _because(why) if why else "nobody can say why"
    return RollbackFailed(
        "taking back FAILED: some of the changes that can cut this host off still stand",
        host=ended.host,
        detail="\n".join([f"  it had to be taken back, because {because}", *lines]),
        hint=f"At its console:  sh /var/lib/magnus/jobs/{ended.job}/job revert '' '' again    "
        f"and read /var/lib/magnus/jobs/{ended.job}/journal",
    )


_WHY = {
    "no-confirmation": "nobody confirmed it in time",
    "a-step-failed": "a step failed",
    "cancelled": "it was cancelled",
    "the-job-died": "the job died",
    "the-timer-died": "its timer died",
    "boot": "the host rebooted before it was confirmed",
    "died": "the job died",
}


def _because(reverting: Event) -> str:
    why = " ".join(reverting.arguments)
    return _WHY.get(why, why)


def _reverted(ended: Ended) -> MagnusError | None:
    reverting = ended.last("reverting")
    if not reverting or not ended.last("reverted"):
        return None
    why = " ".join(reverting.arguments)
    failed, conflicts = ended.named(Status.FAILED), ended.named(Status.CONFLICT)
    if why == "a-step-failed" and conflicts and not failed:
        return ConflictError(
            f"{conflicts[0]} changed since it was planned, so what can cut this host off was taken "
            "back",
            host=ended.host,
            detail="\n".join(ended.words_of(conflicts[:MAX_TOLD])),
            hint=ended.all_of_it,
        )
    if why == "a-step-failed" and failed:
        return HostError(
            f"{failed[0]} failed, so what can cut this host off was taken back",
            host=ended.host,
            detail="\n".join([*ended.words_of(failed[:MAX_TOLD]), *_lacking(ended)]),
            hint=ended.all_of_it,
        )
    unheard = ended.unconfirmed if why == "no-confirmation" else ""
    return Reverted(
        f"reverted, because {_because(reverting)}: addresses, files and services are as before",
        host=ended.host,
        detail=f"  no new connection got in: {unheard}" if unheard else "",
        hint=ended.all_of_it,
    )


def _dead(ended: Ended) -> MagnusError | None:
    if ended.last("end"):
        return None
    begin, start = ended.last("begin"), ended.last("start")
    if not begin:
        return HostError(f"job {ended.job} never began there; nothing was run", host=ended.host)
    total = int(begin.arguments[0])
    done = len(ended.named(Status.OK))
    at = int(start.arguments[0]) + 1 if start else 0
    if ended.gone == "reverting":
        return Reverted(
            f"job {ended.job} was killed there, and its timer takes back what can cut it off",
            host=ended.host,
            hint=f"See what stands in a minute:  magnusctl plan -l {ended.host}",
        )
    if ended.gone == "unconfirmed":
        return Reverted(
            f"job {ended.job} ended there before it was confirmed; what can cut it off is taken "
            "back by its next boot, or by the next job",
            host=ended.host,
            hint=f"Is it rebooting? See what stands in a minute:  magnusctl plan -l {ended.host}",
        )
    return HostError(
        f"{_death(ended)} at step {at} of {total}: {done} changes were made, "
        f"{total - at} steps were not begun",
        host=ended.host,
        hint=f"Run the same command again: it goes on from what is.   {ended.all_of_it}",
    )


def _death(ended: Ended) -> str:
    if ended.gone == "rebooted":
        return f"the host rebooted during job {ended.job} (its boot id changed)"
    return f"job {ended.job} was killed there"


def _steps(ended: Ended) -> MagnusError | None:
    """The steps that did not succeed, in their own words."""
    for status, kind, what in (
        (Status.FAILED, HostError, "failed"),
        (Status.CONFLICT, ConflictError, "changed since it was planned, so it was left alone"),
    ):
        names = ended.named(status)
        if not names:
            continue
        more = f"; so did {len(names) - 1} more" if len(names) > 1 else ""
        back = ended.named(Status.REVERTED)
        restored = [f"  put back as it was: {', '.join(back)}"] if back else []
        return kind(
            f"{names[0]} {what}{_how(ended, names[0])}{more}",
            host=ended.host,
            detail="\n".join([*ended.words_of(names[:MAX_TOLD]), *_lacking(ended), *restored]),
            hint=ended.all_of_it,
        )
    return None


def _how(ended: Ended, name: str) -> str:
    """A step that did not fail by itself says nothing, so its end is told."""
    failed = ended.failure(name)
    if not failed:
        return ""
    _, code, why, seconds = (*failed.arguments, "", "", "")[:4]
    if why == "timeout":
        return f": it exceeded {seconds} s and was killed, with all that it had started"
    if why == "signal" and code.isdecimal():
        cause = " (out of memory?)" if code == "137" else ""
        return f": it was killed by signal {int(code) - 128}{cause}"
    return ""


def _unarmed(ended: Ended) -> MagnusError | None:
    if not ended.last("unarmed"):
        return None
    return HostError(
        "the way back could not be prepared, so what can cut this host off was not begun",
        host=ended.host,
        detail="\n".join(_lacking(ended)),
        hint=ended.all_of_it,
    )


def _cancelled(ended: Ended) -> MagnusError | None:
    left = ended.named(Status.CANCELLED)
    if not left and not ended.last("cancelled"):
        return None
    more = f" and {len(left) - MAX_TOLD} more" if len(left) > MAX_TOLD else ""
    names = f"not begun: {', '.join(left[:MAX_TOLD]) or 'all of it'}{more}"
    end = ended.last("end")
    if end and end.arguments == ("stopped",):
        return HostError(
            f"job {ended.job} was told there to stop, as when a host shuts down; {names}",
            host=ended.host,
            hint=f"Run the same command again: it goes on from what is.   {ended.all_of_it}",
        )
    return Interrupted(
        f"cancelled; {names}",
        host=ended.host,
        hint=f"See what stands with:  magnusctl plan -l {ended.host}",
    )


def _unexplained(ended: Ended) -> MagnusError | None:
    """A journal may have lost a line to a full disk; then its end is believed, not the silence."""
    end = ended.last("end")
    result = end.arguments[0] if end and end.arguments else ""
    if result not in ("failed", "refused"):
        return None
    what = "it did not begin" if result == "refused" else "some of its steps failed"
    return HostError(
        f"job {ended.job} ended there as '{result}': {what}, and its journal lacks the reason",
        host=ended.host,
        hint=f"Is a disk full there?  {ended.all_of_it}",
    )

"""A host that boots because its plan says so: wait for it, and ask it what it is now."""

from __future__ import annotations

import time
from collections.abc import Callable

from magnusctl import converge
from magnusctl.converge import Machine, Observation
from magnusctl.errors import HostError, Interrupted, PreconditionError, Unreachable
from magnusctl.report import Status
from magnusctl.resources import shell_files
from magnusctl.run import Run, running
from magnusctl.state import Probe

_PAUSE_S = 2.0
_SETTLES_S = 90.0
"""A service that loads a model keeps its host "starting" for a quarter of an hour."""
_STARTED: Probe[str] = Probe(
    "started", "ask_started", 1, lambda said: said[0], shell_files(["reboot"])
)

Note = Callable[[str, str], None]


def boots(run: Run) -> bool:
    """Whether the job of a run has the host boot."""
    names = (name for step in run.names for name in step if name.startswith("reboot:"))
    return any(run.statuses.get(name) is Status.OK for name in names)


def after_boot(machine: Machine, before: Observation, note: Note) -> Observation:
    """Wait until the host is up as another boot than before. Raises HostError when it is not."""
    started, seconds, answered = time.monotonic(), machine.host.boot_timeout, 0.0
    note(machine.name, f"boots; waiting for it, up to {_told(seconds)}")
    why = "it answers, and is still the boot of before"
    while time.monotonic() - started < seconds:
        if running.called_off:
            message = "cancelled while it boots; what waits for the boot was not begun"
            raise Interrupted(message, host=machine.name, hint="Run the same command again.")
        machine.transport.close()
        time.sleep(_PAUSE_S)
        try:
            now = converge.observe(machine, [_STARTED])
        except (Unreachable, PreconditionError) as error:
            why = error.message
            continue
        if now.facts.boot in ("unknown", before.facts.boot):
            continue
        answered = answered or time.monotonic()
        # Addresses and services come after the first login is taken: they are no changes to make.
        settles = now.answers["started"] in ("initializing", "starting")
        if settles and time.monotonic() - answered < _SETTLES_S:
            why = "it is still starting"
            continue
        note(machine.name, f"back after {time.monotonic() - started:.0f} s")
        return now
    raise HostError(
        f"it was told to boot, and {_told(seconds)} later it is not back: {why}",
        host=machine.name,
        detail="  What came before the boot is done. What waits for it is not.",
        hint="Look at its console. Once it is up, run the same command again.",
    )


def _told(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:g} s"

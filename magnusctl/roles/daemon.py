"""A long-running program: a unit of systemd, or a job of launchd that needs nobody logged in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.service import Service, unit_name
from magnusctl.roles.context import Context
from magnusctl.state import Resource

UNITS = "/etc/systemd/system"
JOBS = "/Library/LaunchDaemons"
LOGS = "/var/log/magnus"


@dataclass(frozen=True)
class Restarts:
    """How often something that fails is started anew, and when that ends; seconds."""

    first_s: int = 10
    longest_s: int = 300
    steps: int = 5
    burst: int = 5
    window_s: int = 1800


@dataclass(frozen=True)
class Job:
    """A job of launchd, as its property list says it. Times are seconds."""

    label: str
    program: tuple[str, ...]
    user: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    log: str = ""
    interval_s: int = 0
    keep_alive: bool = False
    throttle_s: int = 30
    stop_s: int = 60
    open_files: int = 8192
    umask: int = 0o027


def has_backoff(context: Context) -> bool:
    """Whether systemd there is 254 or later, which knows delays that grow."""
    return context.host.os not in ("ubuntu-22.04", "debian-12")


def unit(
    name: str,
    text: str,
    *,
    restart_on: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    needs: str = "",
    seconds: int = 600,
) -> Iterator[Resource]:
    """A unit with its service, which restarts with what it is made of."""
    # Only the start waits: whoever names this unit is judged with it.
    yield File(path=f"{UNITS}/{unit_name(name)}", content=text, validator="unit")
    trigger = f"file:{UNITS}/{unit_name(name)}"
    yield Service(
        unit=name,
        restart_on=(trigger, *restart_on),
        after=after,
        needs=needs,
        seconds=seconds,
    )


def job(
    context: Context,
    wanted: Job,
    *,
    restart_on: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    needs: str = "",
) -> Iterator[Resource]:
    """A LaunchDaemon, loaded anew with what it is made of."""
    path = f"{JOBS}/{wanted.label}.plist"
    yield File(
        path=path,
        content=context.render("daemon/job.plist.j2", job=wanted),
        group="wheel",
        validator="plist",
    )
    yield Launchd(
        label=wanted.label,
        plist=path,
        restart_on=(f"file:{path}", *restart_on),
        after=after,
        needs=needs,
    )


def logs(owner: str, *after: str) -> Directory:
    """Where jobs of launchd log: without it they end with exit code 78."""
    return Directory(path=LOGS, mode="0750", owner=owner, group="wheel", after=after)

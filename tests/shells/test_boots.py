"""A boot that a job wants: it comes once the job has ended well, and cuts nobody else's."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from magnusctl.resources.command import Command
from magnusctl.resources.file import File
from magnusctl.resources.reboot import Reboot
from tests.shells.hosts import Host, fewer_shells
from tests.shells.running import wait_for

pytestmark = [pytest.mark.shells]
BOOT = Reboot(label="driver", unless='[ -e "$ROOT/booted" ]')
OTHER = File(path="/etc/other", content="x\n")
LOGGED = "/.simulated/reboots"


@pytest.fixture
def stubborn(linux: Host) -> Iterator[Host]:
    """A host that takes its time to go down: it was told, and still is as it was."""
    real = linux.path("/.standins/systemctl").read_text().removeprefix("#!/bin/sh\n")
    told = f'echo told >>"{linux.path(LOGGED)}"; exit 0'
    linux.standin("systemctl", f'if [ "$1" = reboot ]; then {told}; fi\n{real}')
    yield linux
    for path in linux.path("/var/lib/magnus/jobs").glob("*/boot"):
        stop(path.read_text())


def stop(identity: str) -> None:
    """Kill what wrote its identity there."""
    try:
        os.kill(int(identity.split()[1]), signal.SIGKILL)
    except ProcessLookupError:
        return


def told(host: Host) -> bool:
    """Whether somebody had the host boot."""
    return host.path(LOGGED).exists()


@fewer_shells
def test_until_the_host_is_down_nobody_else_begins(stubborn: Host) -> None:
    plan = stubborn.plan(BOOT)
    assert stubborn.apply(plan, BOOT).words == {BOOT.id: "ok"}
    refused = stubborn.provision(OTHER)
    assert "locked" in {event.word for event in refused.events}
    wait_for("the boot", lambda: told(stubborn), 30)
    assert not stubborn.provision(OTHER).ok
    # Whatever was to boot it is gone, and says nothing more: then the host is anybody's.
    stop(stubborn.path("/var/lib/magnus/jobs/job-1/boot").read_text())
    assert stubborn.provision(OTHER).ok


@fewer_shells
@pytest.mark.parametrize("how", ["cancelled", "killed"])
def test_a_job_that_was_called_off_or_killed_boots_nothing(stubborn: Host, how: str) -> None:
    hold = Command(label="hold", run=":", unless='while [ -e "$ROOT/hold" ]; do sleep 0.1; done')
    plan = stubborn.plan(BOOT)
    stubborn.write("/hold", "")
    running = stubborn.start(plan, hold)
    boot = running.folder / "boot"
    wait_for("what boots it", boot.exists, 30)
    if how == "cancelled":
        (running.folder / "cancel").touch()
    else:
        stop((running.folder / "pid").read_text())
    time.sleep(0.5)
    stubborn.path("/hold").unlink()
    running.heard()
    process = Path("/proc", boot.read_text().split()[1])
    wait_for("its end", lambda: not process.exists(), 30)
    assert not told(stubborn)

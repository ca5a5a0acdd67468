"""C5: a confirmation at the very moment at which the timer takes back: one of them decides."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.lab.system import wait_for
from tests.shells.hosts import Host, a_file
from tests.shells.shells import SHELLS

AT_ONCE = 5
OLD, NEW = "ALL: 10.0.0.0/8\n", "ALL: ALL\n"


def uptime() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


def race(folder: Path, seed: int) -> str:
    """One job, its timer, and two who confirm about when it fires; who won."""
    host = Host(SHELLS[0], folder)
    (folder / "var/lib").mkdir(parents=True)
    host.confirm_s = 1
    host.write("/etc/hosts.allow", OLD)
    wanted = a_file("/etc/hosts.allow", NEW)
    request = host.request(host.plan(wanted), wanted)
    name = host.folder.name
    with ThreadPoolExecutor(3) as pool:
        job = pool.submit(host.send, request)
        wait_for("the question", (host.folder / "asked").exists, 30)
        deadline = int((host.folder / "deadline").read_text())
        # The timer looks five times a second.
        time.sleep(max(0.0, deadline - uptime() + random.Random(seed).uniform(-0.1, 0.3)))
        said = {one.result(30) for one in [pool.submit(host.confirm, name) for _ in range(2)]}
        assert job.result(60).code == 0
    assert_one_winner(host, said)
    return said.pop()


def assert_one_winner(host: Host, said: set[str]) -> None:
    """Both who asked, the journal, the folder and the file tell of the same end."""
    journal = [line.split(" ", 1)[1] for line in (host.folder / "journal").read_text().splitlines()]
    confirmed = said == {"confirmed"}
    assert said in ({"confirmed"}, {"reverted"}), (said, journal)
    assert ("confirmed" in journal) is confirmed, journal
    assert ("reverted" in journal) is not confirmed, journal
    assert journal[-1] == ("end ok" if confirmed else "end reverted")
    assert (host.folder / "confirmed").exists() is confirmed
    assert (host.folder / "reverted").exists() is not confirmed
    assert not (host.folder / "pending").exists()
    assert host.path("/etc/hosts.allow").read_text() == (NEW if confirmed else OLD)
    assert not (host.root / "var/lib/magnus/boot-revert").exists()


def races(folder: Path, seeds: Sequence[int]) -> list[str]:
    """Many, a few at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda seed: race(folder / str(seed), seed), seeds))


def test_c5_twenty_confirmations_at_the_deadline_have_one_winner_each(tmp_path: Path) -> None:
    assert len(races(tmp_path, range(20))) == 20


@pytest.mark.slow_faults
def test_c5_two_hundred_of_them_and_either_may_win(tmp_path: Path) -> None:
    winners = races(tmp_path, range(1000, 1200))
    assert len(winners) == 200
    assert set(winners) == {"confirmed", "reverted"}

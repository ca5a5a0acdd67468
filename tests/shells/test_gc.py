"""What a host no longer needs is told, and goes only when it is meant to."""

from __future__ import annotations

import pytest

from magnusctl.state import digest
from tests.shells.hosts import JOBS, Host, a_file, a_gate
from tests.shells.running import kill
from tests.shells.shells import FEWER
from tests.shells.together import under

pytestmark = pytest.mark.shells


def _collect(host: Host, keep: int, *, really: bool) -> list[tuple[str, str]]:
    said = host.call("collect", keep, "yes" if really else "no", files=(*JOBS, "gc.sh"))
    fields = [line.split(" ", 2) for line in said]
    assert all(size.isdecimal() for _, size, _ in fields)
    return [(kind, name) for kind, _, name in fields]


def _jobs(host: Host) -> set[str]:
    return {path.name for path in host.path("/var/lib/magnus/jobs").iterdir()}


def _kept(host: Host) -> set[str]:
    return {path.name for path in host.path("/var/lib/magnus/kept").iterdir()}


def _history(host: Host, jobs: int) -> None:
    host.write("/etc/x", "0\n")
    for number in range(1, jobs + 1):
        assert host.provision(a_file("/etc/x", f"{number}\n")).ok


@under(FEWER)
def test_old_jobs_go_and_so_do_bytes_that_nothing_speaks_of_any_more(host: Host) -> None:
    _history(host, 4)
    sums = [digest(f"{number}\n") for number in range(5)]
    assert _kept(host) == set(sums[:4])
    told = _collect(host, 2, really=False)
    # The first bytes are those from before the first change: they are kept for good.
    assert told == [("job", "job-2"), ("job", "job-1"), ("kept", sums[1])]
    assert _jobs(host) == {f"job-{number}" for number in range(1, 5)}
    assert _kept(host) == set(sums[:4])
    assert _collect(host, 2, really=True) == told
    assert _jobs(host) == {"job-3", "job-4"}
    assert _kept(host) == {sums[0], sums[2], sums[3]}
    assert _collect(host, 2, really=True) == []
    assert {kind for kind, _ in _collect(host, 0, really=True)} == {"job", "kept"}
    assert _jobs(host) == set()
    assert _kept(host) == {sums[0]}


@under(FEWER)
def test_a_job_that_runs_is_never_garbage(host: Host) -> None:
    _history(host, 1)
    wanted = a_gate(), a_file("/etc/x", "new\n")
    job = host.start(host.plan(*wanted), *wanted)
    host.reach()
    assert _collect(host, 0, really=True) == [("job", "job-1")]
    host.open()
    assert host.end(job).ok


@under(FEWER)
def test_what_a_dead_job_left_is_told_and_goes(host: Host) -> None:
    wanted = a_gate(), a_file("/etc/x", "new\n")
    job = host.start(host.plan(*wanted), *wanted)
    host.reach()
    left = host.write("/etc/.magnus.job-1.1", "half")
    # Both are known before either dies: a runner killed first may never say who its step is.
    for pid in [job.pid(name) for name in ("pid", "step")]:
        kill(pid)
    job.heard()
    garbage = [("temporary", str(left)), ("payload", "job-1")]
    assert _collect(host, 9, really=False) == garbage
    assert left.exists()
    assert _collect(host, 9, really=True) == garbage
    assert not left.exists()
    assert not (job.folder / "files").exists()
    assert (job.folder / "journal").exists()

"""Killed at any point, a job leaves the old bytes or the new ones, and the next one converges."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Sequence

import pytest

from magnusctl.state import Resource
from tests.shells.hosts import KILL, Host, a_block, a_directory, a_file, a_gate, leftovers
from tests.shells.running import Running, wait_for
from tests.shells.shells import Shell, in_turn
from tests.shells.together import under

pytestmark = pytest.mark.shells
OLD, NEW = "old\n" * 500, "new\n" * 700
# Only in a step: before the first one nothing is written.
BEFORE = '[ ! -e {at} ] || {kill}; exec {real} "$@"'
AFTER = '{real} "$@"; [ ! -e {at} ] || {kill}'
HALF = '[ -e {at} ] || exec {real} "$@"; {real} "$@" | head -c 1000; {kill}'
STEP = (
    "{ read -r _ pid _ <pid; group=$(ps -o pgid= -p $$); [ $((group)) = $((pid)) ] || kill -9 0; }"
)
POINTS = [
    *(("cat", body) for body in (BEFORE, HALF, AFTER)),
    *((program, body) for program in ("chmod", "dd", "mkdir", "mv") for body in (BEFORE, AFTER)),
]
CASES = [(*point, kill) for point in POINTS for kill in (STEP, KILL)]


def _kill_at(host: Host, program: str, body: str, kill: str = KILL, at: str = "started.0") -> None:
    real = shutil.which(program)
    assert real
    host.standin(program, body.format(real=real, kill=kill, at=at))


def _revive(host: Host) -> None:
    shutil.rmtree(host.root / ".standins")


def _id(point: Shell | Sequence[str]) -> str:
    if isinstance(point, Shell):
        return point.name
    words = {BEFORE: "before", AFTER: "after", HALF: "half"}
    return f"{words[point[1]]}-{point[0]}-{'step' if point[2] == STEP else 'all'}"


@pytest.mark.parametrize(("shell", "point"), in_turn(CASES), indirect=["shell"], ids=_id)
def test_a_killed_job_leaves_old_or_new_bytes_and_the_next_converges(
    host: Host, point: tuple[str, str, str]
) -> None:
    host.write("/etc/old", OLD)
    wanted: tuple[Resource, ...] = (a_file("/etc/old", NEW), a_file("/etc/fresh", NEW))
    plan = host.plan(*wanted)
    _kill_at(host, *point)
    job = host.apply(plan, *wanted)
    if point[2] == STEP:
        # The closing probe tells what is, unless it is what is killed here.
        (failed, *_) = (event for event in job.events if event.word == "failed")
        assert failed.arguments == ("0", "137", "signal")
    else:
        assert (job.answers.gone, job.answers.ended) == ("yes", False)
    assert host.path("/etc/old").read_text() in (OLD, NEW)
    assert not host.path("/etc/fresh").exists() or host.path("/etc/fresh").read_text() == NEW
    _revive(host)
    assert host.provision(*wanted).ok
    assert host.path("/etc/old").read_text() == host.path("/etc/fresh").read_text() == NEW
    assert not leftovers(host)


BLOCK_POINTS = [
    (*point, KILL) for point in (("awk", BEFORE), ("awk", HALF), ("mv", BEFORE), ("mv", AFTER))
]


@pytest.mark.parametrize(("shell", "point"), in_turn(BLOCK_POINTS), indirect=["shell"], ids=_id)
def test_a_killed_edit_leaves_the_old_file_or_the_new_one(
    host: Host, point: tuple[str, str, str]
) -> None:
    host.write("/etc/hosts", OLD)
    block = f"# magnus begin\n{NEW}# magnus end\n"
    wanted = a_block("/etc/hosts", NEW)
    plan = host.plan(wanted)
    _kill_at(host, *point)
    assert not host.apply(plan, wanted).answers.ended
    assert host.path("/etc/hosts").read_text() in (OLD, OLD + block)
    _revive(host)
    assert host.provision(wanted).ok
    assert host.path("/etc/hosts").read_text() == OLD + block


@under()
def test_a_killed_first_block_leaves_no_file_or_the_new_one(host: Host) -> None:
    wanted = a_block("/etc/fresh", "ours\n")
    plan = host.plan(wanted)
    _kill_at(host, "awk", BEFORE)
    host.apply(plan, wanted)
    assert not host.path("/etc/fresh").exists()


@under()
def test_a_job_that_was_killed_between_steps_is_finished_by_the_next(host: Host) -> None:
    wanted = (a_file("/etc/a"), a_directory("/srv/b"), a_file("/etc/c"))
    plan = host.plan(*wanted)
    _kill_at(host, "mkdir", BEFORE, at="started.1")
    job = host.apply(plan, *wanted)
    assert job.words["file:/etc/a"] == "ok"
    assert host.path("/etc/a").exists()
    assert not host.path("/etc/c").exists()
    _revive(host)
    left = host.plan(*wanted)
    assert [change.resource.id for change in left.changes] == ["directory:/srv/b", "file:/etc/c"]
    assert host.provision(*wanted).ok


def _slow() -> tuple[Resource, ...]:
    return (a_gate(), *(a_file(f"/etc/{number}") for number in range(3)))


def _at_the_gate(host: Host) -> Running:
    job = host.start(host.plan(*_slow()), *_slow())
    host.reach()
    return job


@under()
def test_a_listener_that_goes_away_does_not_stop_the_job(host: Host) -> None:
    job = _at_the_gate(host)
    assert job.process.stdout
    job.process.stdout.close()
    host.open()
    job.reach("end ok")
    wait_for("the end of the follower", lambda: not job.follows)
    assert not host.plan(*_slow())


@under()
def test_a_job_outlives_the_session_that_began_it(host: Host) -> None:
    job = _at_the_gate(host)
    job.cut()
    host.open()
    job.reach("end ok")
    assert [line for line in job.words if not line.startswith("start")] == [
        "begin 4",
        *(f"ok {number}" for number in range(4)),
        "end ok",
    ]
    assert not host.plan(*_slow())


@under()
def test_a_hangup_of_the_runner_is_nothing(host: Host) -> None:
    job = _at_the_gate(host)
    job.kill("pid", signal.SIGHUP)
    host.open()
    assert host.end(job).ok

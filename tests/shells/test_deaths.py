"""A guarded stage is taken back whoever dies: its job, its timer, both, the whole host."""

from __future__ import annotations

import os

import pytest

from tests.shells.guarded import RISKY, asking, assert_as_before, before, changes, told_by
from tests.shells.hosts import Host, Job, a_file, a_gate, read
from tests.shells.running import Running, pid_in, wait_for
from tests.shells.shells import FEWER, heard, run
from tests.shells.together import under

pytestmark = pytest.mark.shells


@under()
def test_the_timer_takes_back_what_a_killed_job_left(host: Host) -> None:
    etc = before(host)
    running = asking(host, seconds=6)
    running.kill()
    answers, _ = read(heard(running.process))
    assert answers.gone == "reverting"
    # Until it has, the host is nobody else's.
    other = host.provision(a_file("/etc/other"))
    assert told_by(other.folder)[-1] == "end refused"
    wait_for("the timer", (running.folder / "reverted").exists)
    assert told_by(running.folder)[-1] == "reverted"
    assert "reverting the-job-died" in told_by(running.folder)
    assert_as_before(host, etc)
    assert host.confirm("job-1") == "reverted"
    assert host.provision(a_file("/etc/other")).ok


@under()
def test_a_job_takes_back_when_its_timer_was_killed(host: Host) -> None:
    etc = before(host)
    running = asking(host)
    running.kill("timer")
    job = host.end(running)
    assert "reverting the-timer-died" in told_by(job.folder)
    assert told_by(job.folder)[-1] == "end reverted"
    assert_as_before(host, etc)


def _both_killed(host: Host) -> Running:
    running = asking(host)
    for name in ("pid", "timer"):
        running.kill(name)
    heard(running.process)
    assert host.path("/etc/new/made").exists()
    return running


@under()
def test_the_boot_takes_back_what_nobody_else_can(host: Host) -> None:
    etc = before(host)
    running = _both_killed(host)
    host.boot()
    assert "reverting boot" in told_by(running.folder)
    assert told_by(running.folder)[-1] == "reverted"
    assert_as_before(host, etc)
    assert host.confirm("job-1") == "reverted"


@under()
def test_the_next_job_takes_back_first_what_a_dead_one_left(host: Host) -> None:
    etc = before(host)
    running = _both_killed(host)
    next_one: Job = host.provision(a_file("/etc/other"))
    assert next_one.ok
    told = told_by(next_one.folder)
    assert told[0].startswith("reclaimed job-1 ")
    assert told[1:] == ["reverting-job job-1", "begin 1", "end ok"]
    assert "reverting died" in told_by(running.folder)
    host.path("/etc/other").unlink()
    assert_as_before(host, etc)


@under(FEWER)
def test_a_job_that_died_before_it_asked_is_not_waited_for(host: Host) -> None:
    etc = before(host)
    gate = a_gate(undo='rm -f "$ROOT/gate.open"', **RISKY)
    wanted = (*changes(), gate)
    running = host.start(host.plan(*wanted), *wanted)
    host.reach()
    running.kill()
    running.kill("step")
    wait_for("the timer", (running.folder / "reverted").exists)
    assert "reverting the-job-died" in told_by(running.folder)
    assert_as_before(host, etc)


@under()
def test_a_step_that_lost_its_runner_before_it_began_does_nothing(host: Host) -> None:
    wanted = (a_gate(), a_file("/etc/x"))
    running = host.start(host.plan(*wanted), *wanted)
    host.reach()
    runner = running.pid()
    running.kill()
    running.kill("step")
    heard(running.process)
    (running.folder / "step").unlink()
    begins = [*host.shell.words, str(running.folder / "job"), "step", str(host.root), "", "1"]
    run(["env", f"MAGNUS_RUNNER={runner}", *begins])
    assert not host.path("/etc/x").exists()
    # It had named itself before: who finds the runner dead waits for a step that is named.
    assert pid_in(running.folder / "step") not in (0, runner)
    run(["env", f"MAGNUS_RUNNER={os.getpid()}", *begins])
    assert host.path("/etc/x").exists()

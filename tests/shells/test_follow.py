"""Following a job: from any line, through silence, to its end or to the word that there is none."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from magnusctl import records
from magnusctl.quote import sh
from magnusctl.resources.command import Command
from magnusctl.state import Resource
from tests.shells.hosts import NONCE, Host, a_file, a_gate, read
from tests.shells.running import Running, pid_in, wait_for
from tests.shells.shells import FEWER, Ran, heard
from tests.shells.together import under

pytestmark = pytest.mark.shells
BOOT = "/proc/sys/kernel/random/boot_id"


def _lines(ran: Ran) -> list[str]:
    """The lines of the journal that a follower printed."""
    mark = f"{NONCE} j "
    return [line.removeprefix(mark) for line in ran.lines if line.startswith(mark)]


def _beats(ran: Ran) -> int:
    return ran.lines.count(f"{NONCE} b")


def _wanted() -> tuple[Resource, ...]:
    texts = ["plain", " odd  blanks ", "\x1b[31m\x07", "caf\udce9", "-n", "\\c %s $HOME", ""]
    loud = "; ".join(sh("printf", "%s\\n", text) for text in texts)
    fails = Command(label="loud", run=f"{loud}; false", unless="false")
    return a_file("/etc/a"), a_gate(), fails, a_file("/etc/b")


def _begun(host: Host) -> Running:
    job = host.start(host.plan(*_wanted()), *_wanted())
    host.reach()
    return job


@under()
def test_from_every_line_of_a_running_and_of_a_finished_job_none_is_lost_and_none_comes_twice(
    host: Host,
) -> None:
    job = _begun(host)
    # One that is further than the job is waits for what it has not seen.
    early = [host.following("job-1", line) for line in range(len(job.journal) + 3)]
    time.sleep(9)
    host.open()
    first = heard(job.process)
    lines = job.journal
    assert _lines(first) == lines
    assert len(lines) > 14
    said = [heard(follower) for follower in early]
    assert [_lines(one) for one in said] == [lines[start:] for start in range(len(early))]
    # Silence is told from death by beats, of which there are not many.
    assert {1 < _beats(one) < 5 for one in said} == {True}
    late = [host.follow("job-1", start) for start in range(len(lines) + 1)]
    assert [_lines(one) for one in late] == [lines[start:] for start in range(len(lines) + 1)]
    for one in (*said, *late):
        answers, _ = read(one)
        assert answers.ended
        assert answers.groups == read(first)[0].groups


@under(FEWER)
def test_whoever_attaches_is_told_what_the_job_is(host: Host) -> None:
    assert host.provision(a_file("/etc/a")).ok
    answers, _ = read(host.follow("job-1", 0, "manifest"))
    found = records.manifest(answers.manifest)
    assert found.about.job == "job-1"
    assert found.names == [("file:/etc/a",)]


@under()
def test_a_job_whose_runner_was_killed_is_gone_once_its_step_has_ended(host: Host) -> None:
    job = _begun(host)
    job.kill()
    time.sleep(1.2)
    assert job.follows
    host.open()
    answers, events = read(heard(job.process))
    assert (answers.gone, answers.ended) == ("yes", False)
    assert [event.word for event in events][-1] == "start"
    assert read(host.follow("job-1"))[0].gone == "yes"


@under(FEWER)
def test_a_job_that_a_reboot_ended_is_told_as_such(host: Host) -> None:
    host.write(BOOT, "one\n")
    job = _begun(host)
    job.kill()
    job.kill("step")
    host.write(BOOT, "two\n")
    assert read(heard(job.process))[0].gone == "rebooted"
    answers, events = read(host.follow("job-1", 1))
    assert answers.gone == "rebooted"
    assert [event.word for event in events] == ["start", "ok", "start"]


def _hurried(host: Host) -> None:
    """Let a follower's patience end at once."""
    host.standin("sleep", "exit 0")


@under(FEWER)
def test_a_job_that_never_began_is_told_and_can_not_begin_later(host: Host) -> None:
    wanted = a_file("/etc/x")
    request = host.request(host.plan(wanted), wanted)
    answers, events = read(host.follow("job-1"))
    assert (answers.gone, events) == ("never-began", [])
    ran = host.send(request)
    assert ran.code != 0
    assert not host.path("/etc/x").exists()


@under(FEWER)
def test_a_job_that_stands_long_for_the_lock_has_begun(host: Host) -> None:
    wanted = a_file("/etc/x")
    held = f"until [ -e {sh(str(host.path('/gate.open')))} ]; do sleep 0.05; done"
    host.standin("ln", f'{held}; exec {shutil.which("ln")} "$@"')
    job = host.start(host.plan(wanted), wanted)
    wait_for("its runner", lambda: pid_in(job.folder / "pid"))
    _hurried(host)
    other = host.following(job.folder.name)
    time.sleep(2)
    assert other.poll() is None
    assert not (job.folder / "journal").exists()
    host.path("/.standins/sleep").unlink()
    host.open()
    assert host.end(job).ok
    assert read(heard(other))[0].ended


@under(FEWER)
def test_an_upload_that_is_over_only_when_nobody_waits_any_more_runs_nothing(host: Host) -> None:
    wanted = a_file("/etc/x")
    request = host.request(host.plan(wanted), wanted)
    reading, writing = os.pipe()
    half = len(request.stdin) // 2
    os.write(writing, request.stdin[:half])
    upload = host.sending(request.command, reading)
    os.close(reading)
    wait_for("the folder", host.folder.exists)
    _hurried(host)
    assert read(host.follow("job-1"))[0].gone == "never-began"
    host.path("/.standins/sleep").unlink()
    os.write(writing, request.stdin[half:])
    os.close(writing)
    heard(upload)
    assert not host.path("/etc/x").exists()
    assert read(host.follow("job-1"))[0].gone in ("", "never-began")

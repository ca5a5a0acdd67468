"""Steps in sessions of their own: time limits, signals, cancelling, and what a job writes down."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil
import pytest

from magnusctl.resources.command import Command
from tests.shells.hosts import Host, a_file, a_gate, fewer_shells
from tests.shells.running import Running, lives, wait_for, words
from tests.shells.shells import FEWER, in_turn, run
from tests.shells.together import under

pytestmark = pytest.mark.shells
JOB = (
    "prelude.sh",
    "process.sh",
    "lock.sh",
    "job.sh",
    "steps.sh",
    "network.sh",
    "guarded.sh",
    "gc.sh",
)


def _words(folder: Path) -> list[str]:
    lines = words((folder / "journal").read_text(errors="surrogateescape").splitlines())
    return [line for line in lines if not line.startswith("said ")]


def _pids(host: Host) -> list[int]:
    return [int(line) for line in host.path("/pids").read_text().split()]


HANGS = 'echo $$ >>"$ROOT/pids"; sleep 60 & echo $! >>"$ROOT/pids"; echo asleep; wait; sleep 60'


@under()
def test_what_takes_too_long_is_killed_with_all_that_it_started(host: Host) -> None:
    polite = Command(label="polite", run=HANGS, unless="false", seconds=5)
    deaf = Command(label="deaf", run=f"trap '' TERM; {HANGS}", unless="false", seconds=5)
    after = a_file("/etc/after")
    job = host.provision(polite, deaf, after)
    assert [line for line in _words(job.folder) if "start" not in line] == [
        "begin 3",
        "failed 0 143 timeout 5",
        "failed 1 143 timeout 5",
        "ok 2",
        "end failed",
    ]
    assert job.output[polite.id] == job.output[deaf.id] == ["asleep"]
    assert len(_pids(host)) == 4
    assert not [pid for pid in _pids(host) if lives(pid)]


@under(FEWER)
def test_a_step_that_is_deaf_to_the_first_signal_gets_the_last(host: Host) -> None:
    deaf = f"again() {{ trap '' TERM; {HANGS}; }}\n"
    ends = 'within 1 step 0\necho "$_code $(why_failed $_code 1)"\n'
    ran = run(host.inline("job-1", JOB, deaf + ends))
    assert ran.lines == ["137 timeout 1"]
    assert len(_pids(host)) == 2
    assert not lives(_pids(host)[0])


@under(FEWER)
def test_the_time_limit_of_a_step_outlives_its_runner(host: Host) -> None:
    wanted = Command(label="hangs", run=HANGS, unless="false", seconds=2)
    job = host.start(host.plan(wanted), wanted)
    job.reach("start 0")
    step, runner = job.pid("step"), psutil.Process(job.pid())
    # Whoever limits it must be there before the runner goes.
    wait_for("the step and its guard", lambda: len(runner.children()) == 2)
    job.kill()
    assert host.end(job).answers.gone == "yes"
    assert not lives(step)


@pytest.mark.parametrize(
    ("shell", "number"), in_turn([9, 15, 11, 6, 9]), indirect=["shell"], ids=str
)
def test_a_step_that_a_signal_ended_says_so(host: Host, number: int) -> None:
    wanted = Command(label="x", run=f"echo last words; kill -{number} $$", unless="false")
    job = host.provision(wanted)
    assert f"failed 0 {128 + number} signal" in _words(job.folder)
    assert job.output[wanted.id] == ["last words"]
    assert job.left is not None


@under(FEWER)
def test_steps_that_are_over_at_once_never_hold_up_the_job(host: Host) -> None:
    text = "again() { :; }\nn=0\nwhile [ $n -lt 200 ]; do n=$((n + 1)); within 600 step 0; done\n"
    assert run(host.inline("job-1", JOB, f"{text}echo done\n")).lines == ["done"]


@under()
def test_a_step_whose_reader_goes_ends(host: Host) -> None:
    endless = 'while :; do echo line; done | head -n 1; : >"$ROOT/x"'
    assert host.provision(Command(label="x", run=endless, unless='[ -e "$ROOT/x" ]', seconds=8)).ok


def _at_the_gate(host: Host) -> tuple[Running, list[str]]:
    wanted = (a_gate(), a_file("/etc/a"), a_file("/etc/b"))
    job = host.start(host.plan(*wanted), *wanted)
    host.reach()
    return job, [resource.id for resource in wanted]


@pytest.mark.parametrize(("way", "result"), [("asked", "cancelled"), ("term", "stopped")])
@under()
def test_a_cancelled_job_ends_after_its_current_step_and_tells_what_is(
    host: Host, way: str, result: str
) -> None:
    running, (gate, first, second) = _at_the_gate(host)
    if way == "asked":
        assert host.call("cancel_job", running.folder.name) == ["asked"]
    else:
        running.kill("pid", signal.SIGTERM)
    host.open()
    job = host.end(running)
    assert job.words == {gate: "ok", first: "cancelled", second: "cancelled"}
    assert _words(job.folder)[-1] == f"end {result}"
    assert job.left is not None
    assert [change.resource.id for change in job.left.changes] == [first, second]
    assert not host.path("/etc/a").exists()
    assert host.call("cancel_job", running.folder.name) == ["over"]
    assert host.call("cancel_job", "job-99") == ["unknown"]


@fewer_shells
def test_a_closing_probe_that_hangs_ends_the_job_all_the_same(host: Host) -> None:
    hangs = '[ ! -e "$ROOT/etc/x" ] || sleep 60; [ -e "$ROOT/etc/x" ]'
    wanted = Command(label="x", run=":", unless=hangs), a_file("/etc/x")
    plan = host.plan(*wanted)
    host.closing_s = 1
    job = host.apply(plan, *wanted)
    assert _words(job.folder)[-1] == "end failed"
    assert not job.answers.ended


def test_a_host_writes_down_who_did_what(host: Host) -> None:
    said = Command(label="x", run="echo it is ok now; echo it failed again; false", unless="false")
    host.provision(a_file("/etc/a"), said)
    lines = host.path("/var/lib/magnus/audit.jsonl").read_text().splitlines()
    begun, ended = map(json.loads, lines)
    assert (begun["result"], ended["result"]) == ("begun", "failed")
    assert (ended["ok"], ended["failed"], ended["job"]) == (1, 1, "job-1")
    assert ended["about"]["who"] == "test@here"
    assert ended["about"] == json.loads((host.folder / "about").read_text())


@under(FEWER)
def test_the_jobs_of_a_host_are_told_with_how_far_they_are(host: Host) -> None:
    assert host.provision(a_file("/etc/first")).ok
    running, _ = _at_the_gate(host)
    lines = host.call("ask_jobs")
    assert [line.split(" ")[1:4] for line in lines] == [
        ["job-1", "ok", "1/1"],
        ["job-2", "running", "1/3"],
    ]
    running.kill()
    running.kill("step")
    assert [line.split(" ")[2] for line in host.call("ask_jobs")] == ["ok", "died"]
    running.heard()


@under(FEWER)
def test_a_dead_job_leaves_no_payload_and_no_temporary_file_to_the_next(host: Host) -> None:
    running, _ = _at_the_gate(host)
    left = host.write(f"/etc/.magnus.{running.folder.name}.1", "half")
    other = host.write("/etc/.magnus.job-99.1", "of a job that is not here")
    running.kill()
    running.kill("step")
    running.heard()
    assert (running.folder / "payload").exists() or (running.folder / "files").exists()
    assert host.provision(a_file("/etc/next")).ok
    assert not (running.folder / "payload").exists()
    assert not (running.folder / "files").exists()
    assert not left.exists()
    assert other.exists()

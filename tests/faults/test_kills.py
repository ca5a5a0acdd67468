"""F3, F8, C3: whoever is killed, the host ends in a state that can be told and gone on from."""

from __future__ import annotations

import os
import signal

from tests.faults.shown import objects, steps_shown, steps_written
from tests.faults.site import ARMED, ASKS, FILES, GUARDED, LINES, Simulated, Site, some_lines
from tests.lab.system import wait_for

FIRST = {path: before for path, (before, _) in FILES.items()}


def assert_taken_back(host: Simulated) -> None:
    """I5: what can cut the host off is as before."""
    assert {host.contents(path) for path in GUARDED} == {FIRST[path] for path in GUARDED}
    assert not (host.state / "boot-revert").exists()


@some_lines(9, ASKS + 1)
def test_f3_the_control_is_killed_at_every_line_and_the_job_ends_by_itself(
    place: Site, line: int
) -> None:
    host = place.host(f"control{line}", user="alice", confirm_timeout="4s")
    host.hold(line)
    with host.start("provision", "--yes") as run:
        host.held()
        run.kill()
        assert run.wait(10) == -signal.SIGKILL
    host.assert_whole()
    host.release()
    unasked = line <= ASKS
    assert host.ended() == ("reverted" if unasked else "ok")
    host.assert_whole()
    assert host.free()
    job = host.folder().name
    if unasked:
        assert_taken_back(host)
    attached = host.run("attach", host.name, job, "--json")
    assert attached.code == (6 if unasked else 0), attached.said
    assert steps_shown(attached.stdout) == steps_written(host.journal(job))
    assert_history(host, job, host.ended(job))
    assert_told_once(host, job)
    host.assert_done()


def assert_history(host: Simulated, job: str, result: str) -> None:
    """Both sides say who did what, and the host says with which result."""
    for where, known in ((host.name,), result), ((), "sent"):
        (line,) = [one for one in host.run("history", *where).stdout.splitlines() if job in one]
        assert "alice@" in line
        assert "provision" in line
        assert known in line.split(), line


def assert_told_once(host: Simulated, job: str) -> None:
    """The next run says what became of the job that nobody heard to its end; the one after not."""
    result = host.ended(job)
    first, second = host.run("plan"), host.run("plan")
    assert f"{host.name}  job {job} by you went on without you: {result} at 20" in first.stderr
    assert job not in second.said
    (line,) = [one for one in host.run("history").stdout.splitlines() if job in one]
    assert result in line.split()


def test_f3_the_control_is_killed_before_it_asked(place: Site) -> None:
    host = place.host("asking")
    before = place.link.state().up
    place.link.stall_after(up=3000)
    with host.start("provision", "--yes") as run:
        place.link.until(lambda state: state.up == before + 3000)
        run.kill()
        run.wait(10)
    place.link.resume()
    assert not host.state.exists()
    assert host.files() == FIRST
    host.assert_done()


def test_f3_the_control_is_killed_while_a_person_reads_the_plan(place: Site) -> None:
    host = place.host("reading")
    with host.start("provision", terminal=True) as run:
        run.wait_line("Apply 9 changes on 1 host")
        run.kill()
        run.wait(10)
    assert not host.state.exists()
    assert host.files() == FIRST
    host.assert_done()


def test_f3_the_control_is_killed_while_it_sends_the_job(place: Site) -> None:
    host = place.host("sending")
    before = place.link.state().up
    place.link.throttle(rate=100_000)
    with host.start("provision", "--yes") as run:
        place.link.until(lambda state: state.up > before + 40_000, 30)
        run.kill()
        run.wait(10)
    place.link.throttle()
    place.link.until(lambda state: state.open == 0)
    wait_for("the end of the upload", lambda: not list(host.state.glob("jobs/*/payload")), 20)
    assert host.files() == FIRST
    assert host.jobs() == []
    host.assert_done()


def kill_runner(host: Simulated) -> int:
    """SIGKILL the process on the host that runs the only job."""
    pid = int((host.folder() / "pid").read_text().split()[1])
    os.kill(pid, signal.SIGKILL)
    host.release()
    return pid


@some_lines(8, ARMED + 1)
def test_c3_the_runner_is_killed_at_every_line_and_the_next_run_takes_its_lock(
    place: Site, line: int
) -> None:
    host = place.host(f"runner{line}", confirm_timeout="20s")
    host.hold(line)
    with host.start("provision", "--yes", "--json") as run:
        host.held()
        pid = kill_runner(host)
        code = run.wait(60)
    job, journal = host.folder().name, host.journal()
    (outcome,) = objects(run.stdout, "outcome")
    message = outcome["error"]["message"]
    if line == 0:
        assert (code, message) == (5, f"job {job} never began there; nothing was run")
    elif ARMED <= line + 1 <= ASKS + 1:
        assert code == 6
        assert "was killed there" in message or "the job died" in message
        wait_for("the way back", lambda: "reverted" in host.journal(job), 60)
        assert_taken_back(host)
    else:
        done, begun = journal.count("begin 9"), [one for one in journal if "start" in one]
        assert code == 5
        assert f"job {job} was killed there at step {len(begun)} of 9: " in message
        assert done == 1
        assert "Run the same command again: it goes on from what is." in outcome["error"]["hint"]
    host.assert_whole()
    again = host.assert_done()
    if line and len(host.jobs()) > 1:
        assert f"took the lock of job {job}, which is dead (pid {pid} gone)" in again.stderr


LASTING = {
    "commands": {
        "long": {
            "run": "echo >$MAGNUS_ROOT/began; sleep 6; echo >$MAGNUS_ROOT/done",
            "unless": "test -e $MAGNUS_ROOT/done",
        },
        "last": {"run": "echo >$MAGNUS_ROOT/last", "unless": "test -e $MAGNUS_ROOT/last"},
    }
}


def test_c3_a_step_that_outlives_its_runner_holds_the_lock(place: Site) -> None:
    host = place.host("outlived", LASTING)
    with host.start("provision", "--yes") as run:
        wait_for("the long step", (host.root / "began").exists, 30)
        kill_runner(host)
        refused = host.run("provision", "--yes")
        assert refused.code == 7, refused.said
        assert not (host.root / "done").exists()
        assert run.wait(60) == 5
        assert "was killed there at step 1 of 2" in run.stdout
    assert not (host.root / "last").exists()
    wait_for("its end", (host.root / "done").exists, 30)
    waited = host.run("provision", "--yes", "--wait-lock", "20s")
    assert waited.code == 0, waited.said
    assert (host.root / "last").exists()


HANGING = {
    "commands": {
        "hang": {
            "run": "echo it asks; read answer; (trap '' TERM; sleep 597) & sleep 598",
            "unless": "false",
            "timeout": "2s",
        },
        "next": {"run": "echo >$MAGNUS_ROOT/next", "unless": "test -e $MAGNUS_ROOT/next"},
    }
}


def test_f8_a_step_that_hangs_is_killed_with_all_that_it_started(place: Site) -> None:
    host = place.host("hanging", HANGING)
    ran = host.run("provision", "--yes")
    assert ran.code == 5, ran.said
    assert "hanging: command:hang failed: " in ran.stdout
    assert "2 s and was killed, with all that it had started" in ran.stdout
    assert "it asks" in ran.stdout
    assert "magnusctl plan -l hanging" in ran.stdout
    assert any("timeout" in line.split() for line in host.journal()), host.journal()
    wait_for("their end", lambda: not {"sleep 597", "sleep 598"} & {*place.server.children()}, 10)
    assert (host.root / "next").exists()
    assert host.free()


def test_the_loop_is_over_every_line(place: Site) -> None:
    host = place.host("counted")
    host.assert_done()
    journal = host.journal(host.jobs()[0])
    assert len(journal) == LINES
    assert journal[ASKS] == "confirm 60"
    assert journal[ARMED - 1].startswith("arm ")

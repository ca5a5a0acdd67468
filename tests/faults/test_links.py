"""A link that is cut: the job goes on, and nothing of it is lost or told twice."""

from __future__ import annotations

import time

import pytest

from tests.faults.shown import objects, steps_shown, steps_written
from tests.faults.site import ASKS, FILES, GUARDED, LINES, STEPS, Simulated, Site, some_lines
from tests.lab.system import wait_for

FIRST = {path: before for path, (before, _) in FILES.items()}
ALL_OK = [f"ok {number}" for number in range(STEPS)]


def notes(text: str) -> list[str]:
    """What --json told beside steps."""
    return [note["text"] for note in objects(text, "note")]


@some_lines(0, ASKS + 1)
def test_f2_a_short_cut_at_every_line_loses_and_repeats_nothing(place: Site, line: int) -> None:
    host = place.host(f"short{line}")
    host.hold(line)
    with host.start("provision", "--yes", "--json") as run:
        host.held()
        place.link.cut()
        host.release()
        assert run.wait(90) == 0, run.stderr
    job = host.folder().name
    assert steps_shown(run.stdout) == steps_written(host.journal(job)) == ALL_OK
    assert any("link lost" in text for text in notes(run.stdout)), run.stdout
    host.assert_done()
    assert len(host.journal(job)) == LINES


def lost_for_good(place: Site, host: Simulated, line: int) -> None:
    """Run a job that loses its link at a line for longer than the client waits."""
    host.hold(line)
    with host.start("provision", "--yes", "--json", reconnect_s=1) as run:
        host.held()
        wait_for("what it shows", lambda: steps_shown(run.stdout) == done(host), 30)
        place.link.refuse()
        place.link.cut()
        assert run.wait(60) == 5, run.stdout
    job = host.folder().name
    (outcome,) = objects(run.stdout, "outcome")
    assert outcome["error"]["host"] == host.name
    if done(host):
        assert "link lost at step" in outcome["error"]["message"]
        assert f"Job {job} began there and goes on to its end" in outcome["error"]["detail"]
        assert f"magnusctl attach {host.name} {job}" in outcome["error"]["hint"]
    else:
        # Whether its first line still came through is chance.
        assert "magnusctl" in outcome["error"]["hint"]
    host.assert_whole()


def done(host: Simulated) -> list[str]:
    """The steps that the only job has done."""
    return steps_written(host.journal())


@some_lines(ASKS)
def test_f2_a_cut_that_stays_is_told_and_the_job_takes_back_what_nobody_confirmed(
    place: Site, line: int
) -> None:
    host = place.host(f"alone{line}", confirm_timeout="5s")
    lost_for_good(place, host, line)
    host.release()
    unasked = line <= ASKS
    assert host.ended() == ("reverted" if unasked else "ok")
    place.link.admit()
    job, files = host.folder().name, host.files()
    assert host.free()
    attached = host.run("attach", host.name, job, "--json")
    assert attached.code == (6 if unasked else 0), attached.said
    assert steps_shown(attached.stdout) == steps_written(host.journal(job))
    if unasked:
        assert f"{host.name}: reverted, because nobody confirmed it in time" in attached.stderr
        assert {files[path] for path in GUARDED} == {FILES[path][0] for path in GUARDED}
    host.assert_done()


@some_lines(9)
def test_f2_attach_in_time_confirms_what_the_lost_client_could_not(place: Site, line: int) -> None:
    host = place.host(f"attached{line}", confirm_timeout="60s")
    lost_for_good(place, host, line)
    place.link.admit()
    with host.start("attach", host.name, "--json") as run:
        wait_for("the first step", lambda: "ok 0" in steps_shown(run.stdout) or line < 3, 30)
        host.release()
        assert run.wait(60) == 0, run.stderr
    assert steps_shown(run.stdout) == ALL_OK
    assert host.ended() == "ok"
    assert f"job {host.folder().name} ended well" in run.stdout
    host.assert_done()


@pytest.mark.slow_faults
def test_f2_a_link_that_was_back_in_between_is_waited_for_anew(place: Site) -> None:
    host = place.host("twice")
    host.hold(5)
    with host.start("provision", "--yes", "--json", reconnect_s=2) as run:
        host.held()
        for _ in range(2):
            place.link.cut()
            place.link.until(lambda state: state.open == 1)
            # Longer than it would be waited for; the host is silent but for its beat.
            time.sleep(4)
        host.release()
        assert run.wait(60) == 0, run.stderr
    assert steps_shown(run.stdout) == ALL_OK
    host.assert_done()


@pytest.fixture(scope="module")
def answers(place: Site) -> tuple[int, int]:
    """Bytes that come down for a question, and for a question and a job."""
    host = place.host("answers")
    found = []
    for words in (("plan",), ("provision", "--yes")):
        before = place.link.until(lambda state: state.open == 0).taken
        assert host.run(*words).code == 0
        place.link.until(lambda state: state.open == 0)
        closed = {event["connection"]: event for event in place.link.events if "down" in event}
        found.append(closed[before + 1]["down"])
    return found[0], found[1]


@pytest.mark.parametrize(
    "part",
    [pytest.param(n, marks=() if n == 7 else pytest.mark.slow_faults) for n in range(20)],
)
def test_f2_a_cut_in_the_middle_of_a_line_loses_and_repeats_nothing(
    place: Site, answers: tuple[int, int], part: int
) -> None:
    host = place.host(f"middle{part}")
    question, both = answers
    # One answer is some bytes longer than another: the first cut is not to be in the question.
    place.link.cut_after(down=question + 150 + (both - question - 150) * part // 20)
    ran = host.run("provision", "--yes", "--json")
    if ran.code == 4 and part < 10:
        # What came down before the cut were the answers to the upload: nothing had begun.
        assert "the upload arrived incomplete; nothing was run" in ran.stdout
        assert host.files() == FIRST
    else:
        assert ran.code == 0, ran.said
        assert steps_shown(ran.stdout) == ALL_OK
    host.assert_done()


def test_f2_a_link_that_broke_while_a_person_read_the_plan_is_made_again(place: Site) -> None:
    host = place.host("reader")
    with host.start("provision", terminal=True) as run:
        run.wait_line("Apply 9 changes on 1 host")
        place.link.cut()
        run.type("y\n")
        assert run.wait(60) == 0, run.stdout
    host.assert_done()

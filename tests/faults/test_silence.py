"""F7, F10, F13: peers that are frozen, routes that swallow, links that are slow, busy servers."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from magnusctl import following
from magnusctl.errand import Errand
from magnusctl.errors import MagnusError, Unreachable
from magnusctl.fleet import apply_all, open_fleet, plan_all
from magnusctl.report.jsonl import JsonReport
from magnusctl.transport import pulse
from tests.faults.shown import objects, steps_shown
from tests.faults.site import FILES, STEPS, Simulated, Site, site

FIRST = {path: before for path, (before, _) in FILES.items()}
SMALL: Mapping[str, Any] = {
    "files": {"/etc/app/two": {"content": "after\n"}, "/etc/hosts.allow": {"content": "ALL: ALL\n"}}
}
POINTS = 20
slow = pytest.mark.slow_faults


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process all that waits does so for a tenth of its time, or less."""
    monkeypatch.setattr(pulse, "DEAD_S", 1.5)
    monkeypatch.setattr(pulse, "LOOK_S", 0.4)
    monkeypatch.setattr(following, "RECONNECT_S", 1.0)


def provision(host: Simulated, monkeypatch: pytest.MonkeyPatch) -> MagnusError | None:
    """Plan and apply in this process; what went wrong."""
    monkeypatch.setenv("XDG_STATE_HOME", f"{host.environment['HOME']}/.local/state")
    fleet = open_fleet([host.inventory])
    try:
        (planned,) = plan_all(fleet, texts=False)
        if planned.error:
            return planned.error
        (outcome,) = apply_all(fleet, [planned], JsonReport(), Errand())
        return outcome.error
    finally:
        fleet.close()


def begins_yet(host: Simulated, seconds: float = 3) -> bool:
    """Whether a job that was on its way begins, now that the way is free."""
    end = time.monotonic() + seconds
    while not host.jobs() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(host.jobs())


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    "point", [pytest.param(n, marks=() if n in (1, 14) else slow) for n in range(POINTS)]
)
def test_f7_a_route_that_swallows_everything_from_any_byte_on_is_noticed(
    place: Site, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    """Key exchange, login, question, answer and upload: every part waits for a limited time."""
    host = place.host(f"swallowed{point}", SMALL, timeout="2s")
    if point < POINTS // 2:
        # Ours: some 10 kB up to the question, some 50 kB up to the end of the job.
        place.link.stall_after(up=500 + 1100 * point)
    else:
        place.link.stall_after(up=12_000 + 3500 * (point - POINTS // 2))
    started = time.monotonic()
    error = provision(host, monkeypatch)
    seconds = time.monotonic() - started
    assert isinstance(error, Unreachable), error
    assert (error.exit_code, error.host) == (5, host.name)
    assert error.hint
    assert seconds < 20
    assert host.files() in (FIRST, FIRST | {"/etc/app/two": "after\n"})
    place.link.resume()
    place.link.until(lambda state: state.open == 0)
    if begins_yet(host):
        # It arrived whole in the end; whoever comes next hears of it.
        assert "by you" in host.run("plan").stderr
        host.run("attach", host.name)
    host.assert_done(SMALL)


@pytest.mark.usefixtures("_impatient")
def test_f7_a_server_that_is_frozen_while_steps_run_is_noticed(
    place: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = place.host("frozen", SMALL, timeout="2s", confirm_timeout="1s")
    host.hold(2)

    def freeze() -> None:
        host.held()
        # Long enough for what was written before to arrive.
        time.sleep(0.7)
        place.server.freeze()

    freezing = threading.Thread(target=freeze)
    freezing.start()
    try:
        error = provision(host, monkeypatch)
    finally:
        freezing.join()
        place.server.thaw()
    assert isinstance(error, Unreachable)
    assert "goes on to its end" in error.detail
    host.release()
    assert host.ended() == "reverted"
    host.assert_done(SMALL)


@slow
def test_f7_no_heartbeat_is_told_within_25_seconds_and_a_thaw_loses_nothing(place: Site) -> None:
    host = place.host("thawed", confirm_timeout="120s")
    host.hold(6)
    with host.start("provision", "--yes", "--json") as run:
        host.held()
        place.server.freeze()
        started = time.monotonic()
        run.wait_line(r"link lost at step .*no heartbeat for 20 s", 30)
        assert 15 < time.monotonic() - started < 25
        place.server.thaw()
        host.release()
        assert run.wait(90) == 0, run.stderr
    assert steps_shown(run.stdout) == [f"ok {number}" for number in range(STEPS)]
    host.assert_done()


@slow
def test_f7_a_frozen_server_ends_a_run_in_limited_time(place: Site) -> None:
    host = place.host("cold")
    place.server.freeze()
    try:
        started = time.monotonic()
        ran = host.run("provision", "--yes")
        assert time.monotonic() - started < 25
    finally:
        place.server.thaw()
    assert ran.code == 5
    assert "cold: unreachable at 127.0.0.1" in ran.stdout
    assert "it takes connections, and says nothing for 10 s" in ran.stdout
    assert "Is it on, awake and on this network?" in ran.stdout


@slow
def test_f10_a_slow_link_shows_how_far_it_is_and_succeeds(place: Site) -> None:
    """32 kbit/s and 600 ms: a heartbeat comes behind what is on its way, and is no lost link."""
    much = {"/etc/app/one": {"content": "much\n" * 20_000}}
    resources = {"files": {**SMALL["files"], **much}}
    host = place.host("far", resources)
    place.link.throttle(rate=4000, delay=0.3)
    ran = host.run("provision", "--yes", "--json", seconds=240)
    assert ran.code == 0, ran.said
    told = [note["text"] for note in objects(ran.stdout, "note")]
    far = [text for text in told if re.fullmatch(r"sent \d+ of \d+ KiB, about \d+ s left", text)]
    assert len(far) >= 3, told
    assert not any("link lost" in text for text in told), told
    place.link.throttle()
    host.assert_done(resources)


def test_f10_nothing_to_do_is_one_question_however_far_the_host_is(place: Site) -> None:
    host = place.host("still", SMALL)
    host.assert_done(SMALL)
    execs, connections = place.server.execs(), place.server.connections()
    place.link.throttle(delay=0.3)
    started = time.monotonic()
    assert host.run("provision", "--yes").code == 0
    # The handshakes of TCP and SSH are nine round trips, the question and its end two.
    assert time.monotonic() - started < 13 * 0.6 + 3
    assert place.server.execs() - execs == 1
    assert place.server.connections() - connections == 1


def test_f13_a_normal_run_is_one_connection_and_two_execs(place: Site) -> None:
    harmless = {"files": {"/etc/app/two": {"content": "after\n"}}}
    host = place.host("normal", harmless)
    execs, connections = place.server.execs(), place.server.connections()
    assert host.run("provision", "--yes").code == 0
    assert place.server.execs() - execs == 2
    assert place.server.connections() - connections == 1


def test_f13_a_server_that_drops_us_is_asked_again_ever_more_slowly(place: Site) -> None:
    host = place.host("wary", SMALL)
    place.link.drop(2)
    ran = host.run("provision", "--yes")
    assert ran.code == 0, ran.said
    waits = [line for line in ran.stderr.splitlines() if "dropped us" in line]
    assert [line.split("again in ")[1] for line in waits] == ["1 s", "2 s"], ran.stderr
    host.assert_done(SMALL)


@slow
def test_f13_a_server_that_always_drops_us_is_given_up(place: Site) -> None:
    host = place.host("banned", SMALL)
    taken = place.link.state().taken
    place.link.drop(1000)
    ran = host.run("provision", "--yes")
    assert ran.code == 5
    assert "banned: unreachable at 127.0.0.1" in ran.stdout
    assert "dropped us before it did (MaxStartups, fail2ban)" in ran.stdout
    assert "Is this address banned for a while?" in ran.stdout
    assert place.link.state().taken - taken == 4
    assert host.files() == FIRST


def test_f13_a_real_server_with_too_many_logins_lets_us_in_later(tmp_path: Path) -> None:
    with site(tmp_path, "MaxStartups 1:100:1", "LoginGraceTime 30") as place:
        host = place.host("busy", SMALL)
        with (
            socket.create_connection(("127.0.0.1", place.server.port)) as other,
            host.start("provision", "--yes") as run,
        ):
            assert other.recv(4) == b"SSH-"
            run.wait_line("dropped us before it did .* again in 1 s", 20)
            other.close()
            assert run.wait(60) == 0, run.stderr
        host.assert_done(SMALL)

"""A switch that is cut at any of its phases: the next one comes to its end, whichever it is."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest

from tests.shells.hosts import Host
from tests.shells.running import Running, kill, pid_in, wait_for
from tests.shells.served import ID, MODEL, Serving, served, serving
from tests.shells.shells import FEWER
from tests.shells.together import under

pytestmark = [
    pytest.mark.shells,
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
    pytest.mark.skipif(not shutil.which("setsid"), reason="setsid is not installed"),
]


@dataclass(frozen=True)
class Cut:
    """Where a switch from r1 to r2 is cut, and what is left there then."""

    phase: str
    how: Literal["beside", "instead"]
    hold: str
    running: frozenset[int]
    answers: int
    serving: str = "1"
    boot: frozenset[int] = frozenset({1})


BOTH, OLD, NEW = frozenset({1, 2}), frozenset({1}), frozenset({2})
CUTS = (
    Cut("stop-old", "instead", "stop", OLD, 1),
    Cut("start", "beside", "start", OLD, 1),
    Cut("start", "instead", "start", frozenset(), 0),
    Cut("gate", "beside", "", BOTH, 1),
    Cut("gate", "instead", "", NEW, 0),
    # A boot then starts whichever of the two the front names.
    Cut("flip", "beside", "reload", BOTH, 1, "1", BOTH),
    Cut("flip", "instead", "reload", NEW, 0),
    Cut("drain", "beside", "", BOTH, 2, "2", NEW),
)
every_cut = pytest.mark.parametrize("cut", CUTS, ids=lambda cut: f"{cut.phase}-{cut.how}")


def _dies(running: Running) -> None:
    """The runner and its step with all that they started; engines have a session of their own."""
    step = wait_for("a step", lambda: pid_in(running.folder / "step"))
    kill(running.pid())
    with contextlib.suppress(ProcessLookupError):
        os.killpg(step, signal.SIGKILL)


def _cut(found: Serving, cut: Cut) -> float:
    """Begin a switch, and cut it there; the moment when it began."""
    host = found.host
    found.release(1, slow_s=60)
    assert found.switch(1).ok
    found.release(2, loading_s=4 if cut.phase == "gate" else 0)
    if cut.hold:
        found.at(f"hold.{cut.hold}").touch()
    wanted = found.wanted(2, cut.how)
    began = time.monotonic()
    with _client(found) if cut.phase == "drain" else contextlib.nullcontext():
        running = host.start(host.plan(wanted), wanted)
        switching = host.path(f"/var/lib/magnus/models/{MODEL}/switching")

        def reached() -> bool:
            there = switching.exists() and switching.read_text() == f"2:{cut.phase}\n"
            held = not cut.hold or found.at(f"held.{cut.hold}").exists()
            boot = cut.phase != "drain" or not found.at(f"enabled/{found.unit(1)}").exists()
            return there and held and boot and (cut.phase != "gate" or 2 in found.running)

        wait_for(cut.phase, reached)
        _dies(running)
    running.heard()
    for path in (*found.at("").glob("hold.*"), *found.at("").glob("held.*")):
        path.unlink()
    stands = found.stands
    assert (stands["serving"], stands["cut"]) == (cut.serving, f"2:{cut.phase}")
    assert (stands["running"], stands["boot"]) == (cut.running, cut.boot)
    assert stands["answers"] == cut.answers
    seen = host.observe([wanted])[ID].answer
    runs = "yes" if int(cut.serving) in cut.running else "no"
    assert seen == f"{cut.serving} {runs} 2:{cut.phase}"
    return began


@contextlib.contextmanager
def _client(found: Serving) -> Iterator[None]:
    """Somebody whose answer from the old release takes its time."""
    url = f"http://127.0.0.1:{found.ports[1]}/slow"

    def ask() -> None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=70)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    yield


@every_cut
@under(FEWER)
def test_the_same_switch_again_comes_to_its_end(linux: Host, cut: Cut) -> None:
    with serving(linux) as found:
        began = _cut(found, cut)
        job = found.switch(2, cut.how)
        assert job.ok, job.output
        assert found.stands == served(2)
        gate = dict(line.split("=") for line in found.kept(2, "gate").splitlines())
        if cut.how == "instead" and cut.phase != "stop-old":
            # It began when the old one was stopped, not when it was gone on with.
            assert time.monotonic() - began + 1 >= int(gate["outage_s"]) >= 1


@every_cut
@under(FEWER)
def test_the_old_one_again_takes_back_what_was_begun(linux: Host, cut: Cut) -> None:
    with serving(linux) as found:
        _cut(found, cut)
        job = found.switch(1, cut.how)
        assert job.ok, job.output
        assert found.stands == served(1)


@every_cut
@under(FEWER[:1])
def test_a_third_one_leaves_nothing_of_it(linux: Host, cut: Cut) -> None:
    with serving(linux) as found:
        _cut(found, cut)
        found.release(3)
        job = found.switch(3, cut.how)
        assert job.ok, job.output
        assert found.stands == served(3)


@every_cut
@under(FEWER[1:2])
def test_a_stop_leaves_nothing_of_it(linux: Host, cut: Cut) -> None:
    with serving(linux) as found:
        _cut(found, cut)
        assert linux.provision(found.wanted(0)).ok
        none = {"serving": "-", "running": set(), "boot": set()}
        assert found.stands == served(0) | none


@pytest.mark.parametrize("phase", ["start", "gate", "flip"])
@under(FEWER)
def test_a_first_switch_that_was_cut_is_begun_again(linux: Host, phase: str) -> None:
    with serving(linux) as found:
        found.release(1, loading_s=4 if phase == "gate" else 0)
        hold = {"start": "start", "flip": "reload"}.get(phase)
        if hold:
            found.at(f"hold.{hold}").touch()
        wanted = found.wanted(1)
        running = linux.start(linux.plan(wanted), wanted)
        there = linux.path(f"/var/lib/magnus/models/{MODEL}/switching")
        wait_for(phase, lambda: there.exists() and there.read_text() == f"1:{phase}\n")
        if hold:
            wait_for(hold, found.at(f"held.{hold}").exists)
        _dies(running)
        running.heard()
        for path in found.at("").glob("h?ld.*"):
            path.unlink()
        assert found.switch(1).ok
        assert found.stands == served(1)


@under(FEWER)
def test_a_switch_whose_runner_alone_dies_goes_on_to_its_end(linux: Host) -> None:
    with serving(linux) as found:
        found.release(1)
        assert found.switch(1).ok
        found.release(2, loading_s=4)
        wanted = found.wanted(2)
        running = linux.start(linux.plan(wanted), wanted)
        wait_for("r2", lambda: 2 in found.running)
        kill(running.pid())
        running.heard()
        wait_for("its end", lambda: found.stands == served(2))
        wait_for("the step", lambda: not linux.plan(wanted))
        assert found.said(2)[-1] == "serving r2"


@under(FEWER)
def test_a_step_that_alone_is_killed_is_told_and_can_be_done_again(linux: Host) -> None:
    with serving(linux) as found:
        found.release(1)
        assert found.switch(1).ok
        found.release(2, loading_s=4)
        wanted = found.wanted(2, "instead")
        running = linux.start(linux.plan(wanted), wanted)
        there = linux.path(f"/var/lib/magnus/models/{MODEL}/switching")
        wait_for("the gate", lambda: there.exists() and there.read_text() == "2:gate\n")
        running.kill("step")
        job = linux.end(running)
        assert job.first == {ID: "failed"}
        assert linux.observe([wanted])[ID].answer == "1 no 2:gate"
        assert found.switch(2, "instead").ok
        assert found.stands == served(2)

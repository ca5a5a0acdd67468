"""A program is met at the line that was waited for, and nothing of it stays."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.faults.kill import Journals, magnusctl, running
from tests.lab.system import LabError, wait_for

COUNT = "for n in $(seq 200); do echo line $n; sleep 0.01; done"
HANGS = "for n in $(seq 20); do echo line $n; done; sleep 60; echo line 100"
HANDLED = "trap 'echo caught >&2; exit 3' INT; echo ready; while :; do sleep 0.05; done"


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_it_is_killed_at_a_line() -> None:
    with running(sh(HANGS)) as run:
        assert run.wait_line("line 20$") == "line 20"
        run.kill()
        assert run.wait(60) == -signal.SIGKILL
        assert "line 20\n" in run.stdout
        assert "line 100\n" not in run.stdout


def test_both_outputs_are_read_and_told_apart() -> None:
    with running(sh("echo out; echo err >&2; exit 7")) as run:
        run.wait_line("err")
        assert run.wait(60) == 7
        assert (run.stdout, run.stderr) == ("out\n", "err\n")


def test_an_interrupt_reaches_it_at_a_line() -> None:
    with running(sh(HANDLED)) as run:
        run.wait_line("ready")
        run.interrupt()
        assert run.wait(60) == 3
        assert run.stderr == "caught\n"


def test_ctrl_c_on_a_terminal_reaches_it_too() -> None:
    with running(sh(f"test -t 0 && test -t 2 && {HANDLED}"), terminal=True) as run:
        run.wait_line("ready")
        run.type("\x03")
        assert run.wait(60) == 3
        assert "caught" in run.stdout


def test_what_is_typed_is_read() -> None:
    with running(sh("read -r word; echo got $word"), terminal=True) as run:
        run.type("this\n")
        run.wait_line("got this")
        assert run.wait(60) == 0


def test_a_stopped_one_goes_on() -> None:
    with running(sh(COUNT)) as run:
        run.wait_line("line 10$")
        run.stop()
        time.sleep(0.1)
        before = run.stdout
        time.sleep(0.2)
        assert run.stdout == before
        run.go_on()
        run.wait_line("line 200$")
        assert run.wait(60) == 0


def test_a_line_that_does_not_come_is_an_error_in_time() -> None:
    with running(sh("echo other; sleep 30")) as run:
        run.wait_line("other")
        with pytest.raises(AssertionError, match=r"no line 'never' in 0\.2 s; stdout: 'other"):
            run.wait_line("never", 0.2)
        with pytest.raises(AssertionError, match="it runs after"):
            run.wait(0.1)
    with running(sh("exit")) as run, pytest.raises(AssertionError, match="ended without"):
        run.wait_line("never", 60)


def test_nothing_is_left_of_it_even_of_another_session() -> None:
    with running(sh("setsid sleep 322 & sleep 323 & echo $!; wait")) as run:
        first = int(run.wait_line("[0-9]+"))
        wait_for("two sleeps", lambda: len(psutil.Process(run.pid).children()) == 2, 60)
        run.stop()
        pids = {first, run.pid} | {child.pid for child in psutil.Process(run.pid).children()}
        assert len(pids) == 3
    wait_for("their end", lambda: all(_gone(pid) for pid in pids), 60)


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_journal_is_met_at_its_line(tmp_path: Path) -> None:
    old = tmp_path / "var/lib/magnus/jobs/1/journal"
    old.parent.mkdir(parents=True)
    old.write_text("old\n" * 50)
    journals = Journals(tmp_path)
    fresh = tmp_path / "var/lib/magnus/jobs/2/journal"
    fresh.parent.mkdir()

    met = threading.Event()

    def write() -> None:
        with fresh.open("w") as file:
            for number in range(10):
                print("line", number, file=file, flush=True)
                if number == 5:
                    met.wait(60)
                time.sleep(0.02)
            file.write("half")

    writer = threading.Thread(target=write)
    writer.start()
    assert 4 <= len(journals.reach(4, 60)) <= 6
    met.set()
    assert "line 8" in journals.say("line 8", 60)
    writer.join()
    assert len(journals.lines()) == 10
    with pytest.raises(LabError, match="journal line 11"):
        journals.reach(11, 0.1)


def test_magnusctl_runs_from_the_checkout() -> None:
    with running(magnusctl("--help")) as run:
        assert run.wait(60) == 0
        assert "provision" in run.stdout

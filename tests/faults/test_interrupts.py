"""F4: what Ctrl-C does: it asks, cancels after a step, detaches, and cuts no step."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.kill import Run
from tests.faults.site import ARMED, FILES, GUARDED, Simulated, Site
from tests.lab.system import LabError, wait_for

HARMLESS = {
    "files": {f"/etc/app/{name}": {"content": f"{name}\n"} for name in ("one", "two", "three")}
}
ASKED = r"\[c\]ancel after the current step, \[d\]etach, or Enter to go on watching"
CTRL_C = "\x03"


@pytest.fixture
def host(place: Site, request: pytest.FixtureRequest) -> Simulated:
    """A host on which the second of three steps is about to begin."""
    name = request.node.name.removeprefix("test_f4_").replace("_", "-")
    found = place.host(name[:40].strip("-"), HARMLESS)
    found.hold(3)
    return found


def interrupted(host: Simulated, run: Run) -> None:
    """Press Ctrl-C while the job is held, and wait for the question."""
    host.held()
    run.type(CTRL_C)
    run.wait_line(ASKED)
    assert "The jobs go on on their hosts, whatever happens here." in run.stdout


def assert_detached(host: Simulated, said: str) -> None:
    """The jobs are named with how to come back, and go on to their end."""
    job = host.folder().name
    assert f"job {job} goes on on {host.name}; no step is cut" in said
    assert re.search(rf"magnusctl attach {host.name} {job}", said)
    assert "(exit 130)" in said
    host.release()
    assert host.ended() == "ok"
    assert host.free()
    host.assert_done(HARMLESS)


def assert_terminal_is_left_as_it_was(run: Run) -> None:
    """Progress hides the cursor; whatever happened, it is shown again."""
    assert run.stdout.rfind("\x1b[?25h") >= run.stdout.rfind("\x1b[?25l")


def test_f4_the_first_asks_and_enter_goes_on(host: Simulated) -> None:
    with host.start("provision", "--yes", terminal=True) as run:
        interrupted(host, run)
        run.type("\n")
        host.release()
        assert run.wait(60) == 0, run.stdout
        assert "Done. 3 changes made" in run.stdout
        assert_terminal_is_left_as_it_was(run)


def test_f4_cancel_ends_the_job_after_the_current_step(host: Simulated) -> None:
    with host.start("provision", "--yes", terminal=True) as run:
        interrupted(host, run)
        run.type("c\n")
        run.wait_line(r"cancel job \S+ after its current step: asked")
        host.release()
        assert run.wait(60) == 130, run.stdout
        assert f"{host.name}: cancelled; not begun: file:/etc/app/three" in run.stdout
        assert f"magnusctl plan -l {host.name}" in run.stdout
        assert_terminal_is_left_as_it_was(run)
    assert host.journal()[3:] == ["start 1", "ok 1", "cancelled 2", "end cancelled"]
    assert host.free()
    host.assert_done(HARMLESS)


def test_f4_cancel_takes_back_what_can_cut_the_host_off(place: Site) -> None:
    host = place.host("cancelled-guard")
    host.hold(ARMED + 2)
    with host.start("provision", "--yes", terminal=True) as run:
        interrupted(host, run)
        run.type("c\n")
        run.wait_line(r"cancel job \S+ after its current step: asked")
        host.release()
        assert run.wait(60) == 6, run.stdout
        assert "reverted, because it was cancelled" in run.stdout
    assert {host.contents(path) for path in GUARDED} == {FILES[path][0] for path in GUARDED}
    host.assert_done()


def test_f4_detach_leaves_the_job_alone(host: Simulated) -> None:
    with host.start("provision", "--yes", terminal=True) as run:
        interrupted(host, run)
        run.type("d\n")
        assert run.wait(60) == 130
        assert_terminal_is_left_as_it_was(run)
        assert_detached(host, run.stdout)


def test_f4_the_second_at_the_question_detaches_at_once(host: Simulated) -> None:
    with host.start("provision", "--yes", terminal=True) as run:
        interrupted(host, run)
        run.type(CTRL_C)
        assert run.wait(60) == 130
        assert_detached(host, run.stdout)


def test_f4_the_second_after_the_question_detaches_at_once(host: Simulated) -> None:
    with host.start("provision", "--yes", terminal=True) as run:
        interrupted(host, run)
        run.type("\n")
        # Too early it would answer the question, with the same end.
        time.sleep(0.7)
        run.type(CTRL_C)
        assert run.wait(60) == 130
        assert_detached(host, run.stdout)


def test_f4_without_a_terminal_the_first_detaches(host: Simulated) -> None:
    with host.start("provision", "--yes") as run:
        host.held()
        run.interrupt()
        assert run.wait(60) == 130
        assert ASKED not in run.stdout + run.stderr
        assert_detached(host, run.stderr)


def test_f4_while_it_asks_the_host_nothing_is_begun(place: Site) -> None:
    host = place.host("early", HARMLESS)
    before = place.link.state().up
    place.link.stall_after(up=3000)
    with host.start("provision", "--yes") as run:
        place.link.until(lambda state: state.up == before + 3000)
        run.interrupt()
        assert run.wait(60) == 130
        assert "interrupted; not finished: early" in run.stderr
    assert not host.state.exists()


def test_f4_at_the_question_whether_to_apply_nothing_is_done(place: Site) -> None:
    host = place.host("unsure", HARMLESS)
    with host.start("provision", terminal=True) as run:
        run.wait_line("Apply 3 changes on 1 host")
        run.type(CTRL_C)
        assert run.wait(60) == 130
        assert "interrupted; nothing was done" in run.stdout
    assert not host.state.exists()


def test_f4_attach_can_be_left_and_the_job_goes_on(host: Simulated) -> None:
    with host.start("provision", "--yes") as run:
        host.held()
        run.kill()
        run.wait(60)
    with host.start("attach", host.name, terminal=True) as run:
        run.wait_line("file:/etc/app/one")
        run.type(CTRL_C)
        assert run.wait(60) == 130
    host.release()
    assert host.ended() == "ok"
    host.assert_done(HARMLESS)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[list[str]]:
    """The words that reach a tmux of our own."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    yield tmux
    subprocess.run([*tmux, "kill-server"], capture_output=True, timeout=60, check=False)


def test_f4_in_a_terminal_of_a_person(host: Simulated, screen: list[str], tmp_path: Path) -> None:
    def tmux(*words: str) -> str:
        return subprocess.run(
            [*screen, *words],
            env=dict(host.environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stdout

    def shows(pattern: str, seconds: float) -> None:
        try:
            wait_for(pattern, lambda: bool(re.search(pattern, tmux("capture-pane", "-p"))), seconds)
        except LabError:
            raise AssertionError(f"{pattern} is not in:\n{tmux('capture-pane', '-p')}") from None

    script = tmp_path / "script"
    command = shlex.join(host.command("provision", "--yes"))
    script.write_text(f"trap : INT\n{command}\necho code $?\nsleep 99\n")
    tmux("new-session", "-d", "-x", "200", "-y", "50", f"sh {script}")
    host.held()
    tmux("send-keys", "C-c")
    shows(ASKED, 60)
    tmux("send-keys", "d", "Enter")
    shows("code 130", 60)
    assert_detached(host, tmux("capture-pane", "-p", "-J"))

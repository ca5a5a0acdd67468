"""Commands with a guard, and the digest of the inputs they last ran with."""

from __future__ import annotations

import time

import pytest

from magnusctl.resources.command import Command
from magnusctl.state import Action
from tests.shells.hosts import Host, a_file
from tests.shells.shells import in_turn

pytestmark = pytest.mark.shells


def test_a_command_runs_until_its_guard_is_satisfied_and_never_again(host: Host) -> None:
    wanted = Command(label="make it", run='echo ran >>"$ROOT/ran"', unless='[ -e "$ROOT/ran" ]')
    assert host.observe([wanted])[wanted.id].answer == "- needed"
    job = host.provision(wanted)
    assert job.ok
    assert host.observe([wanted])[wanted.id].answer == "- done"
    assert not host.plan(wanted)
    assert host.path("/ran").read_text() == "ran\n"
    host.path("/ran").unlink()
    assert [change.action for change in host.plan(wanted).changes] == [Action.UPDATE]


def test_a_command_whose_guard_stays_unsatisfied_has_failed(host: Host) -> None:
    wanted = Command(label="vain", run="echo tried", unless="false")
    job = host.provision(wanted)
    assert job.words == {wanted.id: "failed"}
    assert "tried" in job.output[wanted.id]
    assert "guard is still not satisfied" in job.output[wanted.id][-1]


@pytest.mark.parametrize(("shell", "code"), in_turn([1, 3, 255, 1, 127]), indirect=["shell"])
def test_the_exit_code_of_a_command_reaches_the_shell_and_not_the_job(
    host: Host, code: int
) -> None:
    bad = Command(label="bad", run=f"exit {code}", unless="false")
    good = Command(label="good", run=': >"$ROOT/good"', unless='[ -e "$ROOT/good" ]')
    job = host.provision(bad, good)
    assert job.words == {bad.id: "failed", good.id: "ok"}
    assert job.ran.code == 0
    assert job.answers.ended


def test_a_command_without_a_guard_runs_once_for_each_of_its_inputs(host: Host) -> None:
    run = 'cat "$ROOT/etc/input" >>"$ROOT/ran"'

    command = Command(label="reload", run=run, restart_on=("file:/etc/input",))
    for content in ("1\n", "2\n"):
        declared = (a_file("/etc/input", content), command)
        assert host.provision(*declared).ok
        assert not host.plan(*declared)
    assert host.path("/ran").read_text() == "1\n2\n"


def test_a_command_can_hold_any_text_and_cannot_break_the_job(host: Host) -> None:
    texts = [
        "return 7",
        "exec false",
        "set -e; false; true",
        "cd /; kill -9 $$x",
        "if",
        "}; echo broken; {",
        "unset ROOT STATE NONCE; PATH=; false",
        "exec >/dev/null; false",
        "trap 'exit 3' EXIT; false",
    ]
    bad = [Command(label=text, run=text, unless="false") for text in texts]
    good = Command(label="good", run=': >"$ROOT/good"', unless='[ -e "$ROOT/good" ]')
    job = host.provision(*bad, good)
    assert job.words == {**{command.id: "failed" for command in bad}, good.id: "ok"}
    assert job.answers.ended


def test_a_command_reads_nothing_of_the_job_from_standard_input(host: Host) -> None:
    wanted = Command(label="reads", run='cat >"$ROOT/in"', unless='cat; [ -e "$ROOT/in" ]')
    assert host.provision(wanted).ok
    assert host.path("/in").read_bytes() == b""


@pytest.mark.parametrize("where", ["run", "unless"])
def test_what_a_command_leaves_running_does_not_hold_the_job(host: Host, where: str) -> None:
    texts: dict[str, str] = {"run": ': >"$ROOT/ran"', "unless": '[ -e "$ROOT/ran" ]'}
    texts[where] = f"sleep 60 & {texts[where]}"
    started = time.monotonic()
    assert host.provision(Command(label="daemon", run=texts["run"], unless=texts["unless"])).ok
    assert time.monotonic() - started < 30


def test_a_guard_that_cannot_tell_yet_is_asked_again_after_what_is_before_it(host: Host) -> None:
    file = a_file("/etc/x")
    made = '[ -e "$ROOT/etc/x" ] || exit 75; [ -e "$ROOT/ran" ]'
    command = Command(label="later", run=': >"$ROOT/ran"', unless=made, after=(file.id,))
    assert host.observe([command])[command.id].state is None
    plan = host.plan(file, command)
    assert [change.action for change in plan.changes] == [Action.CREATE, Action.UNKNOWN]
    job = host.apply(plan, file, command)
    assert job.words == {file.id: "ok"}
    assert job.left is not None
    assert [change.action for change in job.left.changes] == [Action.UPDATE]
    assert host.provision(file, command).ok

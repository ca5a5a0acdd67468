"""What can cut a host off is confirmed from outside, or is as it was before."""

from __future__ import annotations

import os

import pytest

from magnusctl.resources.command import Command
from tests.shells.guarded import (
    RISKY,
    STATE,
    asking,
    assert_as_before,
    before,
    changes,
    told_by,
    undone,
)
from tests.shells.hosts import Host, a_file, a_gate
from tests.shells.shells import FEWER, run
from tests.shells.together import under

pytestmark = pytest.mark.shells
HOOKS = {
    "host": ("/etc/systemd/system/magnus-revert.service", f"{STATE}/boot-revert"),
    "linux": (
        "/etc/systemd/system/magnus-revert.service",
        "/etc/systemd/system/sysinit.target.wants/magnus-revert.service",
        f"{STATE}/boot-revert",
    ),
    "macos": ("/Library/LaunchDaemons/net.magnus.revert.plist", f"{STATE}/boot-revert"),
}


def _confirmed(host: Host, kind: str) -> None:
    before = {path.name for path in host.path("/etc").iterdir()}
    job = asking(host, a_file("/etc/x", **RISKY), a_file("/etc/calm"))
    for name in HOOKS[kind]:
        assert host.path(name).is_symlink() or host.path(name).is_file(), name
    said = host.path(HOOKS[kind][0]).read_text()
    assert f"{host.root}{STATE}/boot-revert" in said
    assert host.confirm("job-1") == "confirmed"
    assert host.end(job).ok
    assert told_by(job.folder) == ["begin 2", "arm 140", "confirm 20", "confirmed", "end ok"]
    assert host.confirm("job-1") == "confirmed"
    for name in HOOKS[kind]:
        assert not os.path.lexists(host.path(name)), name
    assert {path.name for path in host.path("/etc").iterdir()} - before <= {"x", "calm", "systemd"}


@under()
def test_a_confirmed_stage_stays_and_its_hooks_for_the_boot_go(host: Host) -> None:
    _confirmed(host, "host")


@under(FEWER)
def test_a_confirmed_stage_of_linux(linux: Host) -> None:
    _confirmed(linux, "linux")


@under(FEWER)
def test_a_confirmed_stage_of_a_mac(macos: Host) -> None:
    _confirmed(macos, "macos")


@under()
def test_what_nobody_confirms_is_as_before_with_bytes_modes_and_owners(host: Host) -> None:
    etc = before(host)
    job = host.end(asking(host, seconds=1))
    told = told_by(job.folder)
    assert [line for line in told if line not in undone(told)] == [
        "begin 8",
        "arm 841",
        "confirm 1",
        "reverting no-confirmation",
        "reverted",
        "end reverted",
    ]
    assert len(undone(told)) == 7
    assert host.confirm("job-1") == "reverted"
    assert_as_before(host, etc)
    assert job.left is not None
    assert {change.resource.id for change in job.left.changes} == {r.id for r in changes()[1:]}


@under(FEWER)
def test_what_needs_a_guarded_change_waits_until_it_is_confirmed(host: Host) -> None:
    risky = a_file("/etc/x", **RISKY)
    needs = a_file("/etc/needs", after=(risky.id,))
    job = host.end(asking(host, risky, needs, seconds=1))
    assert job.words == {risky.id: "undone", needs.id: "skip"}
    running = asking(host, risky, needs)
    assert not host.path("/etc/needs").exists()
    host.confirm("job-2")
    assert host.end(running).ok


@under()
def test_a_guarded_step_that_fails_takes_the_stage_back_at_once(host: Host) -> None:
    etc = before(host)
    bad = Command(label="bad", run="exit 5", unless="false", undo=":", **RISKY)
    job = host.provision(*changes(), bad)
    assert not [line for line in told_by(job.folder) if line.startswith("confirm ")]
    assert job.first[bad.id] == "failed"
    assert [line for line in told_by(job.folder) if "revert" in line] == [
        "reverting a-step-failed",
        "reverted",
        "end reverted",
    ]
    assert_as_before(host, etc)


@pytest.mark.parametrize("when", ["window", "step"])
@under()
def test_a_cancelled_guarded_stage_is_taken_back_at_once(host: Host, when: str) -> None:
    etc = before(host)
    if when == "window":
        running = asking(host)
        host.call("cancel_job", "job-1")
    else:
        gate = a_gate(undo='rm -f "$ROOT/gate.open"', **RISKY)
        wanted = (changes()[0], gate, *changes()[1:])
        running = host.start(host.plan(*wanted), *wanted)
        host.reach()
        host.call("cancel_job", "job-1")
        host.open()
    job = host.end(running)
    told = told_by(job.folder)
    assert "reverting cancelled" in told
    assert told[-2:] == ["reverted", "end reverted"]
    assert_as_before(host, etc)


@under(FEWER)
def test_without_a_way_back_nothing_that_is_guarded_begins(host: Host) -> None:
    etc = before(host)
    host.write("/etc/systemd", "in the way of the hook for the boot")
    job = host.provision(*changes())
    host.path("/etc/systemd").unlink()
    assert set(job.words.values()) == {"ok", "cancelled"}
    assert job.words["file:/etc/calm"] == "ok"
    assert [line.split()[0] for line in told_by(job.folder)].count("unarmed") == 1
    assert told_by(job.folder)[-1] == "end cancelled"
    assert_as_before(host, etc)


@under(FEWER)
def test_a_way_back_that_fails_is_never_told_as_one_and_can_be_gone_again(host: Host) -> None:
    host.write("/etc/file", "theirs\n")
    wanted = a_file("/etc/file", **RISKY), a_file("/etc/other", **RISKY)
    job = asking(host, *wanted, seconds=5)
    path = host.path("/etc/file")
    path.unlink()
    path.mkdir()
    ended = host.end(job)
    told = told_by(job.folder)
    assert "undone 1" in told
    assert "undo-failed 0 1 exit" in told
    assert told[-2:] == ["revert-failed", "end revert-failed"]
    assert "reverted" not in told
    assert any("is a directory" in line for line in ended.output[wanted[0].id])
    path.rmdir()
    again = [*host.shell.words, str(job.folder / "job"), "revert", str(host.root), "", "again"]
    run(again, environment={"MAGNUS_SH": " ".join(host.shell.words)})
    assert path.read_text() == "theirs\n"
    assert told_by(job.folder)[-1] == "reverted"

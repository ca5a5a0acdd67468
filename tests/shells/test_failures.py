"""A step that fails stops what needs it and nothing else; a restart that was missed is not lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from magnusctl.resources.command import Command
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.service import Service
from magnusctl.state import Action, Resource
from tests.shells.hosts import Host, a_file, fewer_shells
from tests.shells.shells import in_turn

pytestmark = pytest.mark.shells
UNIT = "/.simulated/units/ssh.service"


def _makes(name: str, **more: Any) -> Command:
    made = f'"$ROOT/{name}"'
    return Command(label=name, run=f": >{made}", unless=f"[ -e {made} ]", **more)


def test_a_failed_step_stops_what_needs_it_and_the_closing_probe_still_runs(host: Host) -> None:
    bad = Command(label="bad", run="exit 5", unless='[ -e "$ROOT/never" ]')
    after = _makes("after", after=(bad.id,))
    triggered = _makes("triggered", restart_on=(bad.id,))
    further = _makes("further", after=(after.id,))
    other = _makes("other")
    wanted = (bad, after, triggered, further, other)
    job = host.provision(*wanted)
    assert job.words == {
        bad.id: "failed",
        after.id: "skip",
        triggered.id: "skip",
        further.id: "skip",
        other.id: "ok",
    }
    assert [event.arguments for event in job.events if event.word == "failed"] == [("0", "5")]
    assert sorted(path.name for path in host.root.iterdir() if path.is_file()) == ["other"]
    assert job.answers.ended
    assert job.left is not None
    assert other.id not in {change.resource.id for change in job.left.changes}


def test_a_conflict_stops_what_needs_it_like_a_failure(host: Host) -> None:
    first = a_file("/etc/x")
    second = _makes("second", after=(first.id,))
    plan = host.plan(first, second)
    host.write("/etc/x", "edited\n")
    job = host.apply(plan, first, second)
    assert job.words == {first.id: "conflict", second.id: "skip"}


def test_the_journal_on_the_host_is_what_was_told(host: Host) -> None:
    job = host.provision(_makes("a"), Command(label="b", run="exit 2", unless="false"))
    told = [" ".join((event.time, event.word, *event.arguments)) for event in job.events]
    assert (host.folder / "journal").read_text().splitlines() == told
    assert [line.split(" ", 1)[1] for line in told] == [
        "begin 2",
        "start 0",
        "ok 0",
        "start 1",
        "failed 1 2",
        "end",
    ]


def _logged(host: Host, refuse: str = "") -> None:
    """Note every verb that systemctl is given, and let one of them fail."""
    real = host.path("/.standins/real-systemctl")
    if not real.exists():
        host.path("/.standins/systemctl").rename(real)
    fails = f'[ "$1" != {refuse} ] || exit 1; ' if refuse else ""
    host.standin("systemctl", f'echo "$1" >>"$MAGNUS_ROOT/verbs"; {fails}exec real-systemctl "$@"')
    host.path("/verbs").unlink(missing_ok=True)


def _configured(text: str, **more: Any) -> tuple[Resource, ...]:
    file = a_file("/etc/ssh/sshd_config.d/10-x.conf", text)
    return file, Service(unit="ssh", restart_on=(file.id,), **more)


def _verbs(host: Host) -> set[str]:
    return set(host.path("/verbs").read_text().split()) - {"show"}


def test_a_restart_that_failed_is_in_the_next_plan(linux: Host) -> None:
    assert linux.provision(*_configured("MaxSessions 1\n")).ok
    wanted = _configured("MaxSessions 2\n")
    _logged(linux, refuse="restart")
    plan = linux.plan(*wanted)
    assert [change.action for change in plan.changes] == [Action.UPDATE, Action.RESTART]
    job = linux.apply(plan, *wanted)
    assert list(job.words.values()) == ["ok", "failed"]
    (change,) = linux.plan(*wanted).changes
    assert change.action is Action.RESTART
    _logged(linux)
    assert linux.provision(*wanted).ok
    assert "restart" in _verbs(linux)
    assert not linux.plan(*wanted)


@pytest.mark.parametrize(
    ("shell", "program"), in_turn(["mv", "chmod", "systemctl", "dd", "cat"]), indirect=["shell"]
)
def test_a_restart_survives_a_job_that_was_killed(linux: Host, program: str) -> None:
    assert linux.provision(*_configured("MaxSessions 1\n")).ok
    wanted = _configured("MaxSessions 2\n")
    plan = linux.plan(*wanted)
    kept = linux.path(f"/.standins/{program}").rename(linux.path("/.standins/kept"))
    # Below this root the program runs, and then everything is killed.
    linux.standin(program, 'kept "$@"; [ "$1" = show ] || kill -9 0')
    linux.apply(plan, *wanted)
    linux.path(f"/.standins/{program}").unlink()
    kept.rename(linux.path(f"/.standins/{program}"))
    left = linux.plan(*wanted)
    assert left.changes[-1].action is Action.RESTART
    _logged(linux)
    assert linux.provision(*wanted).ok
    assert "restart" in _verbs(linux)


@fewer_shells
def test_a_restart_back_to_the_old_inputs_is_not_lost_either(linux: Host) -> None:
    assert linux.provision(*_configured("MaxSessions 1\n")).ok
    _logged(linux, refuse="restart")
    linux.provision(*_configured("MaxSessions 2\n"))
    _logged(linux)
    assert linux.provision(*_configured("MaxSessions 1\n")).ok
    assert "restart" in _verbs(linux)


@fewer_shells
def test_a_file_edited_by_hand_restarts_its_service(linux: Host) -> None:
    wanted = _configured("MaxSessions 1\n")
    assert linux.provision(*wanted).ok
    linux.write("/etc/ssh/sshd_config.d/10-x.conf", "by hand\n")
    _logged(linux)
    assert linux.provision(*wanted).ok
    assert _verbs(linux) >= {"restart"}


@fewer_shells
def test_a_file_edited_by_hand_restarts_a_service_that_was_also_disabled(linux: Host) -> None:
    wanted = _configured("MaxSessions 1\n")
    assert linux.provision(*wanted).ok
    linux.write("/etc/ssh/sshd_config.d/10-x.conf", "by hand\n")
    linux.write(UNIT, "disabled active\n")
    _logged(linux)
    assert linux.provision(*wanted).ok
    assert _verbs(linux) >= {"enable", "restart"}


@pytest.mark.parametrize(
    ("shell", "reload"), in_turn([False, True, True, False, True]), indirect=["shell"]
)
def test_a_service_restarts_or_reloads_as_declared_and_only_once(linux: Host, reload: bool) -> None:
    _logged(linux)
    assert linux.provision(*_configured("1", reload=reload)).ok
    assert ("reload-or-restart" if reload else "restart") in _verbs(linux)
    _logged(linux)
    assert not linux.plan(*_configured("1", reload=reload))
    assert _verbs(linux) == set()


@fewer_shells
def test_a_service_that_does_not_come_up_has_failed_and_its_restart_stays_due(
    linux: Host,
) -> None:
    wanted = _configured("1")
    real = linux.path("/.standins/systemctl").rename(linux.path("/.standins/real-systemctl"))
    linux.standin(
        "systemctl",
        'case $* in *ActiveState\\ *) echo failed; exit;; esac\nexec real-systemctl "$@"',
    )
    job = linux.provision(*wanted)
    assert list(job.words.values()) == ["ok", "failed"]
    assert "ssh.service is not active" in job.output["service:ssh"][-1]
    linux.path("/.standins/systemctl").unlink()
    real.rename(linux.path("/.standins/systemctl"))
    assert linux.plan(*wanted).changes[-1].action in (Action.RESTART, Action.UPDATE)


def _not_bootstrapped(host: Host) -> None:
    host.standin("launchctl", '[ "$1" != bootstrap ] || exit 5; exec real-launchctl "$@"')


def _not_running(host: Host) -> None:
    host.standin("launchctl", '[ "$1" != bootstrap ] || exit 0; exec real-launchctl "$@"')


@pytest.mark.parametrize(
    ("shell", "breaks"), in_turn([_not_bootstrapped, _not_running] * 2), indirect=["shell"]
)
def test_a_launchd_job_that_failed_to_start_is_in_the_next_plan(
    macos: Host, breaks: Callable[[Host], None]
) -> None:
    plist = a_file("/etc/x.plist", "1")
    wanted = (plist, Launchd(label="x", plist=plist.path, restart_on=(plist.id,)))
    macos.path("/.standins/launchctl").rename(macos.path("/.standins/real-launchctl"))
    breaks(macos)
    assert list(macos.provision(*wanted).words.values()) == ["ok", "failed"]
    macos.standin("launchctl", 'exec real-launchctl "$@"')
    (change,) = macos.plan(*wanted).changes
    assert "started_with" in change.differs
    assert macos.provision(*wanted).ok

"""A step that fails stops what needs it and nothing else; a restart that was missed is not lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from magnusctl.resources.command import Command
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.service import Service
from magnusctl.state import Action, Resource
from tests.shells.hosts import KILL, Host, a_file, fewer_shells
from tests.shells.shells import in_turn

pytestmark = pytest.mark.shells
UNIT = "/.simulated/units/web.service"
CONF = "/etc/web.conf"


@pytest.fixture
def web(linux: Host) -> Host:
    """A simulated machine with a service that cannot cut anybody off."""
    linux.write(UNIT, "disabled active\n")
    return linux


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
    assert [event.arguments for event in job.events if event.word == "failed"] == [
        ("0", "5", "exit")
    ]
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
        "failed 1 2 exit",
        "end failed",
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
    file = a_file(CONF, text)
    return file, Service(unit="web", restart_on=(file.id,), **more)


def _verbs(host: Host) -> set[str]:
    return set(host.path("/verbs").read_text().split()) - {"show"}


def test_a_restart_that_failed_is_in_the_next_plan(web: Host) -> None:
    assert web.provision(*_configured("1\n")).ok
    wanted = _configured("2\n")
    _logged(web, refuse="restart")
    plan = web.plan(*wanted)
    assert [change.action for change in plan.changes] == [Action.UPDATE, Action.RESTART]
    job = web.apply(plan, *wanted)
    assert list(job.first.values()) == ["ok", "failed"]
    # Neither does it restart with what was before: that is told, and stays to be done.
    assert list(job.words.values()) == ["undone", "undo-failed"]
    assert web.path(CONF).read_text() == "1\n"
    assert [change.action for change in web.plan(*wanted).changes][1:] == [Action.RESTART]
    _logged(web)
    assert web.provision(*wanted).ok
    assert "restart" in _verbs(web)
    assert not web.plan(*wanted)


@fewer_shells
def test_a_restart_that_the_new_file_spoils_leaves_the_old_file_and_a_service_that_runs(
    web: Host,
) -> None:
    assert web.provision(*_configured("good\n")).ok
    wanted = _configured("bad\n")
    real = web.path("/.standins/systemctl").rename(web.path("/.standins/real-systemctl"))
    spoils = f'case "$1 $(cat "$MAGNUS_ROOT{CONF}")" in "restart bad") real-systemctl stop -- "$3"'
    web.standin("systemctl", f'{spoils}; exit 1 ;; esac\nexec {real.name} "$@"')
    job = web.provision(*wanted)
    assert list(job.first.values()) == ["ok", "failed"]
    assert list(job.words.values()) == ["undone", "undone"]
    assert web.path(CONF).read_text() == "good\n"
    assert web.path(UNIT).read_text() == "enabled active\n"
    assert not web.plan(*_configured("good\n"))
    assert [change.action for change in web.plan(*wanted).changes] == [
        Action.UPDATE,
        Action.RESTART,
    ]
    # All that the failed restart said is still there, beside what the way back said.
    assert {"out.1", "undo.1", "undo.0"} <= {path.name for path in job.folder.iterdir()}


@pytest.mark.parametrize("at", ["started.0", "started.1"])
@fewer_shells
def test_a_restart_survives_a_job_that_was_killed(web: Host, at: str) -> None:
    assert web.provision(*_configured("1\n")).ok
    wanted = _configured("2\n")
    plan = web.plan(*wanted)
    program = {"started.0": "mv", "started.1": "systemctl"}[at]
    kept = web.path(f"/.standins/{program}").rename(web.path("/.standins/kept"))
    # Below this root the program runs, and then the job and its step are killed.
    web.standin(program, f'kept "$@"; [ ! -e {at} ] || [ "$1" = show ] || {KILL}')
    assert not web.apply(plan, *wanted).answers.ended
    web.path(f"/.standins/{program}").unlink()
    kept.rename(web.path(f"/.standins/{program}"))
    left = web.plan(*wanted)
    assert left.changes[-1].action is Action.RESTART
    _logged(web)
    assert web.provision(*wanted).ok
    assert "restart" in _verbs(web)


@fewer_shells
def test_a_restart_back_to_the_old_inputs_is_not_lost_either(web: Host) -> None:
    assert web.provision(*_configured("1\n")).ok
    _logged(web, refuse="restart")
    web.provision(*_configured("2\n"))
    _logged(web)
    assert web.provision(*_configured("1\n")).ok
    assert "restart" in _verbs(web)


@fewer_shells
def test_a_file_edited_by_hand_restarts_its_service(web: Host) -> None:
    wanted = _configured("1\n")
    assert web.provision(*wanted).ok
    web.write(CONF, "by hand\n")
    _logged(web)
    assert web.provision(*wanted).ok
    assert _verbs(web) >= {"restart"}


@fewer_shells
def test_a_file_edited_by_hand_restarts_a_service_that_was_also_disabled(web: Host) -> None:
    wanted = _configured("1\n")
    assert web.provision(*wanted).ok
    web.write(CONF, "by hand\n")
    web.write(UNIT, "disabled active\n")
    _logged(web)
    assert web.provision(*wanted).ok
    assert _verbs(web) >= {"enable", "restart"}


@pytest.mark.parametrize(
    ("shell", "reload"), in_turn([False, True, True, False, True]), indirect=["shell"]
)
def test_a_service_restarts_or_reloads_as_declared_and_only_once(web: Host, reload: bool) -> None:
    _logged(web)
    assert web.provision(*_configured("1", reload=reload)).ok
    assert ("reload-or-restart" if reload else "restart") in _verbs(web)
    _logged(web)
    assert not web.plan(*_configured("1", reload=reload))
    assert _verbs(web) == set()


@fewer_shells
def test_a_service_that_does_not_come_up_has_failed_and_its_restart_stays_due(
    web: Host,
) -> None:
    wanted = _configured("1")
    real = web.path("/.standins/systemctl").rename(web.path("/.standins/real-systemctl"))
    web.standin(
        "systemctl",
        'case $* in *ActiveState\\ *) echo failed; exit;; esac\nexec real-systemctl "$@"',
    )
    job = web.provision(*wanted)
    assert list(job.first.values()) == ["ok", "failed"]
    assert list(job.words.values()) == ["undone", "undo-failed"]
    assert "web.service is not active" in job.output["service:web"][-1]
    web.path("/.standins/systemctl").unlink()
    real.rename(web.path("/.standins/systemctl"))
    assert web.plan(*wanted).changes[-1].action in (Action.RESTART, Action.UPDATE)


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

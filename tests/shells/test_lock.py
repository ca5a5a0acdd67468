"""One job at a time on a host: who holds the lock, who waits, and whose lock is no longer one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from magnusctl.quote import sh
from magnusctl.resources.command import Command
from tests.shells.hosts import Host, Job
from tests.shells.running import Running, wait_for, words
from tests.shells.shells import FEWER, SHELLS, launch, run
from tests.shells.together import under

pytestmark = [
    pytest.mark.shells,
    pytest.mark.skipif(sys.platform != "linux", reason="reads start times in /proc"),
]


def _busy(label: str, wait: str = "sleep 0.4") -> Command:
    """A step that writes down when it is inside."""
    run = f'echo "begin {label}" >>"$ROOT/log"; {wait}; echo "end {label}" >>"$ROOT/log"'
    return Command(label=label, run=f'{run}; : >"$ROOT/{label}"', unless=f'[ -e "$ROOT/{label}" ]')


def _start(host: Host, label: str) -> Running:
    wanted = _busy(label)
    return host.start(host.plan(wanted), wanted)


def _inside_until_open(host: Host) -> Running:
    """The first job, which has begun."""
    wait = 'n=0; until [ -e "$ROOT/gate.open" ] || [ $n = 2400 ]; do sleep 0.05; n=$((n + 1)); done'
    wanted = _busy("first", wait)
    first = host.start(host.plan(wanted), wanted)
    wait_for("the first", host.path("/log").exists)
    return first


def _at_once(host: Host, *wanted: Command) -> list[Job]:
    """How jobs ended that were sent at the same moment."""
    plans = [host.plan(one) for one in wanted]
    started = [host.start(plan, one) for plan, one in zip(plans, wanted, strict=True)]
    return [host.end(one) for one in started]


def _inside(host: Host) -> list[str]:
    """Who was inside, in turn; nobody was before the one before had left."""
    log = host.path("/log")
    lines = log.read_text().splitlines() if log.exists() else []
    labels = [line.split()[1] for line in lines[::2]]
    assert lines == [f"{word} {label}" for label in labels for word in ("begin", "end")]
    return labels


def _told(job: Job) -> list[str]:
    return [line for line in words(_journal(job.folder)) if not line.startswith("said")]


def _journal(folder: Path) -> list[str]:
    return (folder / "journal").read_text().splitlines()


@under()
def test_the_second_of_two_is_told_who_holds_the_lock_and_runs_nothing(host: Host) -> None:
    first = _inside_until_open(host)
    host.who = "other@there"
    second = host.end(_start(host, "second"))
    host.open()
    locked, end = _told(second)
    assert locked.startswith("locked job-1 test@here 20")
    assert locked.endswith("Z 1/1")
    assert end == "end refused"
    assert host.end(first).ok
    assert _inside(host) == ["first"]
    assert host.end(_start(host, "third")).ok
    assert _inside(host) == ["first", "third"]


@under()
def test_of_eight_at_once_one_at_a_time_runs_and_the_others_are_refused(host: Host) -> None:
    ended = _at_once(host, *(_busy(f"job{number}") for number in range(8)))
    ran = [job for job in ended if job.ok]
    refused = [job for job in ended if _told(job)[-1] == "end refused"]
    assert len(_inside(host)) == len(ran) >= 1
    assert len(ran) + len(refused) == 8
    assert all(_told(job)[0].startswith("locked job-") for job in refused)


@under()
def test_a_lock_that_goes_between_two_looks_still_counts(host: Host) -> None:
    state = host.path("/state")
    state.mkdir()
    for name in ("lock.3", "lock.9.new", "lock.x"):
        (state / name).touch()
    # Listed, and not there: as one that its successor takes away in that moment.
    (state / "lock.5").symlink_to("gone")
    text = f"STATE={sh(str(state))}\nlock_top\necho $_top\n"
    words = host.inline("job-a", ("prelude.sh", "process.sh", "lock.sh"), text)
    assert subprocess.check_output(words, text=True) == "5\n"


@under(FEWER)
def test_those_who_wait_run_one_after_the_other(host: Host) -> None:
    host.wait_s = 30
    ended = _at_once(host, *(_busy(f"job{number}", "sleep 0.2") for number in range(4)))
    assert all(job.ok for job in ended), [_told(job) for job in ended]
    assert sorted(_inside(host)) == [f"job{number}" for number in range(4)]
    assert any(line.startswith("waiting job-") for job in ended for line in _told(job))


@under(FEWER)
def test_one_who_waited_in_vain_is_refused_and_takes_nothing_away(host: Host) -> None:
    first = _inside_until_open(host)
    host.wait_s = 2
    second = _told(host.end(_start(host, "second")))
    assert [line.split()[0] for line in second] == ["waiting", "locked", "end"]
    host.wait_s = 0
    assert _told(host.end(_start(host, "third")))[-1] == "end refused"
    host.open()
    assert host.end(first).ok
    assert _inside(host) == ["first"]


@under(FEWER)
def test_one_who_waits_can_be_cancelled(host: Host) -> None:
    first = _inside_until_open(host)
    host.wait_s = 30
    second = _start(host, "second")
    second.reach("waiting")
    assert host.call("cancel_job", second.folder.name) == ["asked"]
    assert _told(host.end(second))[1:] == ["cancelled lock", "end refused"]
    host.open()
    assert host.end(first).ok
    assert _inside(host) == ["first"]


def _started_at(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def _dead() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


BOOT = "/proc/sys/kernel/random/boot_id"
ALIVE = os.getpid()


def _hold(host: Host, pid: int, started: str, boot: str = "unknown") -> None:
    """A lock as another job wrote it."""
    host.path("/var/lib/magnus/jobs").mkdir(parents=True, mode=0o700)
    host.path("/var/lib/magnus").chmod(0o700)
    host.write("/var/lib/magnus/lock.7", f"{boot} {pid} {started} job-x me@home 2026-01-01T\n")


@under()
def test_the_lock_of_somebody_who_lives_is_kept(host: Host) -> None:
    _hold(host, ALIVE, _started_at(ALIVE))
    assert _told(host.end(_start(host, "x")))[0] == "locked job-x me@home 2026-01-01T 0/0"
    host.write(BOOT, "one\n")
    _hold_again = f"one {ALIVE} {_started_at(ALIVE)} job-x me@home 2026-01-01T\n"
    host.write("/var/lib/magnus/lock.8", _hold_again)
    assert _told(host.end(_start(host, "y")))[-1] == "end refused"


@pytest.mark.parametrize(
    ("pid", "started", "said"),
    [
        (_dead(), "1", "pid-{}-gone"),
        (ALIVE, "1", "pid-{}-gone"),
        (ALIVE, "{}", "rebooted"),
    ],
    ids=["dead", "other-start", "other-boot"],
)
@under()
def test_the_lock_of_somebody_who_is_gone_is_reclaimed(
    host: Host, pid: int, started: str, said: str
) -> None:
    boot = "unknown"
    if said == "rebooted":
        host.write(BOOT, "two\n")
        boot = "one"
    _hold(host, pid, started.format(_started_at(ALIVE)), boot)
    job = host.end(_start(host, "x"))
    assert job.ok
    assert _told(job)[:2] == [f"reclaimed job-x {said.format(pid)}", "begin 1"]
    assert [path.name for path in host.path("/var/lib/magnus").glob("lock*")] == ["lock.8"]


@under()
def test_a_dead_job_holds_the_lock_while_its_step_lives(host: Host) -> None:
    first = _inside_until_open(host)
    pid = first.pid()
    first.kill()
    assert _told(host.end(_start(host, "second")))[-1] == "end refused"
    host.wait_s = 60
    waits = _start(host, "third")
    waits.reach("waiting")
    host.open()
    third = host.end(waits)
    assert third.ok
    assert [line.split()[0] for line in _told(third)][:3] == ["waiting", "reclaimed", "begin"]
    assert f"reclaimed job-1 pid-{pid}-gone" in _told(third)
    assert _inside(host) == ["first", "third"]


LIBRARY = ("prelude.sh", "process.sh", "lock.sh")
RACE = """
event() { :; }
_round=0
while [ $_round -lt 50 ]; do
  MY_LOCK=
  if take_lock me 0; then
    _round=$((_round + 1))
    mkdir "$STATE/inside" || echo "two hold it"
    [ $((_round % 10)) != 0 ] || sleep 0.1
    rmdir "$STATE/inside"
  fi
  [ -z "$MY_LOCK" ] || unlock
done
echo done
"""


@under(FEWER)
def test_a_lock_that_nobody_can_write_is_not_waited_for(host: Host) -> None:
    stubs = "event() { :; }\nno_space() { echo no space; }\nMY_LOCK=\n"
    text = stubs + 'cd /proc && take_lock me 0 || echo "no $MY_LOCK"\n'
    assert run(host.inline("job-1", LIBRARY, text)).lines == ["no space", "no "]


@pytest.mark.parametrize("shell", SHELLS[:1], indirect=True)
def test_two_hundred_races_of_four_unlike_shells_have_one_holder_each(host: Host) -> None:
    shells = [shell for shell in (*SHELLS[:2], *SHELLS[3:]) if not shell.missing]
    racers = []
    for number, shell in enumerate(shells):
        host.shell = shell
        racers.append(launch(host.inline(f"job-{number}", LIBRARY, RACE)))
    said = [racer.communicate(timeout=60) for racer in racers]
    assert [out for out, _ in said] == [b"done\n"] * len(shells), said
    assert len(list(host.path("/var/lib/magnus").glob("lock.*"))) == 1

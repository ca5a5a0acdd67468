"""F12, S12, S13: the window in which a host waits to be reached anew, and what can go wrong."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.kill import Journals, running
from tests.faults.real import Real, declare, free, job_of, journal, reachable, says
from tests.faults.snapshot import differences, files
from tests.lab import Host, Lab, lab, missing
from tests.lab.system import wait_for

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
SLOW = pytest.mark.slow_faults
DROP_IN = "/etc/ssh/sshd_config.d/05-ours.conf"
RIGHTS = "/etc/sudoers.d/zz-ours"
ALLOW, DENY = "/etc/hosts.allow", "/etc/hosts.deny"
NO_NEW = """\
flush ruleset
table inet filter {
  chain input {
    type filter hook input priority 0; policy accept;
    tcp dport 22 tcp flags & (syn | ack) == syn drop
  }
}
"""
KNOCK = """\
import contextlib, socket, sys, time
while True:
    with contextlib.suppress(OSError), socket.create_connection((sys.argv[1], 22), 5) as held:
        if held.recv(100):
            time.sleep(1)
    time.sleep(0.01)
"""


@pytest.fixture
def one() -> Iterator[Lab]:
    with lab(["one"]) as running_lab:
        reachable(running_lab, "one", 20)
        yield running_lab


def file(content: str, mode: str = "0644") -> dict[str, str]:
    return {"content": content, "mode": mode}


def only(one: Lab, *, confirm: str = "6s", **resources: Any) -> Real:
    """An inventory with the host, and what is declared for it."""
    return declare(one, {"one": {"resources": resources, "confirm_timeout": confirm}})


@contextlib.contextmanager
def firewall_of_old_ones(one: Lab) -> Iterator[Real]:
    """What is declared lets in no new connection; those that are there go on."""
    service = {"nftables": {"restart_on": ["file:/etc/nftables.conf"]}}
    yield only(one, files={"/etc/nftables.conf": file(NO_NEW, "0755")}, services=service)


@contextlib.contextmanager
def all_places_taken(one: Lab) -> Iterator[Real]:
    """What is declared admits one caller at a time who is not logged in, and one is always there.

    A server that reads its configuration anew does not count whom it had before.
    """
    knock = [sys.executable, "-c", KNOCK, one.hosts["one"].address]
    triggers = [f"file:{DROP_IN}"]
    service = {"ssh": {"reload": True, "restart_on": triggers}}
    settle = {"settle": {"run": "sleep 2", "restart_on": triggers, "after": ["service:ssh"]}}
    limits = file("MaxStartups 1:100:1\n")
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(running(one.command(knock)))
        # A server that drops us is asked again after 1, 2 and 4 s.
        wanted = {"files": {DROP_IN: limits}, "services": service, "commands": settle}
        yield only(one, confirm="14s", **wanted)


@pytest.mark.parametrize(
    ("closing", "why"),
    [
        (firewall_of_old_ones, "the first one came too late"),
        pytest.param(all_places_taken, "dropped us before it did", marks=SLOW),
    ],
    ids=["firewall", "MaxStartups"],
)
def test_s12_who_could_confirm_only_over_the_old_connection_does_not(
    one: Lab, closing: Any, why: str
) -> None:
    host = one.hosts["one"]
    with closing(one) as real:
        before = files(host, ["/etc"])
        ran = real.run("provision", "--yes")
    assert ran.code == 6, ran.said
    assert "one: reverted, because nobody confirmed it in time" in ran.stdout
    assert why in ran.stdout
    # The old connection told of it all the while: it was never lost.
    assert "one  taking back: no confirmation" in ran.stderr
    assert "link lost" not in ran.said
    assert journal(host).count("confirmed") == 0
    reachable(one, "one", 30)
    assert differences(before, files(host, ["/etc"])) == {}


def test_f12_a_server_that_is_away_for_a_while_is_waited_for(one: Lab) -> None:
    """As while openssh-server is upgraded: new connections are refused, the old one goes on."""
    away = "systemctl stop ssh && systemd-run --quiet --on-active=5 systemctl start ssh"
    command = {"upgrade": {"run": away, "restart_on": [f"file:{DROP_IN}"]}}
    real = only(one, confirm="25s", files={DROP_IN: file("MaxAuthTries 5\n")}, commands=command)
    ran = real.run("provision", "--yes")
    assert ran.code == 0, ran.said
    for attempt in (1, 2):
        told = f"one  confirming over a new connection, attempt {attempt}: unreachable at "
        assert told in ran.stderr
    assert "connection refused" in ran.stderr
    assert "one  confirmed over a new connection" in ran.stderr
    assert "link lost" not in ran.said
    assert "maxauthtries 5" in one.hosts["one"].run("sshd -T").stdout
    assert real.run("plan", "--detailed-exitcode").code == 0


@SLOW
def test_s11_what_nobody_is_left_to_take_back_is_not_called_done(one: Lab) -> None:
    """The job and its timer are killed in the window: what looks as declared would not stay so."""
    host, journals = one.hosts["one"], Journals(one.hosts["one"].rootfs)
    real = only(one, confirm="60s", files={ALLOW: file("sshd: ALL\n")})
    with real.start("provision", "--yes") as run:
        says(host, journals, " arm ")
        run.stop()
        says(host, journals, " confirm 60$")
        job = job_of(host)
        # The brackets: whoever looks for a name has it on its own command line.
        its = f"[j]obs/{job}/job"
        host.run(f"pkill -KILL -f '{its}'", check=False)
        run.kill()
    gone = f"! pgrep -f '{its}'"
    wait_for("the end of both", lambda: host.run(gone, check=False).returncode == 0, 10)
    told = real.run("plan")
    assert f"one  job {job} is not confirmed there: what it changed may be taken back yet" in (
        told.stderr + told.stdout
    )
    checked = real.run("verify")
    assert checked.code == 9
    assert f"job {job} was not confirmed" in checked.stdout
    first = real.run("provision", "--yes")
    assert first.code == 6, first.said
    assert f"one: job {job} there was never confirmed, and was taken back now" in first.stdout
    assert "Run the same command again" in first.stdout
    assert "sshd: ALL" not in host.run(f"cat {ALLOW}").stdout
    second = real.run("provision", "--yes")
    assert second.code == 0, second.said
    assert "confirmed" in journal(host)
    assert real.run("plan", "--detailed-exitcode").code == 0


def test_s13_a_way_back_that_fails_is_never_called_a_success(one: Lab) -> None:
    """Somebody puts a directory where a file was; the rest is taken back all the same."""
    host, journals = one.hosts["one"], Journals(one.hosts["one"].rootfs)
    host.run(f"echo 'sshd: ALL' >{ALLOW}")
    wanted = {ALLOW: file("ALL: ALL\n"), RIGHTS: file("admin ALL=(ALL) !ALL\n", "0440")}
    real = only(one, files=wanted)
    before = files(host, ["/etc"])
    with real.start("provision", "--yes") as run:
        says(host, journals, " confirm 6$")
        host.run(f"rm {ALLOW} && mkdir {ALLOW}")
        assert run.wait(60) == 8, run.stdout + run.stderr
        said = run.stdout
    job = job_of(host)
    assert "one: taking back FAILED" in said
    assert f"still stands: file:{ALLOW}" in said
    assert f"taken back: file:{RIGHTS}" in said
    assert f"{ALLOW} is a directory" in said
    step = f"sh /var/lib/magnus/jobs/{job}/job revert '' '' again"
    assert f"At its console:  {step}" in said
    assert "reverted" not in journal(host)
    assert journal(host)[-1] == "end revert-failed"
    reachable(one, "one", 30)
    listed = real.run("jobs", "-l", "one")
    assert "revert-failed" in listed.stdout, listed.said
    assert free(host)
    # Who repairs what was in the way does at the console what was said, and all is as before.
    host.run(f"rmdir {ALLOW} && {step}")
    assert "reverted" in journal(host)
    assert differences(before, files(host, ["/etc"])) == {}


@pytest.mark.slow_faults
def test_s13_the_console_step_says_when_it_fails_again(one: Lab) -> None:
    host, journals = one.hosts["one"], Journals(one.hosts["one"].rootfs)
    host.run(f"echo 'sshd: ALL' >{ALLOW}")
    real = only(
        one, files={ALLOW: file("ALL: ALL\n"), RIGHTS: file("admin ALL=(ALL) !ALL\n", "0440")}
    )
    with real.start("provision", "--yes") as run:
        says(host, journals, " confirm 6$")
        host.run(f"rm {ALLOW} && mkdir {ALLOW}")
        assert run.wait(60) == 8
    step = f"sh /var/lib/magnus/jobs/{job_of(host)}/job revert '' '' again"
    again = host.run(step, check=False)
    assert again.returncode != 0
    assert "is a directory" in again.stdout + again.stderr


def test_a_guarded_step_that_fails_takes_its_stage_back_at_once(one: Lab) -> None:
    host = one.hosts["one"]
    text = f"! grep MaxAuthTries {DROP_IN} || {{ echo no way; exit 3; }}"
    fails = {"fails": {"run": text, "restart_on": [f"file:{DROP_IN}"]}}
    real = only(one, confirm="60s", files={DROP_IN: file("MaxAuthTries 5\n")}, commands=fails)
    before = files(host, ["/etc"])
    ran = real.run("provision", "--yes", seconds=40)
    assert ran.code == 5, ran.said
    assert "one: command:fails failed, so what can cut this host off was taken back" in ran.stdout
    assert "no way" in ran.stdout
    assert differences(before, files(host, ["/etc"])) == {}


@pytest.mark.slow_faults
@pytest.mark.parametrize("who", ["timer", "main"])
def test_s10_one_of_the_two_that_guard_the_window_is_enough(one: Lab, who: str) -> None:
    """The job and its timer are processes of their own; each takes back when the other dies."""
    host, journals = one.hosts["one"], Journals(one.hosts["one"].rootfs)
    real = only(one, files={RIGHTS: file("admin ALL=(ALL) !ALL\n", "0440")})
    before = files(host, ["/etc"])
    with real.start("provision", "--yes") as run:
        says(host, journals, " confirm 6$")
        kill(host, who)
        assert run.wait(60) == 6, run.stdout + run.stderr
        said = run.stdout
    if who == "timer":
        assert "one: reverted, because its timer died" in said
    else:
        assert f"one: job {job_of(host)} was killed there, and its timer takes back" in said
        assert "See what stands in a minute:  magnusctl plan -l one" in said
        wait_for("the way back", lambda: journal(host)[-1] == "reverted", 20)
        assert "reverting the-job-died" in journal(host)
    assert differences(before, files(host, ["/etc"])) == {}


def kill(host: Host, *units: str) -> None:
    """SIGKILL to all processes of a job's unit."""
    job = job_of(host)
    for unit in units:
        host.run(f"systemctl kill --signal=KILL --kill-whom=all magnus-{unit}-{job}.service")


@pytest.mark.slow_faults
@pytest.mark.parametrize("then", ["the next job", "a reboot"])
def test_s10_with_job_and_timer_dead_the_next_job_or_boot_takes_back(one: Lab, then: str) -> None:
    host, journals = one.hosts["one"], Journals(one.hosts["one"].rootfs)
    real, before = only(one, files={DENY: file("ALL: 192.0.2.1\n")}), files(host, ["/etc"])
    with real.start("provision", "--yes") as run:
        says(host, journals, " arm ")
        run.stop()
        says(host, journals, " confirm 6$")
        kill(host, "main", "timer")
        run.kill()
    job = job_of(host)
    assert differences(before, files(host, ["/etc"]))
    if then == "a reboot":
        host.reboot()
        wait_for("the way back", lambda: "reverted" in journal(host, job), 20)
        assert "reverting boot" in journal(host, job)
        assert differences(before, files(host, ["/etc"])) == {}
        return
    other = only(one, files={"/etc/other": file("x\n")})
    ran = other.run("provision", "--yes")
    assert ran.code == 0, ran.said
    assert f"one  job {job} died unconfirmed: taking its changes back first" in ran.stderr
    assert "reverted" in journal(host, job)
    assert set(differences(before, files(host, ["/etc"]))) == {"/etc/other"}

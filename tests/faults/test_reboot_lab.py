"""F5, F6, C3: a real host that reboots or loses its power in the middle of a job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.kill import Journals
from tests.faults.real import Real, declare, free, job_of, journal, reachable, says
from tests.lab import Host, Lab, lab, missing
from tests.lab.system import wait_for

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
SLOW = pytest.mark.slow_faults
OLD, NEW = "old\n" * 50_000, "new\n" * 60_000
FILES = {"/etc/a": ("", "a\n"), "/etc/b": (OLD, NEW), "/etc/hosts.deny": ("# x\n", "# y\n")}
"""What each holds before and after; the last one is changed under guard."""


def slowly(name: str) -> dict[str, str]:
    return {"run": f"sleep 1.5; touch /{name}", "unless": f"test -e /{name}"}


RESOURCES: dict[str, Any] = {
    "files": {path: {"content": after} for path, (_, after) in FILES.items()},
    "commands": {"c1": slowly("c1"), "c2": slowly("c2")},
}
STEPS = 5


@pytest.fixture
def one() -> Iterator[Lab]:
    with lab(["one"]) as running:
        host = running.hosts["one"]
        for path, (before, _) in FILES.items():
            if before:
                (host.rootfs / path.lstrip("/")).write_text(before)
        reachable(running, "one", 20)
        yield running


def wants(one: Lab, **resources: Any) -> Real:
    return declare(one, {"one": {"resources": resources or RESOURCES}})


def assert_whole(host: Host) -> None:
    """I1: every file has its old bytes or its new ones."""
    for path, contents in FILES.items():
        file = host.rootfs / path.lstrip("/")
        assert (file.read_text() if file.exists() else "") in contents, path


def assert_converges(one: Lab, real: Real, dead: str, why: str) -> None:
    """I2: the next run takes the lock, makes all of it true, and a third one has nothing to do."""
    host = one.hosts["one"]
    reachable(one, "one", 60)
    ran = real.run("provision", "--yes")
    assert ran.code == 0, ran.said
    assert not why or f"one  took the lock of job {dead}, which is dead ({why})" in ran.stderr
    assert real.run("plan", "--detailed-exitcode").code == 0
    for path, (_, after) in FILES.items():
        assert (host.rootfs / path.lstrip("/")).read_text() == after
    assert host.run("find / -xdev -name '.magnus.*' -not -path '/proc/*'").stdout == ""
    assert free(host)


POINTS = [
    pytest.param(" begin ", 1, 0, id="begin", marks=SLOW),
    pytest.param(" start 2$", 3, 2, id="in a step"),
    pytest.param(" ok 2$", 4, 3, id="between steps", marks=SLOW),
    pytest.param(" start 3$", 4, 3, id="in a later step", marks=SLOW),
]


@pytest.mark.parametrize(("line", "at", "done"), POINTS)
def test_f5_a_power_cut_is_told_by_the_boot_id_and_a_second_run_converges(
    one: Lab, line: str, at: int, done: int
) -> None:
    host, real, journals = one.hosts["one"], wants(one), Journals(one.hosts["one"].rootfs)
    with real.start("provision", "--yes") as run:
        says(host, journals, line)
        host.power_cut()
        assert run.wait(120) == 5, run.stdout + run.stderr
        said = run.stdout
    job = job_of(host)
    assert f"one: the host rebooted during job {job} (its boot id changed)" in said
    # A fast host may be a step further than the line that was waited for.
    if done:
        assert f"at step {at} of {STEPS}: {done} changes were made" in said
        assert f"{STEPS - at} steps were not begun" in said
    assert "Run the same command again: it goes on from what is." in said
    assert_whole(host)
    assert "died" in real.run("jobs", "-l", "one").stdout
    assert_converges(one, real, job, "rebooted")


@SLOW
def test_f5_a_power_cut_under_guard_is_taken_back_before_anybody_looks(one: Lab) -> None:
    host, real, journals = one.hosts["one"], wants(one), Journals(one.hosts["one"].rootfs)
    with real.start("provision", "--yes") as run:
        says(host, journals, " arm ")
        host.power_cut()
        assert run.wait(120) == 6, run.stdout + run.stderr
        assert "one: reverted, because the host rebooted before it was confirmed" in run.stdout
    assert (host.rootfs / "etc/hosts.deny").read_text() == FILES["/etc/hosts.deny"][0]
    assert_whole(host)
    assert_converges(one, real, job_of(host), "rebooted")


def test_f5_a_clean_reboot_ends_the_job_after_its_step(one: Lab) -> None:
    """No step is cut: systemd waits for the one that runs, and no other one begins."""
    host, real, journals = one.hosts["one"], wants(one), Journals(one.hosts["one"].rootfs)
    with real.start("provision", "--yes") as run:
        says(host, journals, " start 2$")
        host.reboot()
        code = run.wait(120)
        said = run.stdout
    job = job_of(host)
    assert code == 5, said
    told = f"job {job} was told there to stop, as when a host shuts down"
    # Whether the link outlives the job's last words is up to the host.
    assert f"one: {told}; not begun: command:c2, file:/etc/hosts.deny" in said
    assert "Run the same command again: it goes on from what is." in said
    assert (host.rootfs / "c1").exists()
    assert journal(host)[-3:] == ["cancelled 3", "cancelled 4", "end stopped"]
    assert_whole(host)
    assert_converges(one, real, job, "")


@SLOW
def test_f5_nobody_is_left_and_the_next_run_tells_what_became_of_the_job(one: Lab) -> None:
    host, real, journals = one.hosts["one"], wants(one), Journals(one.hosts["one"].rootfs)
    with real.start("provision", "--yes") as run:
        says(host, journals, " start 2$")
        run.kill()
        host.power_cut()
    job = job_of(host)
    reachable(one, "one", 60)
    told = real.run("plan")
    assert f"one  job {job} by you went on without you: died at " in told.stderr
    attached = real.run("attach", "one", job)
    assert attached.code == 5
    assert f"the host rebooted during job {job} (its boot id changed)" in attached.said
    assert_converges(one, real, job, "rebooted")


@SLOW
def test_f5_a_host_that_reboots_itself_in_a_command_is_waited_for(one: Lab) -> None:
    """There is no resource for a reboot yet: a command that does it is a step like any other."""
    host = one.hosts["one"]
    text = "test -e /rebooted || { touch /rebooted; systemctl reboot; sleep 5; }"
    late = {"reboot": {"run": text, "unless": "test -e /rebooted"}, "late": slowly("late")}
    real = wants(one, commands=late)
    with real.start("provision", "--yes") as run, host.comes_back():
        code = run.wait(120)
    assert code == 5
    assert "one: " in run.stdout
    assert "Run the same command again: it goes on from what is." in run.stdout
    reachable(one, "one", 60)
    again = real.run("provision", "--yes")
    assert again.code == 0, again.said
    assert (host.rootfs / "late").exists()


@SLOW
def test_f6_a_host_that_goes_down_and_stays_down_stops_no_other(tmp_path: Any) -> None:
    """F6 asks for a reboot that is planned, which nothing can declare yet; what can be shown is
    that a host which stays away ends with its name, its job and what to type, and others go on."""
    with lab(["one", "two"]) as both:
        host = both.hosts["one"]
        off = {
            "off": {
                "run": "sleep 1; systemctl poweroff --force --force; sleep 60",
                "unless": "test -e /x",
            }
        }
        other = {"commands": {"c": {"run": "sleep 3; touch /c", "unless": "test -e /c"}}}
        hosts = {"one": {"resources": {"commands": off}}, "two": {"resources": other}}
        real = declare(both, hosts)
        ran = real.run("provision", "--yes", MAGNUS_RECONNECT_S="8")
        host.wait_off()
        assert ran.code == 5, ran.said
        job = job_of(host)
        assert "one: link lost at step 1/1, and no way back within 8 s: " in ran.stdout
        assert "unreachable at " in ran.stdout
        assert f"Follow it with:  magnusctl attach one {job}" in ran.stdout
        assert "1 of 2 hosts failed" in ran.stdout
        assert (both.hosts["two"].rootfs / "c").exists()
        wait_for("the other host's lock", lambda: free(both.hosts["two"]), 10)

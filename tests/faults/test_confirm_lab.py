"""S9, S10, S11: what could cut a real host off is taken back, unless somebody comes in anew.

Each kind of change is made for real: by systemd, sshd, nftables, netplan, sudo. I5 is judged over
everything below /etc and over what the host does: addresses, routes, rules, what sshd listens to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.cutoffs import KINDS, Kind
from tests.faults.kill import Journals, Run
from tests.faults.real import CONFIRM_S, Real, declare, free, job_of, journal, reachable, says
from tests.faults.snapshot import Snapshot, differences, files, runtime
from tests.lab import Host, Lab, lab, missing
from tests.lab.system import wait_for

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
FOLDERS = ("/etc", "/usr/local", "/root", "/home", "/var/spool", "/run/systemd/network")
COPIES = ("/etc/passwd-", "/etc/shadow-")
IN_CI = ("firewall",)
WITHIN_S = CONFIRM_S + 90


def kinds(*, cutting: bool = False) -> list[Any]:
    """All kinds, or those that cut a host off; most of them are the long part."""
    wanted = [kind for kind in KINDS.values() if kind.cuts or not cutting]
    slow = pytest.mark.slow_faults
    return [pytest.param(k, id=k.name, marks=() if k.name in IN_CI else slow) for k in wanted]


@pytest.fixture
def one() -> Iterator[Lab]:
    with lab(["one"]) as running:
        yield running


def declared(one: Lab, kind: Kind, *, good: bool = False) -> Real:
    """The host in its first state, and an inventory that wants the change."""
    host = one.hosts["one"]
    host.run(kind.setup or ":")
    if good:
        host.run(kind.good_setup or ":")
    # The first sudo of a user leaves a note in the home.
    reachable(one, "one", 60)
    own = json.dumps(one.key.with_suffix(".pub").read_text())[1:-1]
    settings = json.loads(json.dumps(kind.good if good else kind.bad).replace("{own}", own))
    top = kind.good_top if good else kind.top
    confirm_s = 60 if good else CONFIRM_S
    # Where packets are dropped, the last that is sent again in 10 s may still come too early.
    entries: dict[str, Any] = {"one": settings, "peer": {}}
    return declare(one, entries, confirm_s=confirm_s, connect_s=30, **top)


def state(host: Host) -> Snapshot:
    """All that a change could have left behind, but for the copies that usermod keeps."""
    return {**files(host, FOLDERS, COPIES), **runtime(host)}


def assert_as_before(one: Lab, before: Snapshot) -> None:
    """I5 and I1: it can be reached, nothing is otherwise, and nothing waits any more."""
    reachable(one, "one", WITHIN_S)
    host = one.hosts["one"]
    wait_for("the end of its units", lambda: "magnus-" not in running_units(host), 60)
    assert differences(before, state(host)) == {}
    assert host.run("find / -xdev -name '.magnus.*' -not -path '/proc/*'").stdout == ""
    assert not list(host.rootfs.glob("var/lib/magnus/jobs/*/pending"))
    assert not (host.rootfs / "var/lib/magnus/boot-revert").exists()


def running_units(host: Host) -> str:
    return host.run("systemctl list-units --no-legend --plain --state=active --type=service").stdout


def wait_asked(host: Host, journals: Journals, run: Run, kind: Kind) -> None:
    """Wait until the job asks to be confirmed, and nobody can say so yet."""
    if not kind.cuts:
        says(host, journals, " arm ")
        run.stop()
    says(host, journals, f" confirm {CONFIRM_S}$")


@pytest.mark.parametrize("kind", kinds(cutting=True))
def test_s9_what_cuts_the_host_off_is_taken_back(one: Lab, kind: Kind) -> None:
    host, real = one.hosts["one"], declared(one, kind)
    before = state(host)
    ran = real.run("provision", "--yes", "-l", "one")
    assert ran.seconds < WITHIN_S
    assert ran.code == 6, ran.said
    assert "one: reverted, because nobody confirmed it in time" in ran.stdout
    assert "addresses, files and services are as before" in ran.stdout
    assert "no new connection got in: " in ran.stdout
    assert kind.why in ran.stdout, ran.said
    assert "See what stands with:  magnusctl plan -l one" in ran.stdout
    assert_as_before(one, before)
    assert journal(host)[-1] == "end reverted"
    assert free(host)
    assert real.run("plan", "-l", "one", "--detailed-exitcode").code == 10


@pytest.mark.slow_faults
def test_s9_what_cuts_nobody_off_is_confirmed_however_bad_it_is(one: Lab) -> None:
    """What is promised is a way in, and no more: a resolver that finds nothing is one's own."""
    kind = KINDS["resolver"]
    real = declared(one, kind)
    assert real.run("provision", "--yes", "-l", "one").code == 0
    host = one.hosts["one"]
    assert journal(host)[-2:] == ["confirmed", "end ok"]
    assert "192.0.2.1" in host.run("cat /etc/resolv.conf").stdout
    assert real.run("rollback", "one", "--yes").code == 0
    assert "192.0.2.1" not in host.run("cat /etc/resolv.conf").stdout


@pytest.mark.parametrize("kind", kinds())
def test_s10_it_is_taken_back_when_nobody_is_left_to_confirm(one: Lab, kind: Kind) -> None:
    host, real = one.hosts["one"], declared(one, kind)
    before, journals = state(host), Journals(host.rootfs)
    with real.start("provision", "--yes", "-l", "one") as run:
        wait_asked(host, journals, run, kind)
        run.kill()
    says(host, journals, " end reverted$", WITHIN_S)
    assert_as_before(one, before)
    assert "reverting no-confirmation" in journal(host)
    job = job_of(host)
    told = real.run("plan", "-l", "one")
    assert told.code == 0, told.said
    assert f"job {job} by you went on without you: reverted at " in told.stderr


@pytest.mark.parametrize("kind", kinds())
def test_s11_a_host_that_loses_its_power_in_the_window_boots_as_before(
    one: Lab, kind: Kind
) -> None:
    host, real = one.hosts["one"], declared(one, kind)
    # What no file holds is lost with the power in any case.
    host.power_cut()
    before, journals = state(host), Journals(host.rootfs)
    with real.start("provision", "--yes", "-l", "one") as run:
        wait_asked(host, journals, run, kind)
        host.power_cut()
        run.go_on()
        reachable(one, "one", WITHIN_S)
        assert run.wait(120) == 6, run.stdout + run.stderr
        assert "one: reverted, because the host rebooted before it was confirmed" in run.stdout
    assert "reverting boot" in journal(host)
    assert journal(host)[-1] == "reverted"
    assert_reverted_before_ssh(host)
    assert_as_before(one, before)


def assert_reverted_before_ssh(host: Host) -> None:
    """What the boot began with was over when sshd was started."""
    lines = host.run("journalctl -b -o short-monotonic --no-pager").stdout.splitlines()
    over = next(n for n, line in enumerate(lines) if "Finished magnus-revert.service" in line)
    begun = next(n for n, line in enumerate(lines) if "Starting ssh.service" in line)
    assert over < begun, lines[over : begun + 1]


@pytest.mark.parametrize("kind", kinds())
def test_s9_a_good_change_of_each_kind_is_confirmed_and_stays(one: Lab, kind: Kind) -> None:
    host, real = one.hosts["one"], declared(one, kind, good=True)
    assert host.run(kind.proof, check=False).returncode != 0
    ran = real.run("provision", "--yes", "-l", "one")
    assert ran.code == 0, ran.said
    assert "one  confirmed over a new connection" in ran.stderr
    host.run(kind.proof)
    host.reboot()
    reachable(one, "one", WITHIN_S)
    host.run(kind.proof)
    again = real.run("plan", "-l", "one", "--detailed-exitcode")
    assert again.code == 0, again.said

"""A lab host that reboots, loses its power, its network or its sshd is the same host after it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.faults.kill import running
from tests.lab import Host, Lab, LabError, lab, missing, system
from tests.lab.leftovers import traces

BOOTED = "timeout 60 systemctl is-system-running --wait"
LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
NETPLAN = """\
network:
  version: 2
  ethernets:
    lan10g:
      match: {{macaddress: "{mac}"}}
      link-local: []
      ignore-carrier: true
      addresses: [10.99.1.1/24]
"""


@pytest.fixture(scope="module")
def one() -> Iterator[Lab]:
    with lab(["one"]) as running:
        yield running


@pytest.fixture
def host(one: Lab) -> Host:
    return one.hosts["one"]


def ssh(one: Lab, script: str, timeout: float = 60) -> str:
    return one.control(one.ssh("one", script), timeout=timeout, check=True).stdout


def is_silent(one: Lab) -> bool:
    """Whether a login is neither taken nor refused."""
    try:
        ssh(one, "true", timeout=1.5)
    except subprocess.TimeoutExpired:
        return True
    return False


def test_a_reboot_keeps_the_tree_and_starts_all_else_anew(one: Lab, host: Host) -> None:
    boot, leader, booted = host.boot_id(), host.leader, host.connections()
    host.run("echo kept >/root/kept; echo lost >/run/lost; echo lost >/dev/shm/lost")
    host.reboot()
    assert host.boot_id() != boot
    assert host.leader != leader
    assert system.start_time(leader) is None
    assert ssh(one, f"sudo cat /root/kept; {BOOTED}") == "kept\nrunning\n"
    assert ssh(one, "cat /proc/sys/kernel/random/boot_id").strip() == host.boot_id()
    assert host.run("test -e /run/lost || test -e /dev/shm/lost", check=False).returncode == 1
    assert host.connections() == booted + 2


def test_a_power_cut_tells_nobody(one: Lab, host: Host) -> None:
    boot = host.boot_id()
    with running(one.command(one.ssh("one", "echo on; exec sleep 300"))) as session:
        session.wait_line("on")
        host.run("echo kept >/root/kept2; nohup sleep 301 >/dev/null 2>&1 &")
        host.power_off()
        time.sleep(0.5)
        # Once it is back, a packet under way may be answered by one who knows nothing of it.
        assert session.code is None
        host.power_on()
    assert host.boot_id() != boot
    assert ssh(one, f"sudo cat /root/kept2; {BOOTED}") == "kept\nrunning\n"
    assert host.run("pgrep -f '[s]leep 30'", check=False).returncode == 1


def test_a_clean_reboot_ends_open_sessions(one: Lab, host: Host) -> None:
    with running(one.command(one.ssh("one", "echo on; exec sleep 300"))) as session:
        session.wait_line("on")
        with host.comes_back():
            # Whether it still says how that ended, nobody knows.
            one.control(one.ssh("one", "sudo systemctl reboot --no-block"), timeout=60)
            assert session.wait(60) == 255
    assert ssh(one, "hostname") == "one\n"


def test_a_host_without_power_is_silent_until_it_has_some(one: Lab, host: Host) -> None:
    host.power_off()
    assert is_silent(one)
    host.power_on()
    assert ssh(one, "hostname") == "one\n"


def test_a_host_that_does_not_come_back_is_an_error(host: Host) -> None:
    with pytest.raises(LabError, match="did not come back"), host.comes_back(seconds=0.3):
        pass
    assert host.run("true").returncode == 0


def test_a_frozen_sshd_is_silent_and_its_commands_go_on(one: Lab, host: Host) -> None:
    script = "for n in $(seq 200); do echo $n | tee -a /var/tmp/marks; sleep 0.05; done"
    with running(one.command(one.ssh("one", script))) as session:
        session.wait_line("^1$")
        host.freeze_sshd()
        assert is_silent(one)
        heard, marks = len(session.stdout), host.rootfs / "var/tmp/marks"
        before = len(marks.read_text())
        system.wait_for("more marks", lambda: len(marks.read_text()) > before, 60)
        assert len(session.stdout) == heard
        host.thaw_sshd()
        session.wait_line("^30$")
    assert ssh(one, "hostname") == "one\n"


def test_an_unplugged_host_is_a_black_hole(one: Lab, host: Host) -> None:
    with running(one.command(one.ssh("one", "echo on; sleep 2.5; echo after"))) as session:
        session.wait_line("on")
        host.unplug()
        assert is_silent(one)
        assert host.run("ping -c 1 -W 1 10.231.77.1", check=False).returncode == 1
        assert "state UP" in host.run("ip -o link show host0").stdout
        host.plug_back()
        session.wait_line("after", 60)
        assert session.wait(60) == 0


def test_an_address_of_netplan_is_there_after_every_boot(host: Host) -> None:
    file = host.rootfs / "etc/netplan/60-test.yaml"
    host.run("mkdir -p /etc/netplan")
    file.write_text(NETPLAN.format(mac=host.mac))
    file.chmod(0o600)

    def configured() -> bool:
        return "10.99.1.1/24" in host.run("ip -4 addr show dev lan10g").stdout

    assert not configured()
    host.run("netplan apply")
    system.wait_for("the address", configured, 60)
    host.reboot()
    system.wait_for("the address after a reboot", configured, 60)
    host.power_cut()
    system.wait_for("the address after a power cut", configured, 60)
    file.unlink()


def test_a_lab_of_rebooted_hosts_leaves_nothing_behind() -> None:
    with lab(["one", "two"]) as other:
        other.hosts["one"].reboot()
        other.hosts["one"].power_cut()
        other.hosts["two"].power_off()
    assert traces(other.id, other.workdir) == []

"""The roles that prepare a host, on real hosts: its doors, its graphics card, its real time.

Real are systemd, apt, nftables and the boots; SIMULATED, and named so, are the card with its
driver, Ollama and the trading engine: tests/lab/standins.py. The tests build on each
other.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import pytest

from magnusctl.checks import throughput
from tests.faults.debs import offer
from tests.faults.real import CONFIRM_S, Real, declare, reachable
from tests.faults.snapshot import Snapshot
from tests.lab import Host, Lab, standins
from tests.lab import examples as ex
from tests.lab.cluster import UNSETTABLE
from tests.lab.examples import Example
from tests.lab.shelf import Shelf
from tests.lab.standing import left, standing
from tests.lab.system import wait_for
from tests.lab.test_roles import asked, listening, shown

pytestmark = pytest.mark.lab
HOSTS = ("door", "neighbour", "rtx4090", "linode")
OPEN, CLOSED, LINKED = 8081, 8082, throughput.PORT
FIRST = ("packages", "connectivity", "ssh", "systemd-journald", "trading")
LAST = ("chrony", "irqbalance", "magnus-rt-tune", "magnus-trading", "magnus-nftables")
ENGINE = "opt/magnus/trading/current/bin/trading_engine"


def door(hosts: Lab, confirm_s: int = 60, **firewall: Any) -> Real:
    """A host with the role base, on a link to its neighbour."""
    doors = {"open": [{"port": OPEN}], **firewall}
    wanted = {"base": {"sysctls": UNSETTABLE, "firewall": doors}}
    ends = {
        name: {"address": f"{hosts.hosts[name].address}/24", "interface": "host0"}
        for name in ("door", "neighbour")
    }
    link = {"kind": "internet", "speed": "1Gbit/s", "ends": ends}
    entries: Mapping[str, Any] = {"door": {"roles": ["base"], "variables": wanted}, "neighbour": {}}
    return declare(hosts, entries, confirm_s=confirm_s, links={"lan": link})


def knock(host: Host, at: Host, port: int) -> bool:
    """Whether a host gets a connection to another."""
    script = f"timeout 3 bash -c 'exec 3<>/dev/tcp/{at.address}/{port}'"
    return host.run(script, check=False).returncode == 0


def listens(host: Host) -> None:
    """Have somebody listen on each of the ports, for all who come."""
    for port in (OPEN, CLOSED, LINKED):
        host.run(f"systemd-run -q --unit=listener-{port} busybox httpd -f -p {port} -h /usr/share")
    for port in (OPEN, CLOSED, LINKED):
        shown = f"ss -Hltn 'sport = :{port}'"
        wait_for(f"port {port}", lambda shown=shown: bool(host.run(shown).stdout), 60)  # type: ignore[misc]


def assert_closed(hosts: Lab) -> None:
    """Open is what was declared and no more, and iperf3 for the other end of the link alone."""
    at, peer, stranger = (hosts.hosts[name] for name in ("door", "neighbour", "linode"))
    assert {port for port in (22, OPEN, CLOSED, LINKED) if knock(peer, at, port)} == {
        *(22, OPEN, LINKED)
    }
    assert {port for port in (22, OPEN, CLOSED, LINKED) if knock(stranger, at, port)} == {22, OPEN}
    assert peer.run(f"ping -c 1 -W 2 {at.address}", check=False).returncode == 0
    assert knock(at, at, CLOSED)


@pytest.fixture(scope="module")
def before_door(hosts: Lab) -> Snapshot:
    return standing(hosts.hosts["door"])


@pytest.mark.covers("base", "Linux", "applied")
def test_what_was_open_is_closed_and_the_rules_of_others_stay(
    hosts: Lab, before_door: Snapshot
) -> None:
    host, peer = hosts.hosts["door"], hosts.hosts["neighbour"]
    assert before_door
    listens(host)
    assert all(knock(peer, host, port) for port in (OPEN, CLOSED, LINKED))
    host.run("nft add table inet foreign && nft add chain inet foreign theirs")
    real = door(hosts)
    ran = real.run("provision", "--yes", "-l", "door")
    assert ran.code == 0, ran.said
    assert_closed(hosts)
    assert "chain theirs" in host.run("nft list ruleset").stdout
    assert real.run("plan", "--detailed-exitcode", "-l", "door").code == 0
    # Loaded anew it is in the place of itself, and of nothing else.
    host.run("systemctl reload magnus-nftables")
    assert host.run("nft list ruleset").stdout.count("hook input") == 1
    assert "chain theirs" in host.run("nft list ruleset").stdout


def test_a_firewall_that_shuts_us_out_opens_again_by_itself(hosts: Lab) -> None:
    ran = door(hosts, CONFIRM_S, ssh_port=2222).run("provision", "--yes", "-l", "door")
    assert ran.code == 6, ran.said
    reachable(hosts, "door", 60)
    assert_closed(hosts)
    assert door(hosts).run("plan", "--detailed-exitcode", "-l", "door").code == 0


@pytest.mark.covers("base", "Linux", "verified")
def test_the_rules_are_there_after_a_boot(hosts: Lab) -> None:
    host = hosts.hosts["door"]
    host.reboot()
    reachable(hosts, "door", 60)
    listens(host)
    assert_closed(hosts)
    said = " ".join(door(hosts).run("verify", "-v", "-l", "door").stdout.split())
    assert "✓ base.firewall closed but for " in said
    assert "✓ base.sshd keys only, no root" in said
    host.run("nft delete table inet magnus")
    assert "✗ base.firewall" in door(hosts).run("verify", "-l", "door").stdout


@pytest.mark.covers("base", "Linux", "removed")
def test_the_doors_are_as_they_were(hosts: Lab, before_door: Snapshot) -> None:
    host = hosts.hosts["door"]
    ran = door(hosts).run("deprovision", "door", "--yes")
    assert ran.code == 0, ran.said
    assert all(knock(hosts.hosts["neighbour"], host, port) for port in (OPEN, CLOSED, LINKED))
    assert left(host, before_door) == {}


@pytest.fixture(scope="module")
def rtx4090(hosts: Lab, store: Shelf) -> Example:
    ex.with_ollama(store)
    debs = standins.driver()
    offer(hosts.hosts["rtx4090"], *debs)
    overlay = ex.rtx4090(store, tuple(deb.name for deb in debs))
    return ex.example(hosts, "rtx4090-ollama", "rtx4090", overlay)


@pytest.fixture(scope="module")
def before_rtx4090(rtx4090: Example) -> Snapshot:
    return standing(rtx4090.host)


@pytest.mark.covers("cuda", "Linux", "applied")
def test_a_driver_is_installed_held_and_booted_in_one_run(
    rtx4090: Example, before_rtx4090: Snapshot
) -> None:
    host, boot = rtx4090.host, rtx4090.host.boot_id()
    assert before_rtx4090
    assert "~ reboot:driver" in rtx4090.changes()
    with host.comes_back(600):
        said = rtx4090.provision()
    assert host.boot_id() != boot
    assert "rtx4090  boots; waiting for it" in said
    assert "rtx4090  back after " in said
    assert host.run("apt-mark showhold").stdout.split() == [standins.MODULES, standins.UTILS]
    assert "-u" in host.run("cat /var/log/initramfs-simulated").stdout
    for unit in ("nvidia-persistenced", "magnus-gpu-power", "ollama"):
        assert shown(host, unit, "ActiveState") == {"ActiveState": "active"}
    assert host.run("cat /run/simulated-watts").stdout == "350\n"
    start = shown(host, "nvidia-persistenced", "ExecStart")["ExecStart"]
    assert " --persistence-mode" in start
    assert rtx4090.changes() == []
    boot = host.boot_id()
    rtx4090.provision()
    assert host.boot_id() == boot


@pytest.mark.covers("cuda", "Linux", "verified")
def test_the_card_and_what_uses_it_are_proved(rtx4090: Example) -> None:
    host, verdicts = rtx4090.host, rtx4090.verdicts()
    for name in ("cuda.driver", "cuda.card", "cuda.held-packages", "inference.ollama-answers"):
        assert verdicts[name] == "pass", name
    assert "simulated" in asked(host, "http://127.0.0.1:11434/api/version")[1]
    assert listening(host) == {"127.0.0.1:11434"}
    hardened = shown(host, "ollama", "User", "NoNewPrivileges", "ProtectSystem", "DevicePolicy")
    assert hardened == {
        "User": "magnus-llm",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "DevicePolicy": "closed",
    }
    pid = shown(host, "ollama", "MainPID")["MainPID"]
    assert host.run(f"ps -o user= -p {pid}").stdout.strip() == "magnus-llm"
    assert "NoNewPrivs:\t1" in host.run(f"cat /proc/{pid}/status").stdout


@pytest.mark.covers("cuda", "Linux", "removed")
def test_the_driver_stays_and_all_that_was_made_for_it_goes(
    rtx4090: Example, before_rtx4090: Snapshot
) -> None:
    said = rtx4090.ends(0, "deprovision", "rtx4090", "--yes")
    assert "stays: reboot:driver (a boot cannot be taken back)" in said
    host = rtx4090.host
    assert host.run("apt-mark showhold").stdout == ""
    assert standins.DRIVER in host.run(f"dpkg-query -W {standins.UTILS}").stdout
    assert listening(rtx4090.host) == set()
    assert left(rtx4090.host, before_rtx4090) == {}


@pytest.fixture(scope="module")
def linode(hosts: Lab) -> Example:
    return ex.example(hosts, "magnus", "linode", ex.linode())


@pytest.fixture(scope="module")
def before_linode(linode: Example) -> Snapshot:
    return standing(linode.host)


def test_a_host_that_trades_is_left_alone_without_consent(
    linode: Example, before_linode: Snapshot
) -> None:
    said = linode.ends(3, "provision", "--yes", "-l", "linode")
    assert "linode  ○ left alone" in said
    for what in FIRST:
        assert f"--allow-disruption linode:{what}" in said
    said = linode.ends(3, "provision", "--yes", "-l", "linode", *ex.consent("linode", *FIRST[:-1]))
    assert "the engine was measured without" in said
    assert left(linode.host, before_linode) == {}


def test_a_machine_that_the_engine_was_not_measured_on_is_told(linode: Example) -> None:
    said = linode.ends(5, "provision", "--yes", "-l", "linode", *ex.consent("linode", *FIRST))
    assert "service:magnus-rt-tune failed" in said
    assert "rt-tune: 2048 huge pages were asked for, and " in said
    host = linode.host
    assert host.run("getent group magnus-trade").stdout.split(":")[2] == "880"
    for unit in ("magnus-trading", "magnus-rt-tune"):
        assert shown(host, unit, "LoadState") == {"LoadState": "loaded"}
    verdicts = linode.verdicts()
    assert verdicts["trading.huge-pages"] == "fail"
    # Its command line is the provider's, so isolated CPUs are no matter of this role.
    assert "trading.isolated-cpus" not in verdicts


@pytest.mark.covers("trading", "Linux", "applied")
@pytest.mark.covers("trading", "Linux", "verified")
def test_on_the_right_machine_the_engine_starts_once_a_release_brings_it(linode: Example) -> None:
    host = linode.host
    cpus = {"huge_pages": 0, "isolated_cpus": "1", "housekeeping_cpus": "0"}
    linode.declare(ex.linode(**cpus))
    linode.provision(*ex.consent("linode", "trading", "irqbalance"))
    assert linode.changes() == []
    assert shown(host, "magnus-rt-tune", "ActiveState") == {"ActiveState": "active"}
    assert shown(host, "magnus-trading", "ActiveState") == {"ActiveState": "inactive"}
    engine = host.rootfs / ENGINE
    engine.parent.mkdir(parents=True)
    engine.write_text(standins.ENGINE)
    engine.chmod(0o755)
    assert linode.changes() == ["~ service:magnus-trading"]
    linode.provision(*ex.consent("linode", "trading"))
    limits = shown(host, "magnus-trading", "ActiveState", "User", "LimitRTPRIO", "CPUAffinity")
    assert limits == {
        "ActiveState": "active",
        "User": "magnus-trade",
        "LimitRTPRIO": "80",
        "CPUAffinity": "0-1",
    }
    assert linode.changes() == []
    verdicts = linode.verdicts()
    for name in ("huge-pages", "rt-limits"):
        assert verdicts[f"trading.{name}"] == "pass", name


@pytest.mark.covers("trading", "Linux", "removed")
def test_a_host_that_traded_is_what_it_was(linode: Example, before_linode: Snapshot) -> None:
    shutil.rmtree(linode.host.rootfs / "opt/magnus/trading")
    everything = ex.consent("linode", *FIRST, *LAST)
    linode.ends(3, "deprovision", "linode", "--yes")
    linode.ends(0, "deprovision", "linode", "--yes", *everything)
    assert left(linode.host, before_linode) == {}

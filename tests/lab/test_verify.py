"""Verify on real hosts: each fault that is put in is found, named and gone when it is mended.

Real are Debian, sshd, systemd, the firewall, iperf3 and the links. The Macs are SIMULATED. The
tests build on each other: the hosts are provisioned once.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.lab.cluster import Cluster
from tests.lab.host import Host

pytestmark = pytest.mark.lab

Results = dict[tuple[str, str], dict[str, Any]]
WAN = ("rtx3090 → linode", "linode → rtx3090")


@pytest.fixture(scope="module")
def provisioned(four: Cluster) -> Cluster:
    """The four hosts, provisioned once."""
    answer = four.magnusctl("provision", "--yes")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return four


def verify(four: Cluster, *words: str) -> Results:
    """What verify finds, by subject and check."""
    answer = four.magnusctl("verify", "--json", *words)
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert lines, answer.stderr
    found = [line for line in lines if line["type"] == "check"]
    assert lines[-1]["exit_code"] == answer.returncode
    return {(r["subject"], r["check"]): r for r in found}


def test_all_questions_to_a_host_travel_in_one_exec(provisioned: Cluster) -> None:
    before = provisioned.execs()
    results = verify(provisioned, "--no-load")
    after = provisioned.execs()
    assert {name: after[name] - count for name, count in before.items()} == dict.fromkeys(before, 1)
    real = [r for (subject, _), r in results.items() if subject in ("rtx3090", "linode")]
    assert len(real) > 30


def test_what_is_well_passes(provisioned: Cluster) -> None:
    results = verify(provisioned, "--no-load")
    for check in ("reachable", "os", "host-key", "declared", "ping linode"):
        assert results["rtx3090", check]["verdict"] == "pass", results["rtx3090", check]
    for check in ("base.sshd", "base.key-files", "base.firewall", "base.updates"):
        assert results["linode", check]["verdict"] == "pass", results["linode", check]
    assert results["rtx3090", "host-key"]["measured"].startswith("ssh-ed25519 SHA256:")
    # Proved from another host: that the firewall is closed.
    for one, other in (("rtx3090", "linode"), ("linode", "rtx3090")):
        assert results[one, f"port 9 from {other}"]["verdict"] == "pass"
    assert results["macmini", "declared"]["simulated"] is True
    assert results["rtx3090", "declared"]["simulated"] is False


FAULTS: list[tuple[str, str, str, str, str, str]] = [
    # check, host to harm, harm, mend, verdict, words
    (
        "base.key-files",
        "linode",
        "mkdir -p /etc/ssl/private; echo PRIVATE KEY >/etc/ssl/private/web.key; "
        "chmod 0644 /etc/ssl/private/web.key",
        "rm /etc/ssl/private/web.key",
        "fail",
        "/etc/ssl/private/web.key",
    ),
    (
        "base.boot-due",
        "linode",
        "touch /run/reboot-required; echo linux-image-amd64 >/run/reboot-required.pkgs",
        "rm /run/reboot-required*",
        "warn",
        "linux-image-amd64",
    ),
    (
        "base.updates",
        "linode",
        "echo 'Unattended-Upgrade::Automatic-Reboot \"true\";' >/etc/apt/apt.conf.d/99x",
        "rm /etc/apt/apt.conf.d/99x",
        "fail",
        "boots by itself",
    ),
    (
        "base.firewall",
        "linode",
        "nft delete table inet magnus",
        "systemctl restart magnus-nftables",
        "fail",
        "not in force",
    ),
    (
        "port 9 from rtx3090",
        "linode",
        "nft delete table inet magnus",
        "systemctl restart magnus-nftables",
        "fail",
        "no firewall dropped it",
    ),
    (
        "port 9 from rtx3090",
        "linode",
        "nft insert rule inet magnus input tcp dport 9 accept; "
        "systemd-run -q --unit door python3 -m http.server 9",
        "systemctl stop door; systemctl restart magnus-nftables",
        "fail",
        "open to whom it should not be",
    ),
    (
        "base.sshd",
        "linode",
        "echo 'X11Forwarding yes' >/etc/ssh/sshd_config.d/00-x.conf",
        "rm /etc/ssh/sshd_config.d/00-x.conf",
        "fail",
        "x11forwarding yes",
    ),
    ("service chrony", "linode", "systemctl stop chrony", "systemctl start chrony", "fail", ""),
    (
        "base.clock",
        "linode",
        "systemctl stop chrony",
        "systemctl start chrony",
        "unknown",
        "Cannot talk to daemon",
    ),
]


@pytest.mark.parametrize(
    ("check", "name", "harm", "mend", "verdict", "words"),
    FAULTS,
    ids=[f"{fault[0]}-{number}" for number, fault in enumerate(FAULTS)],
)
def test_a_fault_is_found_and_gone_when_it_is_mended(
    provisioned: Cluster, check: str, name: str, harm: str, mend: str, verdict: str, words: str
) -> None:
    host = provisioned.lab.hosts[name]
    host.run(harm)
    try:
        results = verify(provisioned, "--no-load", "-l", "rtx3090,linode")
    finally:
        host.run(mend)
    found = results[name, check]
    assert found["verdict"] == verdict, found
    assert words in found["measured"], found
    assert found["remedy"] or verdict == "unknown"


@contextlib.contextmanager
def harmed(host: Host, harm: str, mend: str) -> Iterator[None]:
    host.run(harm)
    try:
        yield
    finally:
        host.run(mend)


@pytest.fixture(scope="module")
def wired(provisioned: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The two real hosts as if a cable were between them: over a cable nothing is lost or cut."""
    read = "cat /sys/class/net/host0/address"
    ends = {
        name: {"mac": provisioned.lab.hosts[name].run(read).stdout.strip()}
        for name in ("rtx3090", "linode")
    }
    path = tmp_path_factory.mktemp("wired") / "wired.yaml"
    path.write_text(json.dumps({"links": {"wan": {"kind": "ethernet", "ends": ends}}}))
    return ("--no-load", "-l", "rtx3090,linode", "--overlay", str(path))


def test_a_cable_that_is_well_passes(provisioned: Cluster, wired: tuple[str, ...]) -> None:
    results = verify(provisioned, *wired)
    for one, other in (("rtx3090", "linode"), ("linode", "rtx3090")):
        for check in (f"ping {other}", f"mtu {other}", "network.address-wan", "network.link-wan"):
            assert results[one, check]["verdict"] == "pass", results[one, check]


def test_over_the_internet_a_lost_packet_only_warns(provisioned: Cluster) -> None:
    host = provisioned.lab.hosts["linode"]
    with harmed(host, f"nft '{LOSS}'", "nft delete table ip loss"):
        found = verify(provisioned, "--no-load", "-l", "rtx3090,linode")["rtx3090", "ping linode"]
    assert found["verdict"] == "warn"


LOSS = (
    "add table ip loss; add chain ip loss in { type filter hook input priority -300; }; "
    "add rule ip loss in icmp type echo-request numgen inc mod 3 0 drop"
)


def test_packets_that_are_lost_are_counted(provisioned: Cluster, wired: tuple[str, ...]) -> None:
    host = provisioned.lab.hosts["linode"]
    with harmed(host, f"nft '{LOSS}'", "nft delete table ip loss"):
        found = verify(provisioned, *wired)["rtx3090", "ping linode"]
    assert found["verdict"] == "fail"
    assert "% lost" in found["measured"]
    assert "cable" in found["remedy"]


def test_a_peer_with_a_smaller_mtu_is_found(provisioned: Cluster, wired: tuple[str, ...]) -> None:
    host = provisioned.lab.hosts["linode"]
    with harmed(host, "ip link set host0 mtu 1400", "ip link set host0 mtu 1500"):
        found = verify(provisioned, *wired)["rtx3090", "mtu linode"]
    assert found["verdict"] == "fail"
    assert "1500 bytes" in found["measured"]


def test_a_card_with_a_smaller_mtu_is_found_at_home(provisioned: Cluster) -> None:
    host = provisioned.lab.hosts["rtx3090"]
    with harmed(host, "ip link set lan10g mtu 1500", "ip link set lan10g mtu 9000"):
        results = verify(provisioned, "--no-load", "-l", "rtx3090")
    assert results["rtx3090", "network.address-10g"]["verdict"] == "fail"
    assert "MTU 1500" in results["rtx3090", "network.address-10g"]["measured"]


def test_a_host_that_is_not_what_was_bought_is_told(provisioned: Cluster, tmp_path: Path) -> None:
    much = {"memory": "988GB", "cores": 64, "disks": [{"name": "array", "size": "90TB"}]}
    overlay = tmp_path / "hardware.yaml"
    overlay.write_text(json.dumps({"hosts": {"linode": {"hardware": much}}}))
    results = verify(provisioned, "--no-load", "-l", "linode", "--overlay", str(overlay))
    for part in ("memory", "cores"):
        found = results["linode", f"hardware.{part}"]
        assert found["verdict"] == "fail", found
    assert "GiB" in results["linode", "hardware.memory"]["measured"]
    assert results["linode", "hardware.disks"]["verdict"] in ("fail", "unknown")


# ---- links under load, with a real iperf3


def measured(four: Cluster, *words: str) -> Results:
    return verify(four, "-l", "rtx3090,linode", *words)


def target(folder: Path, speed: str) -> str:
    path = folder / "target.yaml"
    path.write_text(json.dumps({"links": {"wan": {"target": speed}}}))
    return str(path)


def test_a_link_is_measured_both_ways(provisioned: Cluster, tmp_path: Path) -> None:
    results = measured(provisioned, "--overlay", target(tmp_path, "100Mbit/s"))
    for way in WAN:
        found = results["link wan", way]
        assert found["verdict"] == "pass", found
        assert found["measure"]["unit"] == "Gbit/s"
        assert found["measure"]["value"] > 0.1
        assert found["target"] == "100.0 Mbit/s"


def test_a_link_that_is_slow_one_way_fails_that_way(provisioned: Cluster, tmp_path: Path) -> None:
    host = provisioned.lab.hosts["rtx3090"]
    # Ours drops what is more than 20 MB a second: a cable that does less.
    rules = "add table ip slow; add chain ip slow out { type filter hook output priority 0; }; "
    rules += "add rule ip slow out tcp dport 5297 limit rate over 5 mbytes/second drop"
    with harmed(host, f"nft '{rules}'", "nft delete table ip slow"):
        results = measured(provisioned, "--overlay", target(tmp_path, "200Mbit/s"))
    assert results["link wan", WAN[0]]["verdict"] == "fail", results["link wan", WAN[0]]
    assert "PCIe width" in results["link wan", WAN[0]]["remedy"]
    assert results["link wan", WAN[1]]["verdict"] == "pass", results["link wan", WAN[1]]


def test_a_host_without_iperf3_is_told_and_not_counted(provisioned: Cluster) -> None:
    host = provisioned.lab.hosts["linode"]
    with harmed(host, "mv /usr/bin/iperf3 /usr/bin/x", "mv /usr/bin/x /usr/bin/iperf3"):
        found = measured(provisioned)["link wan", "rtx3090 - linode"]
    assert (found["verdict"], found["measured"]) == ("skip", "no iperf3 on linode")


def test_an_iperf3_that_cannot_connect_is_unknown_with_its_words(provisioned: Cluster) -> None:
    host = provisioned.lab.hosts["linode"]
    shut = "nft insert rule inet magnus input tcp dport 5297 reject with tcp reset"
    with harmed(host, shut, "systemctl restart magnus-nftables"):
        found = measured(provisioned)["link wan", WAN[0]]
    assert found["verdict"] == "unknown"
    assert "unable to connect" in found["measured"]
    assert "TCP port 5297" in found["remedy"]


def test_a_host_that_is_down_is_one_fault_and_its_ports_none(provisioned: Cluster) -> None:
    host = provisioned.lab.hosts["linode"]
    chain = "add chain ip dead in { type filter hook input priority -300; policy drop; }"
    shut = f"nft 'add table ip dead; {chain}'"
    # Whoever is shut out cannot undo it over the network.
    undo = "systemd-run -q --on-active=25 nft delete table ip dead"
    host.run(f"{undo}; {shut}")
    try:
        results = verify(provisioned, "--no-load", "-l", "rtx3090,linode")
    finally:
        host.run("nft delete table ip dead 2>/dev/null || :")
    assert results["linode", "reachable"]["verdict"] == "fail"
    assert "were not asked" in results["linode", "other checks"]["measured"]
    assert results["rtx3090", "ping linode"]["verdict"] == "fail"
    port = results["linode", "port 9 from rtx3090"]
    assert (port["verdict"], port["measured"]) == ("skip", "see ping linode of rtx3090")


# ---- one run, four ways to tell it


def test_text_json_junit_and_the_page_agree(provisioned: Cluster, tmp_path: Path) -> None:
    junit, html = tmp_path / "j.xml", tmp_path / "p.html"
    words = ("--json", "--no-load", "--junit", str(junit), "--html", str(html))
    answer = provisioned.magnusctl("verify", *words)
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    checks = [line for line in lines if line["type"] == "check"]
    names = [(c["subject"], c["check"]) for c in checks]
    cases = [*ET.parse(junit).getroot().iter("testcase")]
    assert [(case.get("classname"), case.get("name")) for case in cases] == names
    text = html.read_text()
    assert all(f">{c['subject']}" in text for c in checks if "link " not in c["subject"])
    assert all(f"{c['measured']}" in text for c in checks if "link " in c["subject"])
    assert "SIMULATED" in text


def test_what_was_recorded_is_judged_the_same_without_a_network(
    provisioned: Cluster, tmp_path: Path
) -> None:
    folder = tmp_path / "answers"
    live = verify(provisioned, "--no-load", "-l", "linode")
    ran = provisioned.magnusctl("probe", "--record", str(folder), "-l", "linode")
    assert ran.returncode == 0, ran.stderr
    recorded = verify(provisioned, "--observed", str(folder), "-l", "linode")
    apart = {("linode", "host-key")}
    for key in set(live) - apart:
        assert recorded[key]["verdict"] == live[key]["verdict"], (recorded[key], live[key])

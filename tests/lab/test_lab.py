"""The lab itself: its hosts answer, and nothing leads out of it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Host, Lab, lab, missing, rootfs, system
from tests.lab.leftovers import traces

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
      set-name: lan10g
      link-local: []
      ignore-carrier: true
      mtu: 9000
      addresses: [10.99.0.{number}/24]
"""


@pytest.fixture(scope="module")
def four() -> Iterator[Lab]:
    with lab() as running:
        yield running


def ssh(running: Lab, name: str, script: str) -> str:
    return running.control(running.ssh(name, script), check=True).stdout


def test_hosts_answer_over_ssh(four: Lab) -> None:
    for name, host in four.hosts.items():
        booted = "timeout 60 systemctl is-system-running --wait"
        said = ssh(four, name, f"hostname; id -un; sudo -n id -un; {booted}")
        assert said.split() == [name, "admin", "root", "running"]
        assert f"{host.address} ssh-ed25519 " in four.known_hosts.read_text()
    assert four.key.stat().st_mode & 0o777 == 0o600


def test_hosts_differ_in_what_makes_a_host(four: Lab) -> None:
    script = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub"
    said = [ssh(four, name, script) for name in four.hosts]
    assert len(set(said)) == len(said)
    assert sorted(host.leader for host in four.hosts.values()) == sorted(
        {host.leader for host in four.hosts.values()}
    )


def test_another_host_key_is_refused(four: Lab, tmp_path: Path) -> None:
    other = tmp_path / "known_hosts"
    swapped = four.known_hosts.read_text().replace("10.231.77.12 ", "10.231.77.11 ")
    other.write_text("".join(swapped.splitlines(keepends=True)[1:]))
    argv = four.ssh("rtx3090", "true")
    argv = [word.replace(str(four.known_hosts), str(other)) for word in argv]
    done = four.control(argv)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_root_may_not_log_in(four: Lab) -> None:
    argv = [word.replace("admin@", "root@") for word in four.ssh("rtx3090", "true")]
    assert "Permission denied" in four.control(argv).stderr


# Only looked up, nothing is sent.
@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.2", "10.0.1.2", "203.0.113.7", "8.8.8.8"])
def test_no_way_out(four: Lab, address: str) -> None:
    assert four.control(["ip", "route", "get", address]).returncode != 0
    for host in four.hosts.values():
        assert host.run(f"ip route get {address}", check=False).returncode != 0


def test_namespaces_hold_lab_networks_only(four: Lab) -> None:
    for namespace in (four.control_namespace, f"magnus-lab-{four.id}"):
        routes = system.command("ip", "-n", namespace, "route").splitlines()
        assert routes
        assert all(re.match(r"10\.231\.7[78]\.", route) for route in routes)
        assert system.command("ip", "-n", namespace, "-6", "route").strip() == ""
    links = system.command("ip", "-n", four.control_namespace, "-o", "link").splitlines()
    assert [line.split()[1].split("@")[0].rstrip(":") for line in links] == ["lo", "lab0"]


def test_packages_install_offline(four: Lab) -> None:
    ssh(four, "rtx3090", "sudo apt-get update && sudo apt-get install -y tree chrony")
    assert "tree v" in ssh(four, "rtx3090", "tree --version; systemctl is-active chrony")


def test_counts_are_exact(four: Lab) -> None:
    host = four.hosts["linode"]
    before = host.execs(), host.sessions(), host.connections()
    for _ in range(5):
        ssh(four, "linode", "true")
    shared = ["-o", "ControlMaster=auto", "-o", f"ControlPath={four.workdir}/%C"]
    argv = four.ssh("linode", "true")
    line = shlex.join([argv[0], *shared, "-o", "ControlPersist=20", *argv[1:]])
    # The master stays, and would keep the pipe of our stderr open.
    four.control(["sh", "-ec", f"for i in 1 2 3; do {line} 2>/dev/null; done"], check=True)
    after = host.execs(), host.sessions(), host.connections()
    assert [b - a for a, b in zip(before, after, strict=True)] == [8, 8, 6]


def fast(host: Host, number: int) -> None:
    file = "/etc/netplan/60-fast.yaml"
    text = NETPLAN.format(mac=host.mac, number=number)
    host.run(f"umask 077; mkdir -p /etc/netplan; cat >{file} <<'END'\n{text}END\nnetplan apply")


def test_second_card_takes_netplan_and_large_frames(four: Lab) -> None:
    one, two = four.hosts["rtx3090"], four.hosts["macmini"]
    assert one.mac == "02:4d:47:00:00:01"
    assert "mtu 1500" in one.run("ip -o link show lan10g; ip -4 addr show lan10g").stdout
    fast(one, 1)
    fast(two, 2)
    ping = "ping -n -c 1 -W 1 -M do -s 8972 10.99.0.1"
    two.run(f"for i in $(seq 100); do {ping} && exit; sleep 0.2; done; exit 1")
    assert "mtu 9000" in one.run("ip -o link show lan10g").stdout
    assert ssh(four, "rtx3090", "networkctl is-online 2>&1; echo up").endswith("up\n")


def test_hosts_cannot_change_the_machine(four: Lab) -> None:
    host = four.hosts["m2pro"]
    for file in ("/proc/sys/vm/swappiness", "/sys/kernel/rcu_normal", "/sys/block/x"):
        assert host.run(f"echo 1 >{file}", check=False).returncode != 0


def test_two_labs_at_once_and_cleanup(four: Lab) -> None:
    with lab(["one"]) as other:
        assert ssh(other, "one", "hostname") == "one\n"
        assert ssh(four, "linode", "hostname") == "linode\n"
        leader = other.hosts["one"].leader
        assert traces(other.id, other.workdir)
    assert traces(other.id, other.workdir) == []
    assert system.start_time(leader) is None
    assert ssh(four, "linode", "hostname") == "linode\n"


@pytest.mark.skipif(bool(missing(delays=True)), reason=f"lacking: {missing(delays=True)}")
def test_delays_are_there_when_asked() -> None:
    with lab(["near", "far"], delays={"near": 8, "far": 40}) as running:
        for name, least in (("near", 8.0), ("far", 40.0)):
            address = running.hosts[name].address
            # The machine may have no ping; the root has.
            ping = ["chroot", str(rootfs.path()), "ping", "-n", "-c", "20", "-i", "0.1", address]
            said = running.control(ping).stdout
            fastest = float(re.findall(r"= ([0-9.]+)/", said)[0])
            assert least <= fastest < least + 20
        assert ssh(running, "far", "hostname") == "far\n"
    assert traces(running.id, running.workdir) == []

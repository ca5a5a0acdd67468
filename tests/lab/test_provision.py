"""The main job on real hosts: provision, nothing left to do, drift found and repaired.

The tests build on each other in their order, as a user's day does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.lab.cluster import LINK, Cluster

pytestmark = pytest.mark.lab

REAL = ("rtx3090", "linode")


def changes(four: Cluster, *words: str) -> dict[str, list[str]]:
    """Host to the planned changes, as `~ file:/etc/hosts`."""
    answer = four.magnusctl("plan", "--json", *words)
    plans = [json.loads(line) for line in answer.stdout.splitlines()]
    return {
        plan["host"]: [f"{c['action']} {c['resource']}" for c in plan.get("changes", ())]
        for plan in plans
        if plan["type"] == "plan"
    }


def since(four: Cluster, before: Mapping[str, int]) -> set[int]:
    """The numbers of execs per host since `before`, by sshd's own count."""
    return {count - before[name] for name, count in four.execs().items()}


def test_a_plan_changes_nothing_and_takes_one_exec(four: Cluster) -> None:
    before = four.execs()
    answer = four.magnusctl("plan", "--detailed-exitcode")
    assert answer.returncode == 10, answer.stderr
    assert since(four, before) == {1}
    assert not (four.lab.hosts["rtx3090"].rootfs / "var/lib/magnus").exists()


def test_without_consent_nothing_is_applied(four: Cluster) -> None:
    answer = four.magnusctl("provision")
    assert answer.returncode == 2
    assert "nobody is there to ask" in answer.stderr
    assert not (four.lab.hosts["linode"].rootfs / "var/lib/magnus").exists()


@pytest.mark.covers("network", "Linux", "applied")
def test_the_four_hosts_are_provisioned_with_three_execs_each(four: Cluster) -> None:
    # A question, the job, and the confirmation over a connection of its own.
    before = four.execs()
    answer = four.magnusctl("provision", "--yes")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert since(four, before) == {3}


def test_the_second_run_has_nothing_to_do_in_one_exec(four: Cluster) -> None:
    before = four.execs()
    answer = four.magnusctl("provision", "--yes")
    assert answer.returncode == 0
    assert "0 changes: 4 hosts as declared." in answer.stdout
    assert since(four, before) == {1}


@pytest.mark.parametrize("name", REAL)
def test_packages_services_and_accounts_are_really_there(four: Cluster, name: str) -> None:
    host = four.lab.hosts[name]
    host.run("dpkg-query -W chrony ethtool jq")
    assert host.run("systemctl is-active ssh chrony").stdout == "active\nactive\n"
    assert host.run("systemctl is-enabled chrony").stdout == "enabled\n"
    assert "admin" in host.run("getent group magnus-ssh").stdout
    assert "/bin/bash" in host.run("getent passwd magnus").stdout
    effective = host.run("sshd -T -C user=admin,host=h,addr=10.231.78.1").stdout
    assert "passwordauthentication no" in effective
    assert "allowgroups magnus-ssh" in effective
    assert host.run("sysctl -n net.ipv4.tcp_mtu_probing").stdout == "1\n"


def test_the_link_has_its_address_and_jumbo_frames(four: Cluster) -> None:
    host = four.lab.hosts["rtx3090"]
    assert "10.231.79.1/24" in host.run(f"ip -4 addr show dev {LINK}").stdout
    assert "mtu 9000" in host.run(f"ip link show dev {LINK}").stdout
    host.run("ping -c 1 -W 2 -M do -s 8972 10.231.79.2")
    assert host.run("stat -c %a /etc/netplan/60-magnus-10g.yaml").stdout == "600\n"


def test_names_of_peers_stand_in_a_block_and_the_rest_stays(four: Cluster) -> None:
    hosts = four.lab.hosts["rtx3090"].run("cat /etc/hosts").stdout
    assert "127.0.1.1 rtx3090" in hosts
    assert "# magnus begin\n" in hosts
    assert "10.231.79.2 macmini\n" in hosts


def test_verify_passes_and_measures_with_a_real_iperf3(four: Cluster) -> None:
    answer = four.magnusctl("verify", "--json")
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    results = {(r["subject"], r["check"]): r for r in found if r["type"] == "check"}
    assert results["rtx3090", "declared"]["verdict"] == "pass"
    assert results["rtx3090", "ping linode"]["verdict"] == "pass"
    assert results["link 10g", "rtx3090 - macmini"]["verdict"] == "skip"
    assert results["macmini", "declared"]["simulated"] is True
    assert results["rtx3090", "declared"]["simulated"] is False
    for way in ("rtx3090 → linode", "linode → rtx3090"):
        assert results["link wan", way]["measured"].endswith("Gbit/s"), results["link wan", way]


DRIFT = {
    "~ file:/etc/chrony/sources.d/magnus.sources": "echo x >> /etc/chrony/sources.d/magnus.sources",
    "~ file:/etc/netplan/60-magnus-10g.yaml": "chmod 0644 /etc/netplan/60-magnus-10g.yaml",
    "+ file:/etc/apt/apt.conf.d/52magnus-unattended": "rm /etc/apt/apt.conf.d/52magnus-unattended",
    "~ directory:/etc/systemd/journald.conf.d": "chown admin /etc/systemd/journald.conf.d",
    "~ sysctl:net.ipv4.tcp_mtu_probing": "sysctl -w net.ipv4.tcp_mtu_probing=0",
    "~ user:magnus": "usermod -s /bin/sh magnus",
    "~ group:magnus-ssh": "gpasswd -d magnus magnus-ssh",
    "+ package:jq": "apt-get remove -y jq",
    "+ block:/etc/hosts": "sed -i '/magnus begin/,/magnus end/d' /etc/hosts",
    "~ interface:10.231.79.1/24": f"ip link set {LINK} mtu 1400",
}


@pytest.mark.parametrize("change", DRIFT)
def test_a_change_by_hand_is_planned_alone_and_repaired(four: Cluster, change: str) -> None:
    four.lab.hosts["rtx3090"].run(DRIFT[change])
    planned = changes(four, "-l", "rtx3090")["rtx3090"]
    triggered = {
        "~ file:/etc/chrony/sources.d/magnus.sources": ["! service:chrony"],
        "~ file:/etc/netplan/60-magnus-10g.yaml": ["! interface:10.231.79.1/24"],
    }
    assert planned == [change, *triggered.get(change, [])]
    answer = four.magnusctl("provision", "--yes", "-l", "rtx3090")
    assert answer.returncode == 0, answer.stdout
    assert changes(four, "-l", "rtx3090")["rtx3090"] == []


def test_a_stopped_service_is_started(four: Cluster) -> None:
    host = four.lab.hosts["linode"]
    host.run("systemctl disable --now chrony")
    assert changes(four, "-l", "linode")["linode"] == ["~ service:chrony"]
    assert four.magnusctl("provision", "--yes", "-l", "linode").returncode == 0
    assert host.run("systemctl is-active chrony").stdout == "active\n"


def test_a_restart_that_failed_is_not_forgotten(four: Cluster) -> None:
    host = four.lab.hosts["rtx3090"]
    drop_in = "/etc/systemd/system/chrony.service.d/zz-broken.conf"
    host.run(
        f"printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' > {drop_in}; "
        "systemctl daemon-reload; echo '# by hand' >> /etc/chrony/conf.d/10-magnus.conf"
    )
    answer = four.magnusctl("provision", "--yes", "-l", "rtx3090")
    # With the new file it did not start, so the old one is back; nor does it start with that.
    assert answer.returncode == 8
    assert "service:chrony failed, and taking back FAILED" in answer.stdout
    assert "magnusctl plan -l rtx3090" in answer.stdout
    assert "taken back: file:/etc/chrony/conf.d/10-magnus.conf" in answer.stdout
    assert "by hand" in host.run("cat /etc/chrony/conf.d/10-magnus.conf").stdout
    host.run(f"rm {drop_in}; systemctl daemon-reload; systemctl start chrony")
    wanted = ["~ file:/etc/chrony/conf.d/10-magnus.conf", "! service:chrony"]
    assert changes(four, "-l", "rtx3090")["rtx3090"] == wanted
    assert four.magnusctl("provision", "--yes", "-l", "rtx3090").returncode == 0
    assert changes(four, "-l", "rtx3090")["rtx3090"] == []


def test_a_file_that_its_validator_refuses_is_left_as_it_was(four: Cluster) -> None:
    host = four.lab.hosts["linode"]
    host.run("printf 'PasswordAuthentication perhaps\\n' > /etc/ssh/sshd_config.d/20-bad.conf")
    host.run("rm /etc/ssh/sshd_config.d/10-magnus.conf")
    answer = four.magnusctl("provision", "--yes", "-l", "linode")
    host.run("rm /etc/ssh/sshd_config.d/20-bad.conf")
    assert answer.returncode == 5
    assert "validator sshd refuses" in answer.stdout
    assert not (host.rootfs / "etc/ssh/sshd_config.d/10-magnus.conf").exists()
    assert four.magnusctl("provision", "--yes", "-l", "linode").returncode == 0


def test_a_broken_drop_in_of_sshd_is_repaired(four: Cluster) -> None:
    path = "/etc/ssh/sshd_config.d/10-magnus.conf"
    four.lab.hosts["linode"].run(f"echo 'PasswordAuthentication perhaps' > {path}")
    answer = four.magnusctl("provision", "--yes", "-l", "linode")
    assert answer.returncode == 0, answer.stdout
    assert "0 changes" in four.magnusctl("plan", "-l", "linode").stdout


def test_a_drop_in_that_would_not_be_in_force_is_refused(four: Cluster) -> None:
    host = four.lab.hosts["linode"]
    first = "/etc/ssh/sshd_config.d/05-cloud.conf"
    host.run(f"echo 'PasswordAuthentication yes' > {first}")
    host.run("rm /etc/ssh/sshd_config.d/10-magnus.conf")
    answer = four.magnusctl("provision", "--yes", "-l", "linode")
    assert answer.returncode == 5
    assert "another file of the server says otherwise: passwordauthentication yes" in answer.stdout
    host.run(f"rm {first}")
    assert four.magnusctl("provision", "--yes", "-l", "linode").returncode == 0


def more(four: Cluster, **settings: object) -> tuple[str, str]:
    path = four.lab.workdir / "more.yaml"
    path.write_text(json.dumps({"hosts": {"linode": settings}}))
    return "--overlay", str(path)


def test_keys_that_nobody_declared_keep_their_login(four: Cluster) -> None:
    key = f"ssh-ed25519 {'A' * 68} somebody"
    users = [{"name": "admin", "authorized_keys": [key]}]
    extra = more(four, variables={"base": {"users": users}})
    assert four.magnusctl("provision", "--yes", "-l", "linode", *extra).returncode == 0
    assert "0 changes" in four.magnusctl("plan", "-l", "linode", *extra).stdout
    keys = four.lab.hosts["linode"].run("cat /home/admin/.ssh/authorized_keys").stdout
    assert key in keys
    assert four.lab.key.with_suffix(".pub").read_text().split()[1] in keys
    withdrawn = more(four, variables={"base": {"users": [{"name": "admin"}]}})
    assert four.magnusctl("provision", "--yes", "-l", "linode", *withdrawn).returncode == 0
    assert key not in four.lab.hosts["linode"].run("cat /home/admin/.ssh/authorized_keys").stdout


def test_declared_users_and_groups_are_made_in_one_run(four: Cluster) -> None:
    groups = {"ops": {"members": ["alice", "@login"]}, "svc": {}}
    users = {"alice": {"groups": ["svc"]}, "svc": {"system": True}}
    extra = more(four, resources={"groups": groups, "users": users})
    answer = four.magnusctl("provision", "--yes", "-l", "linode", *extra)
    assert answer.returncode == 0, answer.stdout
    host = four.lab.hosts["linode"]
    assert set(host.run("id -Gn alice").stdout.split()) == {"alice", "ops", "svc"}
    assert "0 changes" in four.magnusctl("plan", "-l", "linode", *extra).stdout


def test_a_unit_and_its_service_are_made_in_one_run_and_restarted_with_it(four: Cluster) -> None:
    path = "/etc/systemd/system/relay.service"

    def unit(seconds: int) -> tuple[str, str]:
        text = f"[Service]\nExecStart=/bin/sleep {seconds}\n[Install]\nWantedBy=multi-user.target\n"
        files = {path: {"content": text, "validator": "unit"}}
        return more(four, resources={"files": files, "services": {"relay": {}}})

    host = four.lab.hosts["linode"]
    assert four.magnusctl("provision", "--yes", "-l", "linode", *unit(1111)).returncode == 0
    before = host.run("systemctl show -p MainPID --value relay").stdout
    planned = four.magnusctl("plan", "-l", "linode", *unit(2222)).stdout
    assert f"restarts, because file:{path}" in planned
    assert four.magnusctl("provision", "--yes", "-l", "linode", *unit(2222)).returncode == 0
    after = host.run("systemctl show -p MainPID --value relay").stdout
    assert before != after
    assert "2222" in host.run(f"tr '\\0' ' ' </proc/{after.strip()}/cmdline").stdout


def test_a_service_that_crashes_over_and_over_does_not_run(four: Cluster) -> None:
    text = "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=30\n"
    files = {"/etc/systemd/system/loop.service": {"content": text}}
    services = {"loop": {"enabled": False}}
    extra = more(four, resources={"files": files, "services": services})
    assert four.magnusctl("provision", "--yes", "-l", "linode", *extra).returncode == 5
    planned = four.magnusctl("plan", "-l", "linode", *extra).stdout
    assert "service    loop" in planned
    four.lab.hosts["linode"].run("systemctl stop loop; rm /etc/systemd/system/loop.service")


def test_a_recording_of_the_hosts_gives_the_same_plan_without_them(four: Cluster) -> None:
    four.lab.hosts["linode"].run("rm /etc/needrestart/conf.d/50-magnus.conf")
    folder = four.lab.workdir / "recorded"
    assert four.magnusctl("probe", "--record", str(folder)).returncode == 0
    before = four.execs()
    live = four.magnusctl("plan").stdout
    assert since(four, before) == {1}
    observed = four.magnusctl("plan", "--observed", str(folder))
    assert since(four, before) == {1}
    *same, _how_to_apply = live.splitlines()
    assert observed.stdout.splitlines() == same
    assert "50-magnus.conf" in live
    four.magnusctl("provision", "--yes")

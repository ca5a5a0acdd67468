"""Reaching hosts for real: keys, sudo, jumps, hosts that are down, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cluster import INVENTORY, Cluster

pytestmark = pytest.mark.lab

# What `nc HOST PORT` does; and it leaves a note.
RELAY = """
import pathlib, os, socket, sys, threading
pathlib.Path(__file__).with_name("used").write_text(" ".join(sys.argv[1:]))
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := there.recv(65536):
    os.write(1, data)
"""


def overlay(four: Cluster, **hosts: dict[str, Any]) -> str:
    """One more overlay, as a path."""
    path = four.lab.workdir / f"overlay-{abs(hash(json.dumps(hosts)))}.yaml"
    path.write_text(json.dumps({"hosts": hosts}))
    return str(path)


def plan(four: Cluster, *words: str, **hosts: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    extra = ("--overlay", overlay(four, **hosts)) if hosts else ()
    return four.magnusctl("plan", *words, *extra)


def test_the_addresses_of_the_inventory_lead_nowhere(four: Cluster) -> None:
    plain = ["-i", str(INVENTORY), "-l", "linode"]
    command = four.command("plan")[:4]
    answer = four.lab.control([*command, *plain], env=four.environment(), timeout=30)
    assert answer.returncode == 5, answer.stderr
    assert "unreachable at 203.0.113.10:22: network is unreachable" in answer.stdout


def test_an_unknown_key_stops_everything_until_it_is_trusted(four: Cluster, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    ssh = {"linode": {"ssh": {"known_hosts": str(known)}}}
    answer = plan(four, "-l", "linode", **ssh)
    assert answer.returncode == 3
    assert "its host key is not known. Nothing was sent." in answer.stdout
    assert "magnusctl trust linode" in answer.stdout
    before = four.lab.hosts["linode"].execs()
    extra = ("--overlay", overlay(four, **ssh))
    refused = four.magnusctl("trust", "linode", "--fingerprint", "SHA256:no", *extra)
    assert refused.returncode == 3
    assert not known.exists()
    shown = next(w for w in answer.stdout.split() if w.startswith("SHA256:"))
    assert four.magnusctl("trust", "linode", "--fingerprint", shown, *extra).returncode == 0
    assert plan(four, "-l", "linode", **ssh).returncode == 0
    assert four.lab.hosts["linode"].execs() - before == 1


def test_a_changed_key_is_refused_with_both_fingerprints(four: Cluster, tmp_path: Path) -> None:
    lines = four.lab.known_hosts.read_text().splitlines()
    address = four.lab.hosts["linode"].address
    other = next(line for line in lines if not line.startswith(f"{address} ")).split(" ", 1)[1]
    known = tmp_path / "known_hosts"
    known.write_text(f"{address} {other}\n")
    answer = plan(four, "-l", "linode", linode={"ssh": {"known_hosts": str(known)}})
    assert answer.returncode == 3
    assert "its host key changed. Nothing was sent." in answer.stdout
    assert answer.stdout.count("SHA256:") == 2
    assert f"{known}:1" in answer.stdout


def test_a_revoked_key_is_refused_although_it_is_pinned(four: Cluster, tmp_path: Path) -> None:
    address = four.lab.hosts["linode"].address
    lines = four.lab.known_hosts.read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{address} "))
    known = tmp_path / "known_hosts"
    known.write_text(f"{line}\n@revoked {line}\n")
    answer = plan(four, "-l", "linode", linode={"ssh": {"known_hosts": str(known)}})
    assert answer.returncode == 3
    assert "revoked" in answer.stdout


def test_a_login_that_is_refused_says_what_was_tried(four: Cluster) -> None:
    answer = plan(four, "-l", "linode", linode={"user": "nobody"})
    assert answer.returncode == 3
    assert "the login nobody@" in answer.stdout
    assert str(four.lab.key) in answer.stdout


def test_an_encrypted_key_is_named_and_stops_only_its_own_host(
    four: Cluster, tmp_path: Path
) -> None:
    key = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key], check=True)
    answer = plan(four, "-l", "linode,rtx3090", linode={"ssh": {"identity": str(key)}})
    assert answer.returncode == 3
    assert f"unusable  {key} (not in the agent)" in answer.stdout
    assert "1 host could not be planned" in answer.stdout


def test_the_agent_is_asked_for_a_key_that_its_file_does_not_give(
    four: Cluster, tmp_path: Path
) -> None:
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        _wait(socket.exists)
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", str(four.lab.key)], env=environment, check=True)
        public = tmp_path / "only.pub"
        public.write_text(four.lab.key.with_suffix(".pub").read_text())
        extra = overlay(four, linode={"ssh": {"identity": str(public)}})
        command = four.command("plan", "-l", "linode", "--overlay", extra)
        used = {**four.environment(), "SSH_AUTH_SOCK": str(socket)}
        answer = four.lab.control(command, env=used)
    finally:
        agent.terminate()
        agent.wait(10)
    assert answer.returncode == 0, answer.stdout


def test_a_proxy_command_of_the_ssh_config_is_used(four: Cluster, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"Host linode\n  ProxyCommand {sys.executable} {tmp_path}/relay.py %h %p\n")
    (tmp_path / "relay.py").write_text(RELAY)
    ssh = {"config": str(config), "identity": str(four.lab.key)}
    answer = plan(four, "-l", "linode", linode={"ssh": ssh})
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert (tmp_path / "used").read_text().split()[0] == four.lab.hosts["linode"].address


def test_sudo_that_wants_a_password_is_named_and_nothing_hangs(four: Cluster) -> None:
    host = four.lab.hosts["linode"]
    host.run("mv /etc/sudoers.d/admin /root/admin")
    try:
        started = time.monotonic()
        answer = plan(four, "-l", "linode")
        assert time.monotonic() - started < 60
    finally:
        host.run("mv /root/admin /etc/sudoers.d/admin")
    assert answer.returncode == 3
    assert "sudo wants a password there" in answer.stdout or "may not use sudo" in answer.stdout
    assert "NOPASSWD" in answer.stdout or "sudoers" in answer.stdout


def test_a_host_of_another_system_is_refused(four: Cluster) -> None:
    answer = plan(four, "-l", "linode", linode={"os": "ubuntu-24.04"})
    assert answer.returncode == 3
    assert "the inventory says ubuntu-24.04, the host says debian 12" in answer.stdout


def test_a_jump_host_of_the_inventory_is_gone_through(four: Cluster) -> None:
    via = four.lab.hosts["rtx3090"]
    before = via.connections(), via.execs()
    answer = plan(four, "-l", "linode", linode={"ssh": {"jump": "rtx3090"}})
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert (via.connections(), via.execs()) == (before[0] + 1, before[1])
    log = four.lab.hosts["linode"].sshd_log()
    assert f"Connection from {via.address}" in log


def test_the_key_of_a_jump_host_is_checked_too(four: Cluster, tmp_path: Path) -> None:
    address = four.lab.hosts["rtx3090"].address
    known = tmp_path / "known_hosts"
    lines = four.lab.known_hosts.read_text().splitlines()
    known.write_text("\n".join(line for line in lines if not line.startswith(f"{address} ")))
    ssh = {"jump": "rtx3090"}
    rtx3090 = {"ssh": {"known_hosts": str(known)}}
    answer = plan(four, "-l", "linode", linode={"ssh": ssh}, rtx3090=rtx3090)
    assert answer.returncode == 3
    assert "rtx3090: its host key is not known" in answer.stdout


def test_a_host_that_is_down_does_not_stop_the_others(four: Cluster) -> None:
    answer = plan(four, macmini={"port": 2})
    assert answer.returncode == 5
    assert "unreachable at" in answer.stdout
    assert "could not be planned" in answer.stdout
    assert "linode" in answer.stdout


def test_ctrl_c_leaves_the_job_to_end_on_its_host(four: Cluster) -> None:
    slow = {
        "commands": {"slow": {"run": "sleep 20; touch /root/slow", "unless": "test -e /root/slow"}}
    }
    extra = overlay(four, linode={"resources": slow})
    # Only what cannot cut it off: nobody is left to confirm the rest.
    command = four.command(
        "provision", "--yes", "-l", "linode", "-t", "resources", "--overlay", extra
    )
    process = subprocess.Popen(
        four.lab.command(command),
        env=four.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    host = four.lab.hosts["linode"]
    _wait(lambda: host.run("pgrep -f '[s]leep 20$'", check=False).returncode == 0)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; not finished: linode" in said
    assert "magnusctl attach linode " in said
    assert "Traceback" not in said
    _wait(lambda: (host.rootfs / "root/slow").exists())
    journals = "cat $(ls -t /var/lib/magnus/jobs/*/journal | head -1)"
    _wait(lambda: host.run(journals).stdout.rstrip().endswith(" end ok"))
    again = four.magnusctl("plan", "-l", "linode", "--overlay", extra)
    assert "slow" not in again.stdout


def _wait(condition: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)

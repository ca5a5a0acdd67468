"""The server is a real one, counts what it does, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from magnusctl.inventory.validate import load
from tests.faults.proxy import Proxy
from tests.faults.sshd import Sshd, program, sshd
from tests.lab.system import wait_for

pytestmark = pytest.mark.skipif(
    program() is None or shutil.which("ssh") is None, reason="sshd or ssh is not installed"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path) as running:
        yield running


def command(server: Sshd, script: str) -> list[str]:
    server.known(server.port)
    options = [f"UserKnownHostsFile={server.known_hosts}", "BatchMode=yes", "IdentitiesOnly=yes"]
    words = [word for option in options for word in ("-o", option)]
    there = ["-i", str(server.identity), "-p", str(server.port), "127.0.0.1", script]
    return ["ssh", "-F", "none", *words, *there]


def ssh(server: Sshd, script: str, timeout: float = 60) -> str:
    done = subprocess.run(
        command(server, script),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
    )
    return done.stdout


def test_commands_and_connections_are_counted(server: Sshd) -> None:
    assert ssh(server, "echo here") == "here\n"
    assert ssh(server, "echo again") == "again\n"
    assert (server.connections(), server.execs()) == (2, 2)


def test_its_inventory_is_of_simulated_hosts_each_with_a_root(server: Sshd) -> None:
    named = {"b": {"location": "elsewhere"}}
    hosts = load([server.inventory("a", "b", hosts=named)]).hosts
    assert all(host.simulated and not host.become for host in hosts.values())
    assert hosts["b"].location == "elsewhere"
    for name in ("a", "b"):
        assert hosts[name].root == str(server.root(name))
        assert (server.root(name) / ".standins/systemctl").exists()
    (server.root("a") / "etc/kept").touch()
    server.inventory("a", "c")
    assert (server.root("a") / "etc/kept").exists()
    assert (server.root("c") / "etc/hosts").exists()


def test_a_frozen_server_says_nothing_and_goes_on_when_thawed(server: Sshd) -> None:
    server.freeze()
    with pytest.raises(subprocess.TimeoutExpired):
        ssh(server, "true", timeout=0.7)
    server.thaw()
    assert ssh(server, "echo thawed") == "thawed\n"


def test_a_frozen_session_lets_its_command_go_on(server: Sshd, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    loop = f"for n in $(seq 1000); do echo $n | tee -a {marks}; sleep 0.05; done"
    client = subprocess.Popen(command(server, loop), stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdout is not None
        assert client.stdout.readline() == "1\n"
        server.freeze()
        before = marks.stat().st_size
        wait_for("two more marks", lambda: marks.stat().st_size > before + 2, 30)
        server.thaw()
        assert client.stdout.readline() == "2\n"
    finally:
        client.kill()
        client.communicate()


def test_what_a_session_detached_ends_with_the_server(tmp_path: Path) -> None:
    with sshd(tmp_path) as server:
        ssh(server, "setsid sleep 321 </dev/null >/dev/null 2>&1 & echo $! >" + f"{tmp_path}/job")
        pid = int((tmp_path / "job").read_text())
        wait_for("the job", lambda: "sleep 321" in server.children(), 30)
        listener = server.pid
    assert not psutil.pid_exists(pid)
    assert not psutil.pid_exists(listener)


def test_a_detached_job_that_ended_is_no_zombie(server: Sshd, tmp_path: Path) -> None:
    go = tmp_path / "go"
    waiting = f"'until [ -e {go} ]; do sleep 0.05; done'"
    ssh(server, f"setsid sh -c {waiting} </dev/null >/dev/null 2>&1 & echo $! >{tmp_path}/job")
    pid = int((tmp_path / "job").read_text())
    os.kill(pid, 0)
    go.touch()
    wait_for("the end of it", lambda: not psutil.pid_exists(pid), 30)


def test_a_line_of_configuration_replaces_its_own(tmp_path: Path) -> None:
    with sshd(tmp_path, ["MaxStartups 7"]) as server:
        said = subprocess.check_output(
            [str(program()), "-T", "-f", server.folder / "sshd_config"], text=True
        )
    assert "maxstartups 7:" in said


def test_it_is_reached_through_a_proxy(server: Sshd) -> None:
    with Proxy(("127.0.0.1", server.port)) as link:
        path = server.inventory("a", port=link.port)
        assert load([path]).hosts["a"].port == link.port
        assert f"[127.0.0.1]:{link.port} ssh-ed25519" in server.known_hosts.read_text()

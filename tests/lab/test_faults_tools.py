"""What the fault tests rely on is really there in a lab host, and does what it says."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator

import pytest

from tests.faults.controls import Controls
from tests.faults.kill import Journals, running
from tests.faults.remote import before_host, through
from tests.faults.smallfs import small_inside
from tests.lab import Host, Lab, lab, missing, system
from tests.lab.engine import SERVICE, engine_state, install_engine
from tests.lab.identity import PASSWORD, USERS, sudo_users

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
CLOSED = "table inet t { chain i { type filter hook input priority 0; policy drop; }; }"


@pytest.fixture(scope="module")
def one() -> Iterator[Lab]:
    with lab(["one"]) as running:
        sudo_users(running.hosts["one"], running.key.with_suffix(".pub").read_text())
        yield running


@pytest.fixture
def host(one: Lab) -> Host:
    return one.hosts["one"]


def ssh(
    one: Lab, script: str, user: str = "admin", stdin: str | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    argv = [word.replace("admin@", f"{user}@") for word in one.ssh("one", script)]
    return one.control(argv, input=stdin, timeout=timeout)


def test_nftables_are_real(one: Lab, host: Host) -> None:
    assert host.run("nft list ruleset").stdout == ""
    bad = host.run("echo 'table inet t { chain i { nonsense } }' | nft -c -f -", check=False)
    assert bad.returncode == 1
    assert "syntax error" in bad.stderr
    host.run(f"echo '{CLOSED}' | nft -f -")
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            ssh(one, "true", timeout=1)
    finally:
        host.run("nft flush ruleset")
    assert ssh(one, "hostname").stdout == "one\n"


def test_nftables_service_loads_its_file_at_boot(host: Host) -> None:
    rule = "tcp dport 9 reject"
    host.run(f"sed -i 's/filter hook input.*/& {rule};/' /etc/nftables.conf")
    host.run("nft -c -f /etc/nftables.conf && systemctl enable nftables")
    host.reboot()
    assert rule in host.run("nft list chain inet filter input").stdout
    host.run("systemctl disable --now nftables")
    assert host.run("nft list ruleset").stdout == ""


def test_a_unit_that_ssh_started_outlives_its_session(one: Lab, host: Host) -> None:
    run = "sudo systemd-run --quiet --collect --no-block --unit="
    done = ssh(one, f"{run}x sh -c 'sleep 0.5; echo done >/root/x'")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    system.wait_for("the unit", lambda: (host.rootfs / "root/x").exists(), 60)
    assert ssh(one, f"{run}y true").returncode == 0


def test_a_session_of_its_own_and_a_lock_are_there(one: Lab, host: Host) -> None:
    ssh(one, "setsid flock /var/tmp/l sleep 331 >/dev/null 2>&1 </dev/null &")
    system.wait_for(
        "the lock", lambda: ssh(one, "flock -n /var/tmp/l true").returncode == 1, seconds=60
    )
    host.run("pkill -x -f 'sleep 331'")


@pytest.mark.parametrize(
    "shell", ["/bin/bash", "/bin/dash", "/bin/zsh", "/usr/bin/fish", "/bin/tcsh", "busybox"]
)
def test_a_login_shell_of_any_kind_takes_a_command(one: Lab, host: Host, shell: str) -> None:
    if shell == "busybox":
        # By a name that tells busybox which of its programs to be.
        shell = "/usr/local/bin/ash"
        host.run(f"ln -sf /bin/busybox {shell}; echo {shell} >>/etc/shells")
    host.run(f"usermod --shell {shell} nosudo")
    done = ssh(one, "exec /bin/sh -c 'echo \"$1\"; readlink /proc/$PPID/exe' sh word", "nosudo")
    assert done.stdout.startswith("word\n"), done.stderr


EXPECTED = {
    # sudo -n id, sudo -n sh, sudo -S with the password: exit codes; the prompt that is shown
    "pwadmin": (1, 1, 0, "[sudo] password for pwadmin: "),
    "nosudo": (1, 1, 1, "[sudo] password for nosudo: "),
    "somesudo": (0, 1, 0, ""),
    "promptadmin": (1, 1, 0, "Give it: "),
    "overadmin": (1, 1, 0, "Give it: "),
}


@pytest.mark.parametrize("user", [user.name for user in USERS])
def test_each_user_may_what_sudoers_says(one: Lab, user: str) -> None:
    alone, shell, given, prompt = EXPECTED[user]
    assert ssh(one, "sudo -n id -u", user).returncode == alone
    assert ssh(one, "sudo -n sh -c id", user).returncode == shell
    asked = ssh(one, "LC_ALL=C sudo -S id -u", user, f"{PASSWORD}\n")
    assert asked.returncode == given
    assert asked.stderr.startswith(prompt)
    assert ssh(one, "sudo -S -p '' id -u", user, "wrong\n").returncode == (user != "somesudo")
    assert ssh(one, "ls /root/.password", user).returncode == 2


def test_the_engine_is_a_real_time_service_that_is_watched(host: Host) -> None:
    before = install_engine(host)
    assert (before.policy, before.priority, before.affinity) == ("SCHED_FIFO", 10, "0")
    assert engine_state(host) == before
    host.run(f"systemctl restart {SERVICE}")
    after = engine_state(host)
    assert after.pid != before.pid
    assert after.started > before.started
    assert dataclasses.replace(after, pid=before.pid, started=before.started) == before
    host.run(f"chrt -o -p 0 {after.pid}")
    assert engine_state(host).policy == "SCHED_OTHER"
    host.run(f"systemctl stop {SERVICE}")
    with pytest.raises(system.LabError, match="does not run"):
        engine_state(host)


def by_proxy(one: Lab, link: Controls, known: str, script: str) -> list[str]:
    argv = [word.replace(str(one.known_hosts), known) for word in one.ssh("one", script)]
    argv = [word.replace(one.hosts["one"].address, link.host) for word in argv]
    return one.command([argv[0], "-p", str(link.port), *argv[1:]])


def test_a_proxy_stands_before_a_host_on_the_control_side(one: Lab, host: Host) -> None:
    with before_host(one, "one") as link:
        settings = through(one, "one", link)
        known = settings["ssh"]["known_hosts"]
        before = host.execs()
        loop = "for n in $(seq 200); do echo $n; sleep 0.05; done"
        with running(by_proxy(one, link, known, loop)) as run:
            run.wait_line("^5$")
            assert link.cut().open == 0
            assert run.wait(60) == 255
        with running(by_proxy(one, link, known, "hostname")) as run:
            assert run.wait(60) == 0
            assert run.stdout == "one\n"
        assert host.execs() - before == 2
        assert link.state().taken == 2
        assert (settings["address"], settings["port"]) == (link.host, link.port)


def test_a_folder_of_a_host_can_be_small_and_full(host: Host) -> None:
    with small_inside(host.leader, "/srv/small", 256) as disk:
        disk.fill()
        full = host.run("head -c 9000 /dev/zero >/srv/small/more", check=False)
        assert "No space left" in full.stderr
        disk.free()
        disk.read_only()
        assert "Read-only" in host.run("touch /srv/small/x", check=False).stderr
        disk.read_write()
        host.run("touch /srv/small/x")
    assert host.run("ls /srv/small").stdout == ""


def test_a_journal_in_a_host_is_followed(host: Host) -> None:
    journals = Journals(host.rootfs)
    folder = "/var/lib/magnus/jobs/1"
    host.run(f"mkdir -p {folder}; printf 'a\\nb\\n' >{folder}/journal")
    assert journals.reach(2, 60) == ["a", "b"]

"""P1 to P7, P13, P15: getting root's rights on a real host, and every way in which that fails.

sudo, PAM and its log are real. Two programs in the place of sudo are not, and are called SIMULATED.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.real import Ran, Real, declare, reachable
from tests.lab import Host, Lab, lab, missing
from tests.lab.identity import PASSWORD, sudo_users

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
SLOW = pytest.mark.slow_faults
WRAPPER = "/usr/local/bin/sudo"
WIRE = "/var/tmp/sudo.stdin"
LISTENING = f"""\
#!/bin/sh
# SIMULATED in nothing but this: it notes what sudo is given on its standard input.
tee -a {WIRE} | /usr/bin/sudo "$@"
"""
SUDO_RS = """\
#!/bin/sh
# SIMULATED: speaks as sudo-rs {version} does, and has admin's rights from the real sudo.
[ "$1" != -n ] || {{ echo 'sudo: interactive authentication is required' >&2; exit 1; }}
{old}
prompt=$3 tries=0
shift 4
while [ $tries -lt 3 ]; do
  printf '[sudo: %s] Password: ' "$prompt" >&2
  IFS= read -r given || exit 1
  printf '%s\\n' "$given" >>{wire}
  [ "$given" != "{password}" ] || exec /usr/bin/sudo -n -- "$@"
  echo 'sudo: Authentication failed, try again.' >&2
  tries=$((tries + 1))
done
echo 'sudo: maximum 3 incorrect authentication attempts' >&2
exit 1
"""
OLD_RS = "case $* in *-p*) echo 'sudo: invalid option provided' >&2; exit 1 ;; esac"
OTP = f"""\
#!/bin/sh
# SIMULATED: a second factor, whose prompt nobody can replace.
{{first}}
printf 'Verification code: ' >&2
cat >>{WIRE}
"""


@pytest.fixture(scope="module")
def lab_of_users() -> Iterator[Lab]:
    with lab(["one", "two"]) as running:
        for host in running.hosts.values():
            sudo_users(host, running.key.with_suffix(".pub").read_text())
            reachable(running, host.name, 20)
        yield running


@pytest.fixture
def one(lab_of_users: Lab) -> Iterator[Lab]:
    """A host on which only what a test puts there is in the place of sudo."""
    host = lab_of_users.hosts["one"]
    host.run(f"rm -f {WRAPPER} {WIRE}; install -m 0666 /dev/null {WIRE}")
    yield lab_of_users
    host.run(f"rm -f {WRAPPER} {WIRE} /etc/sudoers.d/zz; usermod --shell /bin/bash admin")


def instead_of_sudo(host: Host, text: str) -> None:
    path = host.rootfs / WRAPPER.lstrip("/")
    path.write_text(text)
    path.chmod(0o755)


def wire(host: Host) -> str:
    """What arrived on the standard input of sudo."""
    return (host.rootfs / WIRE.lstrip("/")).read_text(errors="replace")


def wants(one: Lab, user: str, *, secret: bool = False, names: Any = ("one",)) -> Real:
    """Hosts that this user logs in to, where a file of the user's name is declared."""
    wanted: dict[str, Any] = {
        "user": user,
        "resources": {"files": {"/etc/who": {"content": f"{user}\n"}}},
    }
    if secret:
        wanted["sudo_password"] = "pw"
    secrets = {"pw": {"env": "SUDO_PW"}} if secret else {}
    return declare(one, dict.fromkeys(names, wanted), secrets=secrets)


def refused(ran: Ran, sentence: str, hint: str) -> None:
    """Exit 3, the sentence with its host and what to do; nothing was changed."""
    assert ran.code == 3, ran.said
    assert f"one: {sentence}" in ran.stdout
    assert hint in ran.stdout
    assert PASSWORD not in ran.said


def count(host: Host, user: str) -> int:
    """How many passwords PAM has refused to a user of sudo."""
    text = host.run("journalctl --no-pager _COMM=sudo").stdout
    return sum(f"ruser={user} " in line for line in text.splitlines() if "failure" in line)


def test_p2_without_a_password_it_is_refused_within_five_seconds(one: Lab) -> None:
    real = wants(one, "pwadmin")
    runs = [real.run("provision", "--yes") for _ in range(2)]
    refused(runs[0], "sudo wants a password there", "Give it with --ask-sudo or 'sudo_password:'")
    # The machine that runs the tests may be busy once.
    assert min(ran.seconds for ran in runs) < 5


@pytest.mark.parametrize(
    "user", ["pwadmin", *(pytest.param(u, marks=SLOW) for u in ("promptadmin", "overadmin"))]
)
def test_p3_the_right_password_from_a_secret_works_whatever_the_prompt(one: Lab, user: str) -> None:
    real = wants(one, user, secret=True)
    ran = real.run("provision", "--yes", SUDO_PW=PASSWORD)
    assert ran.code == 0, ran.said
    assert PASSWORD not in ran.said
    assert (one.hosts["one"].rootfs / "etc/who").read_text() == f"{user}\n"
    assert real.run("attach", "one", SUDO_PW=PASSWORD).code == 0


def test_p3_a_wrong_password_is_tried_once(one: Lab) -> None:
    host = one.hosts["one"]
    host.run("echo 'Defaults passwd_tries=3' >/etc/sudoers.d/zz")
    before = count(host, "pwadmin")
    ran = wants(one, "pwadmin", secret=True).run("provision", "--yes", SUDO_PW="not it")
    refused(ran, "sudo there does not accept the password", "It was tried once, and not again.")
    assert "not it" not in ran.said
    assert count(host, "pwadmin") - before == 1


@pytest.mark.parametrize("given", [f"{PASSWORD}\nmore", f"{PASSWORD}\r", "a\tb"])
def test_p3_what_is_no_single_line_is_not_sent(one: Lab, given: str) -> None:
    """The rest of it would be another attempt, or the first line of what root's shell reads."""
    host = one.hosts["one"]
    instead_of_sudo(host, LISTENING)
    ran = wants(one, "pwadmin", secret=True).run("plan", SUDO_PW=given)
    assert ran.code == 2, ran.said
    sentence = "one: the sudo password (secret pw) holds a line end or another control character."
    assert f"{sentence} No byte of it was sent." in ran.stdout
    assert wire(host) == ""


def test_p3_a_password_of_other_bytes_than_utf_8_is_sent_as_it_is(one: Lab) -> None:
    host = one.hosts["one"]
    instead_of_sudo(host, LISTENING)
    ran = wants(one, "pwadmin", secret=True).run("plan", SUDO_PW="pass\udcffword")
    refused(ran, "sudo there does not accept the password", "It was tried once, and not again.")
    assert (host.rootfs / WIRE.lstrip("/")).read_bytes() == b"pass\xffword\n"


def test_p2_what_is_refused_behind_the_prompt_of_sudo_is_told_as_elsewhere(one: Lab) -> None:
    host = one.hosts["one"]
    host.run("mkdir -p /var/lib/magnus; mv /var/lib/magnus /var/lib/away")
    host.run("ln -s /tmp /var/lib/magnus")
    try:
        ran = wants(one, "pwadmin", secret=True).run("provision", "--yes", SUDO_PW=PASSWORD)
    finally:
        host.run("rm /var/lib/magnus; mv /var/lib/away /var/lib/magnus")
    refused(ran, "refusing: /var/lib/magnus is a symlink", "Look at it there, and move it away.")


def test_p4_a_password_that_nobody_asks_for_is_not_sent(one: Lab) -> None:
    host = one.hosts["one"]
    instead_of_sudo(host, LISTENING)
    ran = wants(one, "pwadmin", secret=True).run("provision", "--yes", SUDO_PW=PASSWORD)
    assert ran.code == 0, ran.said
    # Where it is asked for, the wire shows it: once for each command, as the first line.
    assert wire(host).count(f"{PASSWORD}\n") == 2
    assert wire(host).startswith(f"{PASSWORD}\n")
    host.run(f": >{WIRE}")
    ran = wants(one, "admin", secret=True).run("provision", "--yes", SUDO_PW=PASSWORD)
    assert ran.code == 0, ran.said
    assert "/etc/who" in wire(host)
    assert PASSWORD not in wire(host)


def test_p2_a_terminal_is_asked_once_for_all_hosts(one: Lab) -> None:
    real = wants(one, "pwadmin", names=("one", "two"))
    with real.start("provision", "--yes", "--ask-sudo", terminal=True) as run:
        run.wait_line("sudo password on the hosts:")
        run.type(f"{PASSWORD}\n")
        assert run.wait(90) == 0, run.stdout
        assert run.stdout.count("sudo password") == 1
        assert PASSWORD not in run.stdout
    none = real.run("provision", "--yes", "--ask-sudo")
    assert none.code == 2
    assert "nobody is there to ask for the password of sudo" in none.said


def test_p1_a_host_without_sudo(one: Lab) -> None:
    host = one.hosts["one"]
    host.run("mv /usr/bin/sudo /usr/bin/sudo.away")
    try:
        ran = wants(one, "admin").run("provision", "--yes")
    finally:
        host.run("mv /usr/bin/sudo.away /usr/bin/sudo")
    refused(ran, "it has no sudo, and the login is not root", "Install sudo there")


def test_p7_a_user_who_may_only_some_commands(one: Lab) -> None:
    real = wants(one, "somesudo", secret=True)
    ran = real.run("provision", "--yes", SUDO_PW=PASSWORD)
    sentence = "sudo there allows this user only some commands, and /bin/sh is not among them"
    refused(ran, sentence, "allow the user ALL, log in as root, or set 'become: false'")


@SLOW
def test_p7_a_user_who_may_not_use_sudo(one: Lab) -> None:
    ran = wants(one, "nosudo", secret=True).run("provision", "--yes", SUDO_PW=PASSWORD)
    refused(ran, "this user may not use sudo there", "Allow it in sudoers")


@SLOW
def test_p5_a_sudo_that_wants_a_terminal(one: Lab) -> None:
    one.hosts["one"].run("echo 'Defaults:admin requiretty' >/etc/sudoers.d/zz")
    ran = wants(one, "admin").run("provision", "--yes")
    refused(ran, "sudo there wants a terminal (requiretty)", "Take 'requiretty' out of sudoers")


@SLOW
def test_p5_a_second_factor_gets_no_password(one: Lab) -> None:
    host = one.hosts["one"]
    instead_of_sudo(host, OTP.format(first=":"))
    ran = wants(one, "admin", secret=True).run("provision", "--yes", SUDO_PW=PASSWORD)
    sentence = "sudo there neither let us in nor asked with our prompt, so no password was sent"
    refused(ran, sentence, "a second factor wanted")
    assert "Verification code:" in ran.stdout
    assert wire(host) == ""


@SLOW
def test_p5_a_second_factor_after_the_password_gets_nothing_more(one: Lab) -> None:
    host = one.hosts["one"]
    first = 'printf "%s" "$3" >&2; IFS= read -r given'
    instead_of_sudo(host, OTP.format(first=first))
    ran = wants(one, "admin", secret=True).run("provision", "--yes", SUDO_PW=PASSWORD)
    refused(ran, "sudo there took the password and wants more", "a second factor wanted")
    assert wire(host) == ""


def as_sudo_rs(host: Host, version: str, old: str = ":") -> None:
    text = SUDO_RS.format(
        version=version, old=old, wire=WIRE, password=PASSWORD.replace("$", "\\$")
    )
    instead_of_sudo(host, text)


@pytest.mark.parametrize("right", [True, pytest.param(False, marks=SLOW)], ids=["right", "wrong"])
def test_p6_sudo_rs_takes_a_password_after_a_prompt_of_its_own_form(one: Lab, right: bool) -> None:
    """Its words are those of 0.2.8 in Ubuntu 25.10; the real 0.2.5 is in test_debian13_lab.py."""
    host = one.hosts["one"]
    as_sudo_rs(host, "0.2.8")
    refused(wants(one, "admin").run("plan"), "sudo wants a password there", "NOPASSWD")
    real = wants(one, "admin", secret=True)
    ran = real.run("provision", "--yes", SUDO_PW=PASSWORD if right else "not it")
    if right:
        assert ran.code == 0, ran.said
        assert set(wire(host).splitlines()) == {PASSWORD}
    else:
        refused(ran, "sudo there does not accept the password", "tried once")
        assert wire(host) == "not it\n"


@SLOW
def test_p6_an_old_sudo_rs_that_knows_no_prompt_is_named(one: Lab) -> None:
    host = one.hosts["one"]
    as_sudo_rs(host, "0.2.2", OLD_RS)
    ran = wants(one, "admin", secret=True).run("provision", "--yes", SUDO_PW=PASSWORD)
    sentence = "sudo there (an old sudo-rs?) cannot take a password without a terminal"
    refused(ran, sentence, "Use a NOPASSWD rule for this user, or the classic sudo (sudo.ws).")
    assert wire(host) == ""


SHELLS = ("/bin/bash", "/bin/dash", "/bin/zsh", "/usr/bin/fish", "/bin/tcsh", "/usr/local/bin/ash")


@pytest.mark.parametrize(
    "shell", [pytest.param(s, marks=() if s == "/bin/tcsh" else SLOW) for s in SHELLS]
)
def test_p15_any_login_shell_will_do(one: Lab, shell: str) -> None:
    host = one.hosts["one"]
    if not (host.rootfs / shell.lstrip("/")).exists():
        host.run(f"ln -s /bin/busybox {shell}; echo {shell} >>/etc/shells")
    host.run(f"usermod --shell {shell} admin; rm -f /etc/who")
    real = wants(one, "admin")
    assert real.run("plan", "--detailed-exitcode").code == 10
    ran = real.run("provision", "--yes")
    assert ran.code == 0, ran.said
    assert (host.rootfs / "etc/who").read_text() == "admin\n"
    attached = real.run("attach", "one")
    assert attached.code == 0, attached.said
    assert "ended well" in attached.stderr


@pytest.mark.parametrize("shell", ["/usr/sbin/nologin", "/bin/false"])
def test_p15_a_shell_that_runs_nothing_is_named(one: Lab, shell: str) -> None:
    one.hosts["one"].run(f"usermod --shell {shell} admin")
    ran = wants(one, "admin").run("provision", "--yes")
    refused(ran, "the login shell refuses to run commands", "Give this user a real shell")

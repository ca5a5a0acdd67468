"""P6, and what else a newer Debian has: the real sudo-rs, systemd and sshd of Debian 13."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.kill import Journals
from tests.faults.real import Ran, Real, declare, free, journal, reachable, says
from tests.faults.snapshot import differences, files, runtime
from tests.lab import Lab, lab, missing
from tests.lab.identity import PASSWORD, sudo_users

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
FOLDERS = ("/etc", "/usr/local", "/root", "/home")
ALLOW = "/etc/ssh/sshd_config.d/05-ours.conf"


@pytest.fixture(scope="module")
def thirteen() -> Iterator[Lab]:
    """One host of Debian 13, where `sudo` is sudo-rs for whoever logs in."""
    with lab(["one"], suite="trixie") as running:
        host = running.hosts["one"]
        sudo_users(host, running.key.with_suffix(".pub").read_text())
        host.run("ln -s /usr/lib/cargo/bin/sudo /usr/local/bin/sudo")
        reachable(running, "one", 20)
        yield running


def wants(
    thirteen: Lab, user: str, *, secret: bool = True, confirm: str = "6s", **resources: Any
) -> Real:
    wanted: dict[str, Any] = {"files": {"/etc/who": {"content": f"{user}\n"}}, **resources}
    one: dict[str, Any] = {"os": "debian-13", "user": user, "resources": wanted}
    one["confirm_timeout"] = confirm
    if secret:
        one["sudo_password"] = "pw"
    secrets = {"pw": {"env": "SUDO_PW"}} if secret else {}
    return declare(thirteen, {"one": one}, secrets=secrets)


def refusals(thirteen: Lab) -> int:
    """How many passwords PAM has refused."""
    log = thirteen.hosts["one"].run("journalctl --no-pager -o cat").stdout
    return log.count("authentication failure; ")


def refused(ran: Ran, sentence: str) -> None:
    assert ran.code == 3, ran.said
    assert f"one: {sentence}" in ran.stdout
    assert PASSWORD not in ran.said


def test_p6_sudo_rs_is_what_answers(thirteen: Lab) -> None:
    said = thirteen.control(thirteen.ssh("one", "readlink -f $(command -v sudo); sudo --version"))
    assert said.stdout.startswith("/usr/lib/cargo/bin/sudo\n"), said
    assert "sudo-rs 0." in said.stdout + said.stderr


def test_p6_sudo_rs_without_a_password_is_refused_or_goes_on(thirteen: Lab) -> None:
    refused(wants(thirteen, "pwadmin", secret=False).run("plan"), "sudo wants a password there")
    ran = wants(thirteen, "admin", secret=False).run("provision", "--yes")
    assert ran.code == 0, ran.said
    assert (thirteen.hosts["one"].rootfs / "etc/who").read_text() == "admin\n"


def test_p6_sudo_rs_takes_the_right_password_once(thirteen: Lab) -> None:
    real = wants(thirteen, "pwadmin")
    ran = real.run("provision", "--yes", SUDO_PW=PASSWORD)
    assert ran.code == 0, ran.said
    assert (thirteen.hosts["one"].rootfs / "etc/who").read_text() == "pwadmin\n"
    assert real.run("attach", "one", SUDO_PW=PASSWORD).code == 0


def test_p6_sudo_rs_is_told_a_wrong_password_once(thirteen: Lab) -> None:
    before = refusals(thirteen)
    ran = wants(thirteen, "pwadmin").run("provision", "--yes", SUDO_PW="not it")
    refused(ran, "sudo there does not accept the password")
    assert "not it" not in ran.said
    assert refusals(thirteen) - before == 1


def test_s11_a_boot_of_the_programs_alone_takes_back_too(thirteen: Lab) -> None:
    """`systemctl soft-reboot`: the kernel goes on, and with it the boot id."""
    host, journals = thirteen.hosts["one"], Journals(thirteen.hosts["one"].rootfs)
    before = {**files(host, FOLDERS), **runtime(host)}
    boot = host.boot_id()
    shut: dict[str, Any] = {
        "files": {ALLOW: {"content": "AllowUsers nobody\n"}},
        "services": {"ssh": {"reload": True, "restart_on": [f"file:{ALLOW}"]}},
    }
    real = wants(thirteen, "admin", secret=False, confirm="60s", **shut)
    with real.start("provision", "--yes") as run:
        says(host, journals, " confirm 60$")
        run.kill()
    host.run("systemctl soft-reboot", check=False)
    reachable(thirteen, "one", 60)
    assert host.boot_id() == boot
    assert "reverting boot" in journal(host)
    assert journal(host)[-1] == "reverted"
    assert differences(before, {**files(host, FOLDERS), **runtime(host)}) == {}


def test_s9_what_shuts_us_out_of_debian_13_is_taken_back(thirteen: Lab) -> None:
    host = thirteen.hosts["one"]
    service = {"ssh": {"reload": True, "restart_on": [f"file:{ALLOW}"]}}
    shut: dict[str, Any] = {
        "files": {"/etc/who": {"content": "s9\n"}, ALLOW: {"content": "AllowUsers nobody\n"}},
        "services": service,
    }
    before = {**files(host, FOLDERS), **runtime(host)}
    ran = wants(thirteen, "admin", secret=False, **shut).run("provision", "--yes")
    assert ran.code == 6, ran.said
    assert journal(host)[-1] == "end reverted"
    reachable(thirteen, "one", 30)
    assert free(host)
    found = differences(before, {**files(host, FOLDERS), **runtime(host)})
    assert set(found) == {"/etc/who"}, found

"""A validator judges the new bytes before they count."""

from __future__ import annotations

import pytest

from tests.shells.hosts import Host, a_file, fewer_shells, leftovers, mode

pytestmark = pytest.mark.shells


def test_refusals_leave_the_old_bytes_and_no_temporary_file(host: Host) -> None:
    # This validator does whatever the file says.
    host.standin("chronyd", 'exec sh "$3"')
    said = ["exit 1", "echo bad >&2; exit 1", "echo careful >&2", "kill -9 $$", "exit 127"]
    wanted = [
        a_file(f"/etc/{number}", text, validator="chrony") for number, text in enumerate(said)
    ]
    for file in wanted:
        host.write(file.path, "old\n", 0o640)
    job = host.provision(*wanted)
    assert job.first == {file.id: "failed" for file in wanted}
    for file in wanted:
        refusal = f"validator chrony refuses the new {file.path}"
        assert refusal in "\n".join(job.output[file.id])
        assert host.path(file.path).read_text() == "old\n"
        assert mode(host.path(file.path)) == "0640"
    assert not leftovers(host)


@fewer_shells
def test_a_refusal_of_a_new_file_leaves_none(host: Host) -> None:
    host.standin("chronyd", "exit 1")
    host.provision(a_file("/etc/chrony.conf", validator="chrony"))
    assert not list(host.path("/etc").iterdir())


def test_a_validator_that_is_not_there_is_a_refusal(host: Host) -> None:
    wanted = a_file("/etc/sudoers.d/x", "bad", validator="sudoers")
    host.path("/etc/sudoers.d").mkdir()
    job = host.provision(wanted)
    assert job.first == {wanted.id: "failed"}
    assert not list(host.path("/etc/sudoers.d").iterdir())


@fewer_shells
def test_an_unknown_validator_is_a_refusal(host: Host) -> None:
    wanted = a_file("/etc/x", validator="nosuch")
    job = host.provision(wanted)
    assert job.first == {wanted.id: "failed"}
    assert not host.path("/etc/x").exists()


@fewer_shells
def test_words_on_standard_output_are_no_refusal(host: Host) -> None:
    host.standin("visudo", "echo parsed OK")
    assert host.provision(a_file("/etc/x", validator="sudoers")).ok


GOOD_AND_BAD = {
    "sshd": ("/etc/ssh/sshd_config.d/10-x.conf", "MaxSessions 20\n", "MaxSession 20\n"),
    "chrony": ("/etc/chrony/chrony.conf", "server a.example\n", "servr a.example\n"),
    "netplan": ("/etc/netplan/60-x.yaml", "network:\n  version: 2\n", "netwrk:\n"),
}


def test_validators_take_the_good_and_refuse_the_bad(linux: Host) -> None:
    for path, _, _ in GOOD_AND_BAD.values():
        linux.path(path).parent.mkdir(parents=True, exist_ok=True)
    good = [a_file(path, text, validator=v) for v, (path, text, _) in GOOD_AND_BAD.items()]
    bad = [a_file(path, text, validator=v) for v, (path, _, text) in GOOD_AND_BAD.items()]
    job = linux.provision(*good)
    assert job.ok, job.output
    assert linux.provision(*bad).first == {file.id: "failed" for file in bad}
    assert [linux.path(file.path).read_text() for file in good] == [f.content for f in good]
    assert not leftovers(linux)


@fewer_shells
def test_a_unit_is_judged_under_its_own_name_and_with_its_new_bytes(linux: Host) -> None:
    linux.standin("systemd-analyze", 'echo "${3##*/} $(cat "$3")" >"$MAGNUS_ROOT/judged"')
    unit = a_file("/etc/systemd/system/llm.service", "[Unit]", validator="unit")
    assert linux.provision(unit).ok
    assert linux.path("/judged").read_text() == "llm.service [Unit]\n"


@fewer_shells
def test_netplan_is_judged_with_its_neighbours_but_never_with_its_old_self(linux: Host) -> None:
    linux.write("/etc/netplan/10-theirs.yaml", "network:\n")
    linux.write("/etc/netplan/60-x.yaml", "old: broken\n")
    assert linux.provision(a_file("/etc/netplan/60-x.yaml", "network:\n", validator="netplan")).ok
    linux.write("/etc/netplan/10-theirs.yaml", "broken:\n")
    job = linux.provision(a_file("/etc/netplan/60-x.yaml", "network:\n\n", validator="netplan"))
    assert set(job.first.values()) == {"failed"}


ALLOWED = {
    "AllowGroups nobody-here\n": "failed",
    "AllowGroups other nobody-here\n": "failed",
    "AllowGroups nobody demo\n": "ok",
    "allowgroups demo\n": "ok",
    "\tAllowGroups demo\n": "ok",
    "AllowGroups other\nAllowGroups demo\n": "ok",
}


def test_a_server_configuration_that_locks_the_login_out_is_refused(linux: Host) -> None:
    folder = "/etc/ssh/sshd_config.d"
    for wanted in ("failed", "ok"):
        texts = [text for text, word in ALLOWED.items() if word == wanted]
        files = [
            a_file(f"{folder}/{number}.conf", text, validator="sshd")
            for number, text in enumerate(texts)
        ]
        job = linux.provision(*files)
        assert job.first == {file.id: wanted for file in files}
        for file in files:
            assert linux.path(file.path).exists() == (wanted == "ok")
            if wanted == "failed":
                assert "it would lock out demo" in "\n".join(job.output[file.id])


@fewer_shells
def test_a_server_configuration_that_locks_a_root_login_out_is_refused(linux: Host) -> None:
    linux.environment["SUDO_USER"] = "root"
    folder = "/etc/ssh/sshd_config.d"
    texts = ("PermitRootLogin no\n", "permitrootlogin\tno\n", "  PermitRootLogin no\n")
    wanted = [
        a_file(f"{folder}/{number}.conf", text, validator="sshd")
        for number, text in enumerate(texts)
    ]
    assert linux.provision(*wanted).first == {file.id: "failed" for file in wanted}
    linux.environment["SUDO_USER"] = "demo"
    assert linux.provision(*wanted).ok

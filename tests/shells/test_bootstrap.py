"""The constant command that starts a probe or a job, under login shells and on poor hosts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from magnusctl.bootstrap import Request
from magnusctl.demo import roots
from magnusctl.resources import probes
from magnusctl.script import probe_request
from tests.shells.hosts import NONCE, NONE, PRIVILEGED, SUDO, Host, a_file, read
from tests.shells.shells import LOGIN_SHELLS, SHELLS, Ran, Shell, run

pytestmark = pytest.mark.shells
ODD = 'it\'s $(touch oops) "a" `b` \\c ;&|<>*?[x]{1,2}~ %s !! #'
SH = Shell("sh", "sh")
BASICS = (*roots.TOOLS, "id", "uname")


@pytest.fixture(params=LOGIN_SHELLS, ids=lambda shell: shell.name)
def login_shell(request: pytest.FixtureRequest) -> Shell:
    """Every login shell that a user on a host may have."""
    chosen = request.param
    assert isinstance(chosen, Shell)
    if chosen.missing:
        pytest.skip(chosen.missing)
    return chosen


def _log_in(shell: Shell, request: Request, home: Path) -> Ran:
    """As sshd does it: the whole command is one argument to the shell, in a home of its own."""
    words = [*shell.words, "-c", request.command]
    return run(words, request.stdin, {"HOME": str(home)})


@pytest.mark.parametrize("name", ["plain", ODD, "unicode-ü-☃"])
def test_a_login_shell_hands_probe_and_job_on_unchanged(
    login_shell: Shell, tmp_path: Path, name: str
) -> None:
    host = Host(SH, tmp_path / name)
    host.path("/etc").mkdir(parents=True)
    wanted = a_file(f"/etc/{ODD.replace('/', '')}", ODD)
    asked = probes([wanted])
    request = probe_request(asked, NONCE, root=str(host.root), privilege=NONE)
    answers, _ = read(_log_in(login_shell, request, tmp_path))
    assert answers.lines(asked[0]) == ["absent"]
    plan = host.plan(wanted)
    ran = _log_in(login_shell, host.request(plan, wanted), tmp_path)
    assert ran.stderr == ""
    assert ran.code == 0
    assert host.path(wanted.path).read_text() == ODD
    assert not host.plan(wanted)
    assert not list(tmp_path.rglob("oops"))


@pytest.mark.skipif(not PRIVILEGED, reason="only root needs no sudo")
def test_a_login_shell_hands_a_command_for_sudo_on_unchanged(
    login_shell: Shell, tmp_path: Path
) -> None:
    wanted = a_file("/x")
    asked = probes([wanted])
    request = probe_request(asked, NONCE, root=str(tmp_path), privilege=SUDO)
    ran = _log_in(login_shell, request, tmp_path)
    assert read(ran)[0].lines(asked[0]) == ["absent"], ran.stderr


def _host_with(tmp_path: Path, *tools: str) -> Host:
    """A host whose PATH holds these programs and nothing else."""
    chosen = next(shell for shell in SHELLS if not shell.missing)
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in tools:
        found = shutil.which(tool)
        if found:
            (folder / tool).symlink_to(found)
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    return Host(chosen, root, {"PATH": str(folder)})


def test_without_tar_nothing_is_left_and_the_reason_is_said(tmp_path: Path) -> None:
    host = _host_with(tmp_path, *(tool for tool in BASICS if tool != "tar"))
    request = host.request(host.plan(a_file("/etc/x")), a_file("/etc/x"))
    ran = host.send(request)
    assert (ran.code, ran.stderr.strip()) == (69, "magnus-no-tar")
    assert not host.path("/var").exists()
    assert not host.path("/etc/x").exists()


DIGESTS = ("sha256sum", "shasum", "openssl")


@pytest.mark.parametrize("digest", DIGESTS)
def test_any_one_digest_program_will_do(tmp_path: Path, digest: str) -> None:
    if not shutil.which(digest):
        pytest.skip(f"{digest} is not installed")
    others = set(DIGESTS) - {digest}
    host = _host_with(tmp_path, *(tool for tool in BASICS if tool not in others))
    # A root with its own sh runs nothing but its own programs: this digest in the prelude, too.
    shutil.copytree(host.environment["PATH"], host.path("/.standins"), symlinks=True)
    host.path("/.standins/sh").unlink(missing_ok=True)
    host.path("/.standins/sh").symlink_to("/bin/sh")
    wanted = [a_file("/etc/x", "1\n"), a_file("/etc/a\\b", "2\n"), a_file("/etc/n\nl", "3\n")]
    job = host.provision(*wanted)
    assert job.ok, job.ran.stderr


def test_without_a_digest_program_nothing_is_run(tmp_path: Path) -> None:
    host = _host_with(tmp_path, *(tool for tool in BASICS if tool not in DIGESTS))
    asked = probes([a_file("/x")])
    ran = host.send(probe_request(asked, NONCE, root=str(host.root), privilege=NONE))
    assert (ran.code, ran.stdout, ran.stderr.strip()) == (69, b"", "magnus-no-digest")


@pytest.mark.skipif(PRIVILEGED, reason="root needs no sudo")
def test_without_sudo_the_reason_is_said(tmp_path: Path) -> None:
    host = _host_with(tmp_path, *BASICS)
    ran = host.send(probe_request([], NONCE, root=str(host.root), privilege=SUDO))
    assert (ran.code, ran.stderr.strip()) == (71, "magnus-no-sudo")


def test_a_job_that_exists_already_is_not_run_again(host: Host) -> None:
    wanted = a_file("/etc/x")
    request = host.request(host.plan(wanted), wanted)
    assert host.send(request).code == 0
    host.path("/etc/x").unlink()
    again = host.send(request)
    assert again.code == 73
    assert not host.path("/etc/x").exists()


def test_a_probe_writes_nothing_on_the_host(host: Host) -> None:
    host.observe([a_file("/etc/x")])
    assert sorted(path.name for path in host.root.rglob("*")) == ["etc", "lib", "var"]

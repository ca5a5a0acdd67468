"""An upload that did not arrive whole, and a state folder that is not ours: nothing runs."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from magnusctl.bootstrap import Request
from magnusctl.resources import probes
from magnusctl.script import probe_request
from tests.shells.hosts import NONCE, NONE, PRIVILEGED, Host, a_file
from tests.shells.shells import Ran

pytestmark = pytest.mark.shells


def _cut(request: Request, length: int) -> Request:
    return dataclasses.replace(request, stdin=request.stdin[:length])


def _flipped(request: Request, position: int) -> Request:
    data = bytearray(request.stdin)
    data[position] ^= 1
    return dataclasses.replace(request, stdin=bytes(data))


def _a_job(host: Host) -> Request:
    wanted = a_file("/etc/x", "x" * 3000)
    return host.request(host.plan(wanted), wanted)


def _assert_refused(host: Host, ran: Ran) -> None:
    assert (ran.code, ran.stdout, ran.stderr.strip()) == (65, b"", "magnus-incomplete")
    assert not host.path("/etc/x").exists()
    jobs = host.path("/var/lib/magnus/jobs")
    assert not jobs.exists() or not list(jobs.iterdir())


@pytest.mark.parametrize("part", [0.0, 0.2, 0.5, 0.8, 0.9999])
def test_a_job_that_was_cut_short_is_not_run(host: Host, part: float) -> None:
    request = _a_job(host)
    head = request.stdin.index(b"\n") + 1
    length = head + int(part * (len(request.stdin) - head))
    assert length < len(request.stdin)
    _assert_refused(host, host.send(_cut(request, length)))


def test_a_job_that_was_cut_in_its_first_line_is_not_run(host: Host) -> None:
    request = _a_job(host)
    for length in (0, 1, 20, request.stdin.index(b"\n")):
        _assert_refused(host, host.send(_cut(request, length)))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.999])
def test_a_job_with_one_other_bit_is_not_run(host: Host, part: float) -> None:
    request = _a_job(host)
    head = request.stdin.index(b"\n") + 1
    position = head + int(part * (len(request.stdin) - head))
    _assert_refused(host, host.send(_flipped(request, position)))


def test_a_job_with_one_byte_too_many_is_not_run(host: Host) -> None:
    request = _a_job(host)
    _assert_refused(host, host.send(dataclasses.replace(request, stdin=request.stdin + b"\0")))


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.999])
def test_a_probe_that_was_cut_short_is_not_run(host: Host, part: float) -> None:
    asked = probes([a_file("/etc/x")])
    request = probe_request(asked, NONCE, root=str(host.root), privilege=NONE)
    head = request.stdin.index(b"\n") + 1
    length = head + int(part * (len(request.stdin) - head))
    _assert_refused(host, host.send(_cut(request, length)))


def test_a_probe_that_was_cut_in_its_first_line_is_not_run(host: Host) -> None:
    request = probe_request([], NONCE, root=str(host.root), privilege=NONE)
    _assert_refused(host, host.send(_cut(request, 10)))


def _a_link(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)


def _a_linked_jobs(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    _a_link(folder / "jobs")


def _for_the_group(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o770)


def _for_everybody(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o1777)


def _jobs_for_the_group(folder: Path) -> None:
    (folder / "jobs").mkdir(parents=True)
    (folder / "jobs").chmod(0o775)


UNSAFE = (_a_link, _a_linked_jobs, _for_the_group, _for_everybody, _jobs_for_the_group)


@pytest.mark.parametrize("make", UNSAFE)
def test_an_unsafe_state_folder_is_refused(host: Host, make: Callable[[Path], None]) -> None:
    make(host.path("/var/lib/magnus"))
    ran = host.send(_a_job(host))
    assert ran.code == 77
    assert ran.stderr.startswith("magnus-state-unsafe")
    assert not host.path("/etc/x").exists()
    assert not list(host.root.rglob("payload"))


def test_nothing_is_made_through_a_state_folder_that_is_a_link(host: Host) -> None:
    _a_link(host.path("/var/lib/magnus"))
    host.send(_a_job(host))
    assert not list(host.path("/var/lib/elsewhere").iterdir())


@pytest.mark.skipif(not PRIVILEGED, reason="only root can give a folder away")
def test_a_state_folder_of_somebody_else_is_refused(host: Host) -> None:
    folder = host.path("/var/lib/magnus")
    folder.mkdir(mode=0o700)
    os.chown(folder, 1, 1)
    ran = host.send(_a_job(host))
    assert (ran.code, ran.stderr.split()[0]) == (77, "magnus-state-unsafe")
    assert not host.path("/etc/x").exists()


def test_an_ordinary_state_folder_is_private_and_used(host: Host) -> None:
    assert host.send(_a_job(host)).code == 0
    for folder in (host.path("/var/lib/magnus"), host.path("/var/lib/magnus/jobs"), host.folder):
        assert folder.stat().st_mode & 0o777 == 0o700
    for file in host.folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    left = {path.name for path in host.folder.iterdir()}
    assert left >= {"about", "answers", "job", "journal", "manifest", "out.0"}
    assert not left & {"payload", "files", "reserve", "lock", "step"}

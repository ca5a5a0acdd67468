"""Questions are batched: the number of processes does not grow with the number of resources."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections import Counter

import pytest

from magnusctl.resources import probes
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.script import probe_request
from magnusctl.state import Resource
from tests.shells.hosts import NONCE, NONE, Host, a_directory, a_file, fewer_shells
from tests.shells.shells import run

pytestmark = pytest.mark.shells


def _many(host: Host, count: int) -> list[Resource]:
    for number in range(count):
        host.write(f"/etc/{number}", f"{number}\n")
        host.path(f"/srv/{number}").mkdir(parents=True)
    files = [a_file(f"/etc/{number}") for number in range(count)]
    return [*files, *(a_directory(f"/srv/{number}") for number in range(count))]


def _calls(host: Host, program: str) -> int:
    log = host.path(f"/calls.{program}")
    return len(log.read_text().splitlines()) if log.exists() else 0


def _count(host: Host, program: str) -> None:
    real = shutil.which(program)
    host.standin(program, f'echo "$#" >>"$MAGNUS_ROOT/calls.{program}"; exec {real} "$@"')


@pytest.mark.parametrize("count", [1, 50])
def test_fifty_files_are_one_stat_and_one_digest(host: Host, count: int) -> None:
    if not shutil.which("sha256sum"):
        pytest.skip("sha256sum is not installed")
    wanted = _many(host, count)
    _count(host, "stat")
    _count(host, "sha256sum")
    assert len(host.observe(wanted)) == 2 * count
    # One to learn which stat this is, one for all files, one for all directories.
    assert _calls(host, "stat") == 3
    assert _calls(host, "sha256sum") == 1


def _processes(host: Host, resources: list[Resource]) -> int:
    """How many processes a probe makes, as the kernel sees it."""
    request = probe_request(probes(resources), NONCE, root=str(host.root), privilege=NONE)
    log = host.root / "strace.log"
    trace = ("strace", "-f", "-qq", "-o", str(log), "-e", "trace=fork,vfork,clone,clone3")
    command = host.shell.instead_of_sh(request.command)
    ran = run([*trace, *host.shell.words, "-c", command], request.stdin)
    if ran.code != 0:
        pytest.skip(f"strace does not work here: {ran.stderr.strip()[:80]}")
    made = re.findall(r"^\d+ +(?:<\.\.\. )?v?(?:fork|clone3?)\b.* = \d+$", log.read_text(), re.M)
    log.unlink()
    return len(made)


@fewer_shells
def test_the_number_of_processes_does_not_grow_with_the_number_of_files(host: Host) -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    few = _processes(host, _many(host, 2))
    shutil.rmtree(host.path("/srv"))
    many = _processes(host, _many(host, 20))
    assert 0 < few == many


@fewer_shells
def test_packages_and_services_are_one_question_each(linux: Host) -> None:
    wanted: list[Resource] = [Package(package=f"p{number}") for number in range(20)]
    wanted += [Service(unit=f"u{number}") for number in range(20)]
    for program in ("dpkg-query", "systemctl"):
        linux.path(f"/.standins/{program}").rename(linux.path(f"/.standins/real-{program}"))
        linux.standin(program, f'echo >>"$MAGNUS_ROOT/calls.{program}"; exec real-{program} "$@"')
    linux.observe(wanted)
    assert Counter({name: _calls(linux, name) for name in ("dpkg-query", "systemctl")}) == {
        "dpkg-query": 1,
        "systemctl": 1,
    }


@fewer_shells
def test_a_probe_is_one_exec_however_many_kinds_it_asks_about(linux: Host) -> None:
    wanted = [*_many(linux, 2), Package(package="curl"), Service(unit="ssh")]
    request = probe_request(probes(wanted), NONCE, root=str(linux.root), privilege=NONE)
    ran = linux.send(dataclasses.replace(request))
    assert [line.split(" ")[2] for line in ran.lines if line.startswith(f"{NONCE} >")] == [
        "directory",
        "file",
        "package",
        "service",
    ]

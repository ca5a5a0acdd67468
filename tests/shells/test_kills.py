"""A job that is killed leaves the old bytes or the new ones, and the next one converges."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from magnusctl.state import Resource
from tests.shells.hosts import Host, a_block, a_directory, a_file
from tests.shells.shells import Shell, in_turn

pytestmark = pytest.mark.shells
OLD, NEW = "old\n" * 500, "new\n" * 700
BEFORE = 'kill -9 0; exec {real} "$@"'
AFTER = '{real} "$@"; kill -9 0'
HALF = '{real} "$@" | head -c 1000; kill -9 0'
POINTS = [
    *(("cat", body) for body in (BEFORE, HALF, AFTER)),
    *((program, body) for program in ("chmod", "dd", "cp", "mv") for body in (BEFORE, AFTER)),
]


def _kill_at(host: Host, program: str, body: str) -> None:
    real = shutil.which(program)
    assert real
    host.standin(program, body.format(real=real))


def _revive(host: Host) -> None:
    shutil.rmtree(host.root / ".standins")


def _id(point: Shell | tuple[str, str]) -> str:
    if isinstance(point, Shell):
        return point.name
    words = {BEFORE: "before", AFTER: "after", HALF: "half"}
    return f"{words[point[1]]}-{point[0]}"


@pytest.mark.parametrize(("shell", "point"), in_turn(POINTS), indirect=["shell"], ids=_id)
def test_a_killed_job_leaves_old_or_new_bytes_and_the_next_converges(
    host: Host, point: tuple[str, str]
) -> None:
    host.write("/etc/old", OLD)
    wanted: tuple[Resource, ...] = (a_file("/etc/old", NEW), a_file("/etc/fresh", NEW))
    plan = host.plan(*wanted)
    _kill_at(host, *point)
    job = host.apply(plan, *wanted)
    assert job.ran.code == -9
    assert not job.answers.ended
    assert host.path("/etc/old").read_text() in (OLD, NEW)
    assert not host.path("/etc/fresh").exists() or host.path("/etc/fresh").read_text() == NEW
    _revive(host)
    assert host.provision(*wanted).ok
    assert host.path("/etc/old").read_text() == host.path("/etc/fresh").read_text() == NEW


BLOCK_POINTS = [("awk", BEFORE), ("awk", HALF), ("mv", BEFORE), ("mv", AFTER)]


@pytest.mark.parametrize(("shell", "point"), in_turn(BLOCK_POINTS), indirect=["shell"], ids=_id)
def test_a_killed_edit_leaves_the_old_file_or_the_new_one(
    host: Host, point: tuple[str, str]
) -> None:
    host.write("/etc/hosts", OLD)
    block = f"# magnus begin\n{NEW}# magnus end\n"
    wanted = a_block("/etc/hosts", NEW)
    plan = host.plan(wanted)
    _kill_at(host, *point)
    assert host.apply(plan, wanted).ran.code == -9
    assert host.path("/etc/hosts").read_text() in (OLD, OLD + block)
    _revive(host)
    assert host.provision(wanted).ok
    assert host.path("/etc/hosts").read_text() == OLD + block


@pytest.mark.parametrize("point", [("awk", BEFORE)], ids=_id)
def test_a_killed_first_block_leaves_no_file_or_the_new_one(
    host: Host, point: tuple[str, str]
) -> None:
    wanted = a_block("/etc/fresh", "ours\n")
    plan = host.plan(wanted)
    _kill_at(host, *point)
    host.apply(plan, wanted)
    assert not host.path("/etc/fresh").exists()


def test_a_job_that_was_killed_between_steps_is_finished_by_the_next(host: Host) -> None:
    wanted = (a_file("/etc/a"), a_directory("/srv/b"), a_file("/etc/c"))
    plan = host.plan(*wanted)
    _kill_at(host, "mkdir", BEFORE)
    job = host.apply(plan, *wanted)
    assert job.words["file:/etc/a"] == "ok"
    assert host.path("/etc/a").exists()
    assert not host.path("/etc/c").exists()
    _revive(host)
    left = host.plan(*wanted)
    assert [change.resource.id for change in left.changes] == ["directory:/srv/b", "file:/etc/c"]
    assert host.provision(*wanted).ok


def test_a_listener_that_goes_away_does_not_stop_the_job(host: Host) -> None:
    wanted = [a_file(f"/etc/{number}") for number in range(5)]
    request = host.request(host.plan(*wanted), *wanted)
    command = host.shell.instead_of_sh(request.command)
    process = subprocess.Popen(
        [*host.shell.words, "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin
    assert process.stdout
    process.stdout.close()
    process.stdin.write(request.stdin)
    process.stdin.close()
    process.wait(30)
    assert not host.plan(*wanted)
    assert (host.folder / "journal").read_text().endswith(" end\n")

"""R1: a disk that is full, or gets full in the middle: the old bytes or the new ones, in words."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.faults.disks import assert_sound, assert_told, assert_untouched, disk
from tests.faults.site import LINES, Ran, Simulated, Site
from tests.faults.smallfs import SmallFs, missing, missing_ext4

pytestmark = pytest.mark.skipif(bool(missing_ext4()), reason=missing_ext4() or missing() or "-")
NUMBERS = itertools.count()
OURS, THEIRS = "/var/lib", "/etc/app"
"""Where the job keeps its own, and where it writes what is declared."""


def new_host(place: Site) -> Simulated:
    return place.host(f"disk{next(NUMBERS)}", confirm_timeout="20s")


def room_for(place: Site, where: str, leave: int) -> int:
    """Provision a host that has so many bytes left, then one with all its room; the exit code."""
    host = new_host(place)
    with disk(host, where) as full:
        full.fill(leave=leave)
        ran = host.run("provision", "--yes")
        if ran.code:
            assert_told(host, ran)
            assert "othing was run" in ran.stdout
            assert_untouched(host)
        full.free()
        host.assert_done()
    return ran.code


# Too little to begin with, to upload, for the reserve, for what it will write; enough.
@pytest.mark.parametrize(
    ("where", "leave", "code"),
    [
        *((OURS, leave, 5) for leave in (0, 90_000, 850_000)),
        (THEIRS, 300_000, 5),
        (THEIRS, 1_000_000, 0),
    ],
)
def test_r1_without_room_nothing_is_begun_and_the_need_is_told(
    place: Site, where: str, leave: int, code: int
) -> None:
    assert room_for(place, where, leave) == code


@pytest.mark.slow_faults
@pytest.mark.parametrize("where", [OURS, THEIRS])
def test_r1_with_any_room_all_of_it_is_done_or_nothing(place: Site, where: str) -> None:
    codes = [room_for(place, where, leave) for leave in range(0, 1_600_000, 40_000)]
    assert codes == sorted(codes, reverse=True)
    assert set(codes) == {5, 0}


def filled_at(place: Site, where: str, line: int, leave: int) -> None:
    """Fill a disk while the job stands between two lines of its journal."""
    host = new_host(place)
    with disk(host, where) as full:
        ran = _filled(host, full, line, leave)
        assert_sound(host, ran)
        if ran.code:
            assert_told(host, ran)
            assert f"magnusctl plan -l {host.name}" in ran.stdout
        full.free()
        host.assert_done()


def _filled(host: Simulated, full: SmallFs, line: int, leave: int) -> Ran:
    host.hold(line)
    with host.start("provision", "--yes") as run:
        host.held()
        full.fill(leave=leave)
        host.release()
        return Ran(run.wait(90), run.stdout, run.stderr)


@pytest.mark.parametrize(
    ("where", "line", "leave"),
    [
        *((OURS, line, 0) for line in (1, 8, 14, 17)),
        (OURS, 4, 1024),
        (THEIRS, 4, 0),
        (THEIRS, 9, 279_000),
    ],
)
def test_r1_a_disk_that_gets_full_leaves_old_bytes_or_new_ones(
    place: Site, where: str, line: int, leave: int
) -> None:
    filled_at(place, where, line, leave)


@pytest.mark.slow_faults
@pytest.mark.parametrize("leave", [0, 1024, 3072, 9000])
@pytest.mark.parametrize("line", range(1, LINES))
def test_r1_at_every_line_of_the_journal(place: Site, line: int, leave: int) -> None:
    filled_at(place, OURS, line, leave)


@pytest.mark.slow_faults
def test_r1_a_write_that_fails_at_any_of_its_bytes(place: Site) -> None:
    for leave in range(0, 300_000, 20_000):
        filled_at(place, THEIRS, 9, leave)


def take_inodes(folder: Path) -> None:
    """Make empty files until there can be no more."""
    folder.mkdir()
    for number in range(100_000):
        (folder / str(number)).touch()


@pytest.mark.parametrize("where", [OURS, THEIRS])
def test_r1_a_file_system_without_inodes_is_named(place: Site, where: str) -> None:
    host = new_host(place)
    with disk(host, where) as full:
        taken = full.path / "taken"
        with pytest.raises(OSError, match="No space left"):
            take_inodes(taken)
        ran = host.run("provision", "--yes")
        assert ran.code == 5
        assert f"{host.name}: no " in ran.stdout
        assert "no inode left" in ran.stdout
        assert "othing was run" in ran.stdout
        assert_untouched(host)
        for path in taken.iterdir():
            path.unlink()
        taken.rmdir()
        host.assert_done()


@pytest.mark.parametrize("where", [OURS, THEIRS, "/etc"])
def test_r3_a_file_system_that_is_read_only_is_told_before_the_first_step(
    place: Site, where: str
) -> None:
    host = new_host(place)
    with disk(host, where) as fixed:
        fixed.read_only()
        ran = host.run("provision", "--yes")
        fixed.read_write()
        assert ran.code == 5
        assert f"{host.name}: " in ran.stdout
        assert "is mounted read-only" in ran.stdout
        assert "othing was run" in ran.stdout
        assert "run the same command again" in ran.stdout
        assert_untouched(host)
        assert not [line for line in _journals(host) if line.startswith("start")]
        host.assert_done()


def _journals(host: Simulated) -> list[str]:
    return [line for job in host.jobs() for line in host.journal(job)]

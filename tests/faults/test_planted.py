"""S1: links that somebody planted lead nowhere, and what is not a file is not taken for one."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.site import Ran, Simulated, Site

NUMBERS = itertools.count()
TWO = "/etc/app/two"
HOME = "/home/app/.config/key"
RESOURCES: dict[str, Any] = {
    "directories": {"/home/app/.config": {"mode": "0700"}},
    "files": {TWO: {"content": "after\n"}, HOME: {"content": "key\n", "mode": "0600"}},
}
OWNED = pytest.mark.skipif(os.getuid() != 0, reason="only root can give things away")
VICTIM = "not ours\n"


@pytest.fixture
def host(place: Site) -> Simulated:
    """A host with a file that will be replaced, and a home that has a new one."""
    made = place.host(f"planted{next(NUMBERS)}", RESOURCES)
    made.path("/home/app").mkdir(parents=True)
    return made


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """What a planted link names: never read, written, moved or given away."""
    path = tmp_path / "victim"
    path.write_text(VICTIM)
    path.chmod(0o604)
    os.utime(path, (1, 1))
    return path


def assert_spared(victim: Path) -> None:
    found = victim.lstat()
    assert victim.read_text() == VICTIM
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_mtime) == (0o604, os.getuid(), 1)


def assert_refused(host: Simulated, ran: Ran, words: str) -> None:
    """Exit code 5, the host, the resource, why, and what to type next."""
    assert ran.code == 5, ran.said
    assert f"{host.name}: file:" in ran.stdout
    assert words in ran.stdout
    assert f"magnusctl plan -l {host.name}" in ran.stdout
    assert not list(host.path("/etc").rglob(".magnus.*"))


def standin(host: Simulated, program: str, text: str) -> None:
    """A program of the host that does something else, too; {real} is the real one."""
    path = host.root / ".standins" / program
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text.format(real=shutil.which(program))}\n")
    path.chmod(0o755)


def mend(host: Simulated, program: str) -> None:
    path = host.root / ".standins" / program
    path.unlink()
    path.symlink_to(str(shutil.which(program)))


def test_s1_a_link_in_the_place_of_a_file_is_not_written_through(
    host: Simulated, victim: Path
) -> None:
    host.path(TWO).unlink()
    host.path(TWO).symlink_to(victim)
    assert_refused(host, host.run("provision", "--yes"), "refusing to write through the symlink")
    assert host.path(TWO).is_symlink()
    assert_spared(victim)
    host.path(TWO).unlink()
    host.assert_done(RESOURCES)


def test_s1_a_link_that_came_after_the_plan_is_a_conflict(host: Simulated, victim: Path) -> None:
    host.hold(1)
    with host.start("provision", "--yes") as run:
        host.held()
        host.path(TWO).unlink()
        host.path(TWO).symlink_to(victim)
        host.release()
        ran = Ran(run.wait(90), run.stdout, run.stderr)
    assert ran.code == 4, ran.said
    assert f"{host.name}: file:{TWO} changed since it was planned" in ran.stdout
    assert host.path(TWO).is_symlink()
    assert_spared(victim)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_s1_a_link_that_comes_while_the_file_is_written_is_seen_before_the_rename(
    host: Simulated, victim: Path, kind: str
) -> None:
    folder = victim.with_name("folder")
    folder.mkdir()
    leads = folder if kind == "folder" else victim
    target = host.path(TWO)
    plants = f"case $1 in files/*) rm -f '{target}'; ln -s '{leads}' '{target}' ;; esac"
    standin(host, "cat", f'{{real}} "$@" || exit; {plants}')
    assert_refused(host, host.run("provision", "--yes"), "refusing to write through the symlink")
    assert_spared(victim)
    assert not list(folder.iterdir())
    mend(host, "cat")
    target.unlink()
    host.assert_done(RESOURCES)


def test_s1_a_link_at_the_temporary_name_is_replaced(host: Simulated, victim: Path) -> None:
    host.hold(1)
    with host.start("provision", "--yes") as run:
        host.held()
        for number in range(3):
            (host.path(TWO).parent / f".magnus.{host.folder().name}.{number}").symlink_to(victim)
        host.release()
        assert run.wait(90) == 0, run.stdout
    assert host.contents(TWO) == "after\n"
    assert_spared(victim)


def _a_file(victim: Path) -> Path:
    return victim


def _nowhere(victim: Path) -> Path:
    return victim.with_name("nowhere")


def _a_device(victim: Path) -> Path:
    device = victim.with_name("device")
    try:
        os.mknod(device, 0o604 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("no device can be made here")
    return device


@pytest.mark.parametrize("leads", [_a_file, _nowhere, pytest.param(_a_device, marks=OWNED)])
def test_s1_a_link_that_comes_back_at_the_temporary_name_is_refused(
    host: Simulated, victim: Path, leads: Callable[[Path], Path]
) -> None:
    leads_to = leads(victim)
    plants = f"case $2 in */app/.magnus.*.[0-9]) ln -s '{leads_to}' \"$2\" ;; esac"
    standin(host, "rm", f'{{real}} "$@" || exit; {plants}')
    ran = host.run("provision", "--yes")
    assert ran.code == 5, ran.said
    assert f"{host.name}: file:{TWO} failed" in ran.stdout
    assert "cannot write beside" in ran.stdout
    assert host.contents(TWO) == "before\n"
    assert_spared(victim)
    assert not _nowhere(victim).exists()
    if leads_to.exists():
        assert stat.S_IMODE(leads_to.stat().st_mode) == 0o604
    mend(host, "rm")
    for planted in host.path(TWO).parent.glob(".magnus.*"):
        planted.unlink()
    host.assert_done(RESOURCES)


@OWNED
def test_s1_a_users_link_on_the_way_leads_nowhere(host: Simulated, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / ".config").mkdir(parents=True)
    host.path("/home/app").rmdir()
    host.path("/home/app").symlink_to(elsewhere)
    os.lchown(host.path("/home/app"), 1234, 1234)
    ran = host.run("provision", "--yes")
    assert ran.code == 5, ran.said
    assert "directory:/home/app/.config failed" in ran.stdout
    assert "a link that uid 1234 made" in ran.stdout
    assert f"{host.name}: " in ran.stdout
    assert [path.name for path in elsewhere.rglob("*")] == [".config"]
    assert stat.S_IMODE((elsewhere / ".config").stat().st_mode) == 0o755
    assert host.contents(TWO) == "after\n"
    host.path("/home/app").unlink()
    host.assert_done(RESOURCES)


def test_s1_roots_own_link_on_the_way_is_the_way(host: Simulated, tmp_path: Path) -> None:
    # As /etc is on a Mac, and /home on a host with a second disk.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    host.path("/home/app").rmdir()
    host.path("/home/app").symlink_to(elsewhere)
    host.assert_done(RESOURCES)
    assert (elsewhere / ".config/key").read_text() == "key\n"


def test_s1_another_name_of_the_file_keeps_the_old_bytes(host: Simulated, tmp_path: Path) -> None:
    other = host.path("/etc/other")
    other.hardlink_to(host.path(TWO))
    mode = other.stat().st_mode
    host.assert_done(RESOURCES)
    assert (other.read_text(), other.stat().st_mode) == ("before\n", mode)


def test_s1_a_folder_in_the_place_of_a_file_is_left_alone(host: Simulated) -> None:
    host.path(TWO).unlink()
    host.path(TWO).mkdir()
    (host.path(TWO) / "theirs").write_text("theirs\n")
    assert_refused(host, host.run("provision", "--yes"), "/etc/app/two is a directory")
    assert (host.path(TWO) / "theirs").read_text() == "theirs\n"
    shutil.rmtree(host.path(TWO))
    host.assert_done(RESOURCES)


def test_s1_a_file_that_goes_after_the_guard_is_written_all_the_same(host: Simulated) -> None:
    goes = f"case $1 in files/*) mv -n '{host.path(TWO)}' '{host.path('/gone')}' ;; esac"
    standin(host, "cat", f'{goes}; exec {{real}} "$@"')
    host.assert_done(RESOURCES)
    assert host.contents("/gone") == "before\n"

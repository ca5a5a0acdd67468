"""R6: a state folder that is not root's alone is refused, and nothing is written through it."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.disks import assert_untouched
from tests.faults.site import Site

NUMBERS = itertools.count()


def _a_link(state: Path) -> None:
    state.symlink_to(_elsewhere(state))


def _a_link_to_nowhere(state: Path) -> None:
    state.symlink_to("/nowhere/at/all")


def _a_link_for_its_jobs(state: Path) -> None:
    state.mkdir(mode=0o700)
    (state / "jobs").symlink_to(_elsewhere(state))


def _of_somebody_else(state: Path) -> None:
    state.mkdir(mode=0o700)
    os.chown(state, 1234, 1234)


def _jobs_of_somebody_else(state: Path) -> None:
    (state / "jobs").mkdir(mode=0o700, parents=True)
    os.chown(state / "jobs", 1234, 1234)


def _for_its_group(state: Path) -> None:
    state.mkdir()
    state.chmod(0o770)


def _for_everybody(state: Path) -> None:
    state.mkdir()
    state.chmod(0o1777)


def _a_file(state: Path) -> None:
    state.write_text("theirs\n")


def _elsewhere(state: Path) -> Path:
    folder = state.with_name("elsewhere")
    folder.mkdir(mode=0o700)
    return folder


OWNED = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
UNSAFE = (
    *(_a_link, _a_link_to_nowhere, _a_link_for_its_jobs, _for_its_group, _for_everybody),
    pytest.param(_of_somebody_else, marks=OWNED),
    pytest.param(_jobs_of_somebody_else, marks=OWNED),
)


@pytest.mark.parametrize("make", UNSAFE)
def test_r6_a_state_folder_that_is_not_roots_alone_is_refused(
    place: Site, make: Callable[[Path], None]
) -> None:
    host = place.host(f"state{next(NUMBERS)}")
    make(host.state)
    before = sorted(host.root.rglob("var/lib/**/*"))
    ran = host.run("provision", "--yes")
    assert ran.code == 3, ran.said
    assert f"{host.name}: refusing: /var/lib/magnus is a symlink, is writable by others" in ran.said
    assert "Look at it there, and move it away." in ran.said
    assert_untouched(host)
    assert sorted(host.root.rglob("var/lib/**/*")) == before
    _move_away(host.state)
    host.assert_done()


def test_r6_a_file_in_the_place_of_the_state_folder_is_refused(place: Site) -> None:
    host = place.host(f"state{next(NUMBERS)}")
    _a_file(host.state)
    ran = host.run("provision", "--yes")
    assert ran.code == 3, ran.said
    assert f"{host.name}: " in ran.stdout
    assert "/var/lib/magnus; nothing was run" in ran.stdout
    assert_untouched(host)
    assert host.state.read_text() == "theirs\n"
    _move_away(host.state)
    host.assert_done()


def _move_away(state: Path) -> None:
    if state.is_symlink() or state.is_file():
        state.unlink()
    else:
        shutil.rmtree(state)

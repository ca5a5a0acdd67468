"""The small file system is full when it says so, and is always unmounted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.smallfs import Kind, missing, missing_ext4, small
from tests.faults.sshd import REPOSITORY
from tests.lab.system import mounts_under, wait_for

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")
KINDS = (
    pytest.param(
        "ext4", marks=pytest.mark.skipif(bool(missing_ext4()), reason=missing_ext4() or "-")
    ),
    "tmpfs",
)
HOLD = """\
import sys, time, pathlib
from tests.faults.smallfs import small
with small(pathlib.Path(sys.argv[1]), 256):
    print("mounted", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_filled_and_freed(tmp_path: Path, kind: Kind) -> None:
    with small(tmp_path / "fs", 512, kind) as disk:
        assert 300_000 < disk.available() <= 512 * 1024
        disk.fill()
        assert disk.available() == 0
        with pytest.raises(OSError, match="No space left"):
            (disk.path / "more").write_bytes(b"x" * 5000)
        (disk.path / "more").unlink()
        disk.free()
        (disk.path / "more").write_bytes(b"x" * 200_000)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leave", [8192, 40_000])
def test_some_room_can_be_left(tmp_path: Path, kind: Kind, leave: int) -> None:
    with small(tmp_path / "fs", 512, kind) as disk:
        disk.fill(leave=leave)
        assert leave - 8192 <= disk.available() <= leave


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_made_read_only_and_back(tmp_path: Path, kind: Kind) -> None:
    with small(tmp_path / "fs", 256, kind) as disk:
        disk.read_only()
        with pytest.raises(OSError, match="Read-only"):
            (disk.path / "file").touch()
        disk.read_write()
        (disk.path / "file").touch()


def test_it_is_unmounted_with_a_file_still_open(tmp_path: Path) -> None:
    with small(tmp_path / "fs", 256) as disk:
        open_file = (disk.path / "file").open("w")
    assert mounts_under(tmp_path) == []
    open_file.close()


def test_it_is_unmounted_when_its_owner_is_killed(tmp_path: Path) -> None:
    point = tmp_path / "fs"
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(point)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "mounted\n"
    assert mounts_under(point) == [str(point)]
    os.kill(owner.pid, signal.SIGKILL)
    owner.communicate()
    wait_for("the end of the mount", lambda: mounts_under(point) == [], 60)

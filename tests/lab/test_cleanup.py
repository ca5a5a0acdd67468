"""A lab goes away, however its owner ends."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import Lab, LabError, lab, missing, rootfs, state, system
from tests.lab.leftovers import gone, processes, traces

REPOSITORY = Path(__file__).parents[2]
LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
HOLD = """\
import json, os, time
from tests.lab import lab
with lab(["one"]) as it:
    leader = it.hosts["one"].leader
    print(json.dumps([it.id, str(it.workdir), leader, os.getpid()]), flush=True)
    time.sleep(60)
"""


def hold() -> tuple["subprocess.Popen[str]", str, Path, int]:
    """Another process that holds a lab: the process, and the lab's id, folder and init."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    lab_id, workdir, leader, _ = json.loads(child.stdout.readline())
    return child, lab_id, Path(workdir), leader


def watchdog_of(lab_id: str) -> int:
    """The watchdog this test's own child started."""
    wanted = [b"-m", b"tests.lab.watchdog", lab_id.encode()]
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        # Another process may end while it is looked at.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if file.read_bytes().split(b"\0")[1:4] == wanted:
                return int(file.parent.name)
    raise AssertionError(f"no watchdog of {lab_id}")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_cleanup_after_an_exception(error: type[BaseException]) -> None:
    seen: list[Lab] = []
    with pytest.raises(error), lab(["one"]) as running:  # noqa: PT012
        seen.append(running)
        raise error
    assert traces(seen[0].id, seen[0].workdir) == []
    assert seen[0].control(["true"]).returncode == 125


def test_cleanup_after_a_failed_start(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[state.Record] = []

    def fail(lab_id: str, *_: object) -> None:
        made.extend(record for record in state.records() if record.id == lab_id)
        raise LabError("no cards")

    monkeypatch.setattr("tests.lab.network.plug_in", fail)
    with pytest.raises(LabError, match="no cards"), lab(["one"]):
        pass
    assert traces(made[0].id, Path(made[0].workdir)) == []


def test_cleanup_after_sigkill() -> None:
    child, lab_id, workdir, leader = hold()
    assert traces(lab_id, workdir)
    child.kill()
    child.communicate()
    gone(lab_id, workdir)
    assert system.start_time(leader) is None


def test_sweep_after_sigkill_of_owner_and_watchdog(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Records of its own: a lab that another worker makes meanwhile would sweep this one first.
    monkeypatch.setenv("MAGNUS_LAB_RECORDS", str(tmp_path))
    monkeypatch.setattr(state, "RECORDS", tmp_path)
    child, lab_id, workdir, leader = hold()
    os.kill(watchdog_of(lab_id), signal.SIGKILL)
    child.kill()
    child.communicate()
    try:
        time.sleep(0.5)
        assert system.start_time(leader) is not None
    finally:
        swept = state.sweep()
    assert swept == [lab_id]
    gone(lab_id, workdir)


def test_ctrl_c_ends_up() -> None:
    argv = [sys.executable, "-m", "tests.lab", "up", "one"]
    child = subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(5)]
    record = next(record for record in state.records() if record.owner == child.pid)
    assert any(f"ip netns exec magnus-ctl-{record.id} ssh" in line for line in lines)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert traces(record.id, Path(record.workdir)) == []


def test_a_process_that_cannot_join_its_group_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "made"
    argv = system.joining([tmp_path / "none" / "cgroup.procs"], ["touch", str(file)])
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 125
    assert not file.exists()


def test_a_killed_build_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if "mmdebstrap (package mmdebstrap)" in missing():
        pytest.skip("mmdebstrap is not installed")
    monkeypatch.setenv("MAGNUS_LAB_CACHE", str(tmp_path))
    code = "from tests.lab import rootfs; rootfs.ensure()"
    child = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY)

    def unpacked() -> bool:
        assert child.poll() is None, "the build ended"
        return bool(list(tmp_path.glob(".build-*/root/usr")))

    system.wait_for("the build", unpacked, 300)
    child.kill()
    child.wait()
    assert not rootfs.path().exists()
    end = time.monotonic() + 60
    while processes(str(tmp_path)) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes(str(tmp_path)) == []
    assert system.mounts_under(tmp_path) == []
    system.remove_tree(tmp_path)

"""Small pieces over the machine: commands, processes, control groups, mounts."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


class LabError(Exception):
    """The lab could not be made, or one of its hosts did not come up."""


def command(
    *argv: str | Path, input: str | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a command of the machine's own and return what it printed, or raise LabError."""
    done = subprocess.run(
        [str(word) for word in argv],
        input=input,
        env=None if env is None else {**os.environ, **env},
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        words = " ".join(str(word) for word in argv)
        raise LabError(f"{words}: {done.stderr.strip() or f'exit {done.returncode}'}")
    return done.stdout


def wait_for(what: str, ready: Callable[[], bool], seconds: float) -> None:
    """Ask until `ready` says yes; LabError after `seconds`."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {seconds:g} s")
        time.sleep(0.01)


def start_time(pid: int) -> int | None:
    """When a process started, in ticks since boot: with the pid it names one process for good."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def signal_all(find: Callable[[], set[int]], number: signal.Signals) -> None:
    """Send a signal to processes that may fork meanwhile, until all there are have got it."""
    reached: set[int] = set()
    for _ in range(50):
        fresh = find() - reached
        if not fresh:
            return
        for pid in fresh:
            _kill(pid, number)
        reached |= fresh
    raise LabError("processes come faster than they can be signalled")


def hierarchies() -> list[Path]:
    """The control group trees systemd-nspawn looks at: one, or two on a hybrid machine."""
    found = [CGROUPS / name for name in ("systemd", "unified")]
    found = [path for path in found if (path / "cgroup.procs").exists()]
    return found or [CGROUPS]


def make_group(name: str) -> list[Path]:
    """Make a control group in every tree; returns the files that a process joins it by."""
    groups = [root / name for root in hierarchies()]
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return [group / "cgroup.procs" for group in groups]


def joining(files: Sequence[Path], argv: Sequence[str]) -> list[str]:
    """A command line that joins the groups and then becomes `argv`, or fails and runs nothing."""
    script = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"'
    return ["/bin/sh", "-c", script, "sh", *(str(file) for file in files), "--", *argv]


def _folders(group: Path) -> list[Path]:
    """A control group and those below it; not rglob, which fails when one goes meanwhile."""
    return [Path(folder) for folder, _, _ in os.walk(group)]


def _members(group: Path, spared: str = "") -> set[int]:
    pids: set[int] = set()
    for folder in _folders(group):
        if folder.name == spared:
            continue
        try:
            pids.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
        except OSError:
            continue
    return pids - {0, os.getpid()}


def end_group(name: str) -> None:
    """Kill whatever is in a control group the lab made, and remove the group.

    systemd-nspawn, in a group called supervisor, gets two seconds to see that its container is
    gone: it then reaps it and removes its own files.
    """
    groups = [root / name for root in hierarchies() if (root / name).is_dir()]
    for turn in range(400):
        spared = "supervisor" if turn < 80 else ""
        pids: set[int] = set().union(*(_members(group) for group in groups))
        for pid in set().union(*(_members(group, spared) for group in groups)):
            _kill(pid)
        if not pids and all(_remove_group(group) for group in groups):
            return
        time.sleep(0.025)
    raise LabError(f"the control group {name} does not empty")


def _kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _remove_group(group: Path) -> bool:
    for folder in sorted(_folders(group), reverse=True):
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return not group.exists()


def mounts_under(folder: Path) -> list[str]:
    """What is mounted at or below a folder, the last mounted first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    return [p for p in reversed(points) if p == str(folder) or p.startswith(f"{folder}/")]


def remove_tree(folder: Path) -> None:
    """Unmount what is below a folder and delete it; never deletes through a mount."""
    for point in mounts_under(folder):
        command("umount", "--lazy", point)
    if mounts_under(folder):
        raise LabError(f"something is still mounted below {folder}")
    if folder.exists():
        shutil.rmtree(folder)

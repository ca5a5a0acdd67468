"""What is left on the machine of a lab that should be gone."""

import time
from pathlib import Path

from tests.lab import state, system


def traces(lab_id: str, workdir: Path) -> list[str]:
    """What is still there of a lab."""
    found = [str(workdir)] if workdir.exists() else []
    found += [str(path) for path in Path("/run/netns").glob(f"*{lab_id}")]
    found += [str(path) for path in Path("/run/systemd/nspawn/propagate").glob(f"{lab_id}-*")]
    found += [str(path) for path in system.CGROUPS.glob(f"*/magnus-lab-{lab_id}")]
    found += [str(path) for path in system.CGROUPS.glob(f"magnus-lab-{lab_id}")]
    found += system.mounts_under(workdir)
    found += [record.id for record in state.records() if record.id == lab_id]
    return found + processes(lab_id)


def processes(word: str) -> list[str]:
    """The command lines on this machine that name a lab."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


def gone(lab_id: str, workdir: Path, seconds: float = 60) -> None:
    """Wait until nothing of a lab is left."""
    end = time.monotonic() + seconds
    while (left := traces(lab_id, workdir)) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == []

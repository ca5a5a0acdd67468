"""What a lab has made, on record, so that anyone can take it down when its owner cannot."""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab import network
from tests.lab.system import command, end_group, remove_tree, start_time

# One folder for the machine, so that whoever makes a lab also takes down what the dead have left.
RECORDS = Path(os.environ.get("MAGNUS_LAB_RECORDS", "/run/magnus-lab"))
# Where systemd-nspawn keeps a folder for each container, unless it is killed.
_NSPAWN = Path("/run/systemd/nspawn/propagate")
_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Record:
    """One lab: everything it makes is named after `id` or lies in `workdir`."""

    id: str
    owner: int
    owner_start: int
    workdir: str

    @property
    def folder(self) -> Path:
        return RECORDS / self.id

    def alive(self) -> bool:
        """Whether the process that made the lab still runs."""
        return start_time(self.owner) == self.owner_start


def new(parent: Path | None) -> Record:
    """Put a new lab on record, before it makes anything."""
    workdir = tempfile.mkdtemp(prefix="magnus-lab-", dir=parent or Path("/var/tmp"))
    own_start = start_time(os.getpid()) or 0
    record = Record(secrets.token_hex(3), os.getpid(), own_start, str(Path(workdir).resolve()))
    RECORDS.mkdir(exist_ok=True)
    # Renamed into place, so that no one meets a folder without its record.
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=RECORDS))
    (fresh / "record.json").write_text(json.dumps(asdict(record)))
    fresh.rename(record.folder)
    return record


def records() -> list[Record]:
    """The labs on record on this machine."""
    found = []
    for file in sorted(RECORDS.glob("[!.]*/record.json")):
        try:
            found.append(Record(**json.loads(file.read_text())))
        except (OSError, ValueError, TypeError):
            continue
    return found


def sweep() -> list[str]:
    """Take down the labs whose owners are dead; returns their ids."""
    dead = [record for record in records() if not record.alive()]
    for record in dead:
        take_down(record)
    return [record.id for record in dead]


def take_down(record: Record) -> None:
    """End and remove all that a lab has made. May be called again, and by several at once."""
    try:
        lock = (record.folder / "lock").open("w")
    except FileNotFoundError:
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (record.folder / "record.json").exists():
            return
        end_group(f"magnus-lab-{record.id}")
        for namespace in network.namespaces(record.id):
            if Path("/run/netns", namespace).exists():
                command("ip", "netns", "del", namespace)
        for left in _NSPAWN.glob(f"{record.id}-*"):
            left.rmdir()
        remove_tree(Path(record.workdir))
        shutil.rmtree(record.folder)


def watch(record: Record) -> "subprocess.Popen[bytes]":
    """Start the process that takes the lab down once this one is gone; it reads our pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.lab.watchdog", record.id],
        cwd=_REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

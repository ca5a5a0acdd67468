"""The demo: the main job on simulated hosts, by the same commands that a user types."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from magnusctl.demo.stage import Stage, stage
from magnusctl.errors import InputError
from magnusctl.inventory.validate import load

_UNCHANGED = "0 changes:"


def show(keep: Path | None, inventory: Path | None = None) -> int:
    """Provision, verify and provision again. Returns 0 when the second run had nothing to do."""
    started = time.monotonic()
    with _folder(keep) as folder, stage(folder, inventory) as on:
        _tell("SIMULATED hosts: folders on this machine, behind SSH servers on loopback.")
        _tell("Their system programs are stand-ins; sh, the SSH protocol and every file are real.")
        # The host that trades is changed only by who says so.
        allow = [word for host in _protected(on) for word in ("--allow-disruption", f"{host}:*")]
        codes = [_run(on, "provision", "--yes", *allow)[0], _run(on, "verify")[0]]
        code, text = _run(on, "provision", "--yes")
        ok = codes == [0, 0] and code == 0 and _UNCHANGED in text
    seconds = time.monotonic() - started
    _tell(f"{'Done' if ok else 'FAILED'} in {seconds:.1f} s. All of it was simulated.")
    if keep:
        _tell(f"The hosts' files are in {keep / 'hosts'}.")
    else:
        _tell("The hosts are gone now, and with them what could be undone.")
    _tell("Begin with your own:  magnusctl init")
    return 0 if ok else 1


def _protected(on: Stage) -> list[str]:
    return [name for name, host in load([on.inventory]).hosts.items() if host.protected]


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="magnus-demo-") as name:
            yield Path(name).resolve()
        return
    try:
        if keep.exists() and any(keep.iterdir()):
            raise InputError("the folder is not empty", where=str(keep))
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write there: {error.strerror}", where=str(keep)) from None
    yield keep.resolve()


def _run(on: Stage, *words: str) -> tuple[int, str]:
    """Run magnusctl as a user would; show what it prints, and return it."""
    _tell(f"$ magnusctl {' '.join(words)}")
    where: Sequence[str] = ("-i", str(on.inventory), "--overlay", str(on.overlay))
    process = subprocess.Popen(
        [sys.executable, "-m", "magnusctl", *words, *where],
        stdout=subprocess.PIPE,
        text=True,
        # What is simulated is no part of the history of whoever runs this.
        env={
            **os.environ,
            **on.secrets,
            "COLUMNS": _width(),
            "XDG_STATE_HOME": str(on.folder / "state"),
        },
    )
    assert process.stdout
    lines = []
    for line in process.stdout:
        sys.stdout.write(line)
        lines.append(line)
    sys.stdout.flush()
    return process.wait(), "".join(lines)


def _width() -> str:
    """The terminal's, which a program behind a pipe cannot ask for."""
    return str(min(100, shutil.get_terminal_size((100, 24)).columns))


def _tell(text: str) -> None:
    print(f"\n{text}" if text.startswith("$") else text, flush=True)

"""Files of a model from this machine to a host, gone on with where a cut left them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from magnusctl.asking import ask_one
from magnusctl.errors import ConflictError
from magnusctl.place import Place
from magnusctl.quote import sh
from magnusctl.resources.artifact import Artifact
from magnusctl.state import Probe

_TELL_S = 5.0
Told = Callable[[str, str], None]


def push(place: Place, artifact: Artifact, folder: Path, told: Told) -> int:
    """Bring what is still missing into the staging folder; the job proves and moves it.

    Returns the bytes that were sent. Raises MagnusError.
    """
    staging = f"{artifact.path}.magnus.part"
    there = ask_one(place, _prepared(staging, [file.path for file in artifact.files]))
    progress = _Progress(place.name, artifact.size, sum(there.values()), told)
    sent = 0
    for file in artifact.files:
        offset = there.get(file.path, 0)
        if offset > file.size:
            message = f"{staging}/{file.path} there is larger than the file here"
            raise ConflictError(message, host=place.name, hint="Remove it there, then try again.")
        if offset < file.size or file.path not in there:
            remote = f"{place.root}{staging}/{file.path}"
            place.transport.send_file(str(folder / file.path), remote, offset, progress)
            sent += file.size - offset
    return sent


def _prepared(staging: str, paths: Sequence[str]) -> Probe[Mapping[str, int]]:
    """Have the folder made for our login, and hear how much of each file is there."""

    def parse(lines: Sequence[str]) -> Mapping[str, int]:
        sizes = dict(zip(paths, lines, strict=True))
        return {path: int(size) for path, size in sizes.items() if size != "-"}

    script = sh("ready_for_push", staging, *paths)
    return Probe("push", script, len(paths), parse, ("pushing.sh", "files.sh"))


class _Progress:
    """Tells how far it is, with the rate and the time that is left."""

    def __init__(self, host: str, total: int, there: int, told: Told) -> None:
        self._host, self._total, self._done, self._told = host, total, there, told
        self._began = self._last = time.monotonic()
        self._sent = 0

    def __call__(self, count: int) -> None:
        self._sent += count
        now = time.monotonic()
        if now - self._last < _TELL_S:
            return
        self._last = now
        rate = self._sent / (now - self._began)
        done = self._done + self._sent
        left = (self._total - done) / rate if rate else 0
        gib = 1024**3
        text = f"sending {done / gib:.1f} of {self._total / gib:.1f} GiB"
        self._told(self._host, f"{text}, {rate / 1024**2:.0f} MiB/s, {left / 60:.0f} min left")

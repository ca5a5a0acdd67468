"""What a SIMULATED hub has: models with their files, in the words of its API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

LFS_BYTES = 1 << 20
"""Files of so many bytes and more lie in the large file storage, behind a redirect."""


_WEIGHTS = (".gguf", ".safetensors")


@dataclass
class Repository:
    """A model: its files, and the token that may read them if it is `gated`."""

    name: str
    files: Mapping[str, bytes]
    gated: str = ""
    lfs_bytes: int = LFS_BYTES

    @property
    def commit(self) -> str:
        """What names this very state of it."""
        known = [(path, sha256_of(data)) for path, data in sorted(self.files.items())]
        return hashlib.sha1(json.dumps([self.name, known]).encode()).hexdigest()

    def is_lfs(self, path: str) -> bool:
        """Whether a file is behind a redirect: a large one, and weights of any size."""
        return len(self.files[path]) >= self.lfs_bytes or path.endswith(_WEIGHTS)


FaultKind = Literal["cut", "stall", "flip", "refuse"]


@dataclass
class Fault:
    """What goes wrong with a file, the next `times` times, at the byte `after`."""

    path: str
    kind: FaultKind
    after: int = 0
    times: int = 1
    status: int = 503
    only: str = ""
    """A part of the names of the repositories that it is about."""


@dataclass(frozen=True)
class Asked:
    """A body that was asked for: which file, from which byte, how many."""

    repository: str
    path: str
    first: int
    length: int


def sibling(repository: Repository, path: str, blobs: bool) -> dict[str, object]:
    """A file as the list of all files names it."""
    data = repository.files[path]
    if not blobs:
        return {"rfilename": path}
    told: dict[str, object] = {"rfilename": path, "size": len(data), "blobId": git_of(data)}
    if repository.is_lfs(path):
        told["lfs"] = {"sha256": sha256_of(data), "size": len(data), "pointerSize": 135}
    return told


def entries(repository: Repository, below: str, recursive: bool) -> list[dict[str, object]]:
    """What is below a folder, as the tree lists it."""
    base = f"{below.strip('/')}/" if below.strip("/") else ""
    entries: dict[str, dict[str, object]] = {}
    for path, data in sorted(repository.files.items()):
        if not path.startswith(base):
            continue
        parts = path.removeprefix(base).split("/")
        for depth in range(1, len(parts)):
            folder = base + "/".join(parts[:depth])
            if recursive or depth == 1:
                entries[folder] = {"type": "directory", "oid": "0" * 40, "size": 0, "path": folder}
        if not recursive and len(parts) > 1:
            continue
        entry: dict[str, object] = {"type": "file", "oid": git_of(data), "size": len(data)}
        if repository.is_lfs(path):
            entry["lfs"] = {"oid": sha256_of(data), "size": len(data), "pointerSize": 135}
        entries[path] = {**entry, "path": path}
    return list(entries.values())


def sha256_of(data: bytes) -> str:
    """The name of a file in the large file storage."""
    return hashlib.sha256(data).hexdigest()


def git_of(data: bytes) -> str:
    """The name of a blob in git."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

"""model.safetensors.index.json, or what the hub tells of a model or of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from magnusctl.parsers import Facts
from magnusctl.parsers.json_values import (
    Record,
    document,
    error_of,
    record,
    records,
    truth,
    whole,
    words,
)

_SHARD = re.compile(r"-(\d{1,9})-of-(\d{1,9})\.")


@dataclass(frozen=True)
class File:
    """One file of a repository; sha256 only of those in large file storage, size in bytes."""

    path: str
    size: int | None = None
    sha256: str | None = None
    blob_id: str | None = None

    @property
    def is_lfs(self) -> bool:
        """Whether the repository holds only a pointer to it."""
        return self.sha256 is not None


@dataclass(frozen=True)
class Index:
    """An index of shards; total_size is in bytes of tensors, so less than that of the files."""

    total_size: int | None
    total_parameters: int | None
    tensors: int
    shards: tuple[str, ...]
    shards_named: int | None


@dataclass(frozen=True)
class Hub:
    """An index, or the files of a repository at a commit; `error` where the hub refused."""

    index: Index | None = None
    files: tuple[File, ...] | None = None
    id: str | None = None
    sha: str | None = None
    gated: str | bool | None = None
    private: bool | None = None
    parameters: int | None = None
    error: str | None = None
    tags: tuple[str, ...] = field(default=(), repr=False)


def parse(text: str) -> Hub:
    """What a whole document tells; half of one tells nothing."""
    answered = document(text)
    if isinstance(answered, list):
        files = tuple(filter(None, map(_file, records(answered))))
        return Hub(files=files) if files or not answered else Hub()
    told = record(answered)
    siblings = told.get("siblings")
    gated = told.get("gated")
    return Hub(
        index=_index(told),
        files=_files(siblings) if isinstance(siblings, list) else None,
        id=words(told.get("id")) or words(told.get("modelId")),
        sha=words(told.get("sha")),
        gated=gated if isinstance(gated, bool) else words(gated),
        private=truth(told.get("private")),
        parameters=_parameters(told),
        error=error_of(told),
        tags=tuple(tag for tag in told.get("tags") or () if isinstance(tag, str))
        if isinstance(told.get("tags"), list)
        else (),
    )


def _parameters(told: Record) -> int | None:
    for name in ("safetensors", "gguf"):
        found = whole(record(told.get(name)).get("total"))
        if found is not None:
            return found
    return None


def _index(told: Record) -> Index | None:
    weights = told.get("weight_map")
    if not isinstance(weights, dict):
        return None
    about = record(told.get("metadata"))
    shards = tuple(sorted({shard for shard in weights.values() if isinstance(shard, str)}))
    named = [int(match[2]) for shard in shards if (match := _SHARD.search(shard))]
    return Index(
        total_size=whole(about.get("total_size")),
        total_parameters=whole(about.get("total_parameters")),
        tensors=len(weights),
        shards=shards,
        shards_named=max(named) if named else None,
    )


def _files(siblings: object) -> tuple[File, ...]:
    return tuple(filter(None, map(_file, records(siblings))))


def _file(told: Record) -> File | None:
    """A file of `siblings`, or of the tree, where the hash of large ones is called oid.

    The size of a large one may be that of its pointer; the true one is below `lfs`.
    """
    path = words(told.get("rfilename")) or words(told.get("path"))
    if not path or told.get("type") == "directory":
        return None
    large = record(told.get("lfs"))
    stored = whole(large.get("size"))
    return File(
        path=path,
        size=whole(told.get("size")) if stored is None else stored,
        sha256=words(large.get("sha256")) or words(large.get("oid")),
        blob_id=words(told.get("blobId")) or words(told.get("oid")),
    )


def facts(text: str) -> Facts:
    """The facts of an index, or of a list of files."""
    found = parse(text)
    return {
        **(_of_index(found.index) if found.index else {"total_parameters": found.parameters}),
        **(_of_files(found.files) if found.files is not None else {}),
        "id": found.id,
        "sha": found.sha,
        "gated": found.gated,
        "private": found.private,
        "error": found.error,
        "tags": [*found.tags],
    }


def _of_index(index: Index) -> Facts:
    return {
        "total_size": index.total_size,
        "total_parameters": index.total_parameters,
        "shards": len(index.shards),
        "shards_named": index.shards_named,
        "tensors": index.tensors,
        "shard_files": [*index.shards],
    }


def _of_files(files: tuple[File, ...]) -> Facts:
    large = [one for one in files if one.is_lfs]
    return {
        "files": len(files),
        "names": [one.path for one in files],
        "sizes": {one.path: one.size for one in files},
        "lfs_files": len(large),
        "bytes_lfs": sum(one.size or 0 for one in large),
        "bytes": sum(one.size or 0 for one in files),
        "sha256": {one.path: one.sha256 for one in large},
    }

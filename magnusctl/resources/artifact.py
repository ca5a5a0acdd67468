"""The files of a model, in a folder of its own: fetched by the host, each judged by its digest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from magnusctl.errors import InputError
from magnusctl.quote import sh
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step, digest

ASK = "ask_artifact"
MARKER = ".magnus-artifact"
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9_][\w.-]*(/[\w.-]+)?", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9_][\w./-]*", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII)
_SAFE_URL = re.compile(r"https://|http://(127\.|localhost[:/])")
_OURS = (MARKER, ".cache")
_LONGEST = 255
_MIB = 1 << 20
_SECONDS = 3600
"""Besides a second for every MiB; what stalls is ended long before."""


@dataclass(frozen=True, kw_only=True)
class ArtifactFile:
    """One file: where it lies in the folder, its bytes, and where it is fetched from."""

    path: str
    size: int
    sha256: str
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Artifact(Resource):
    """A folder with exactly these files; nothing of it has its name before all are proved.

    `source` says who brings them: curl, the hub's own program (`program`, with `repository`,
    `revision` and `endpoint`), or somebody who puts them into `path.magnus.part`. `token` is a file
    on the host. After the fetch `keep_free` bytes of the disk are left; what brings nothing for
    `stall_s` seconds is begun anew. Another model is another path: none is replaced in place.
    """

    kind: ClassVar[str] = "artifact"
    path: str
    files: tuple[ArtifactFile, ...] = ()
    source: Literal["curl", "hf", "pushed"] = "curl"
    repository: str = ""
    revision: str = ""
    endpoint: str = ""
    program: str = ""
    token: str = ""
    owner: str = "root"
    group: str = "magnus-models"
    keep_free: int = 0
    stall_s: int = 120
    ensure: str = "present"

    def __post_init__(self) -> None:
        fault = "" if self.ensure == "absent" else _fault(self)
        if fault:
            raise InputError(f"artifact {self.path}: {fault}")

    @property
    def name(self) -> str:
        return self.path

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def manifest(self) -> bytes:
        """A line `SHA256 SIZE PATH` for every file: what the host keeps beside them."""
        return "".join(f"{f.sha256} {f.size} {f.path}\n" for f in self._sorted).encode()

    @property
    def urls(self) -> bytes:
        """Where the files of the manifest are fetched from, in the same order."""
        return "".join(f"{file.url}\n" for file in self._sorted).encode()

    @property
    def digest(self) -> str:
        """What the host tells it by: the SHA-256 of the manifest."""
        return digest(self.manifest)

    @property
    def _sorted(self) -> list[ArtifactFile]:
        return sorted(self.files, key=lambda file: file.path)

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        return {"ensure": "present", "digest": self.digest}


def _fault(artifact: Artifact) -> str:
    """What is wrong with a declaration, or nothing."""
    if not artifact.files:
        return "it has no files"
    paths = [file.path for file in artifact.files]
    twice = next((path for path in paths if paths.count(path) > 1), "")
    if twice:
        return f"the file {twice!r} is named twice"
    folders = {path.rsplit("/", n)[0] for path in paths for n in range(1, path.count("/") + 1)}
    both = sorted(folders & {*paths})
    if both:
        return f"{both[0]!r} is a file and a folder"
    faults = (_file_fault(artifact, file) for file in artifact.files)
    return next(filter(None, faults), "") or _source_fault(artifact)


def _file_fault(artifact: Artifact, file: ArtifactFile) -> str:
    if fault := path_fault(file.path):
        return f"the file name {file.path!r} {fault}"
    if not _SHA256.fullmatch(file.sha256) or file.size < 0:
        return f"the file {file.path!r} needs a SHA-256 of 64 lower-case digits and a size"
    if artifact.source == "hf" and set(file.path) & set("*?[]"):
        return f"the file name {file.path!r} is a pattern to hf: fetch it with curl"
    if artifact.source == "curl" and not _URL.fullmatch(file.url):
        return f"the file {file.path!r} needs an http or https URL, not {file.url!r}"
    if artifact.source == "curl" and artifact.token and not _SAFE_URL.match(file.url):
        return f"no token is sent in the clear: {file.url!r}"
    return ""


def path_fault(path: str) -> str:
    """Why a relative path of a repository cannot be a file of ours, or nothing."""
    parts = path.split("/")
    if not path.isprintable():
        return "holds a control character"
    if path.startswith("/"):
        return "is absolute"
    if {"", ".", ".."} & {*parts}:
        return "has an empty part, '.' or '..'"
    if path.startswith("-"):
        return "begins with '-'"
    if parts[0] in _OURS:
        return "is one that this tool needs itself"
    if any(len(part.encode()) > _LONGEST for part in parts):
        return "is too long for a file system"
    return ""


def _source_fault(artifact: Artifact) -> str:
    if artifact.source != "hf":
        return ""
    if not _REPOSITORY.fullmatch(artifact.repository):
        return f"{artifact.repository!r} is no repository of a hub"
    if not _REVISION.fullmatch(artifact.revision):
        return f"{artifact.revision!r} is no revision"
    if not artifact.program.startswith("/"):
        return "it needs the path of the program hf on the host"
    if artifact.endpoint and not _URL.fullmatch(artifact.endpoint):
        return f"the endpoint {artifact.endpoint!r} is no URL"
    if artifact.endpoint and artifact.token and not _SAFE_URL.match(artifact.endpoint):
        return f"no token is sent in the clear: {artifact.endpoint!r}"
    return ""


def question(resource: Artifact) -> tuple[str, ...]:
    return (resource.path,)


def parse(resource: Artifact, answer: str) -> State | None:
    """Read `DIGEST`, `partial BYTES` for what is on its way, `foreign`, or `absent`."""
    if answer.partition(" ")[0] in ("absent", "partial"):
        return ABSENT
    return {"ensure": "present", "digest": answer}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    artifact = change.resource
    assert isinstance(artifact, Artifact)
    if change.action is Action.DELETE:
        return Step((change,), sh("remove_artifact", artifact.path))
    if change.action is Action.CREATE:
        # What is on its way may have grown since; and what is there by now is never replaced.
        change = replace(change, guard=None)
    payload = {digest(data): data for data in (artifact.manifest, artifact.urls)}
    seconds = _SECONDS + artifact.size // _MIB
    return Step((change,), _script(artifact), payload=payload, seconds=seconds)


def _script(artifact: Artifact) -> str:
    words = (artifact.path, artifact.digest, artifact.source, artifact.owner, artifact.group)
    limits = (artifact.keep_free, artifact.stall_s, artifact.token or "-", digest(artifact.urls))
    hub = (artifact.program, artifact.repository, artifact.revision, artifact.endpoint or "-")
    return sh("put_artifact", *words, *limits, *(hub if artifact.source == "hf" else ()))


def former(resource: Artifact, answer: str) -> Resource | str:
    """What was not there goes again; nobody fetches a model once more to take a change back."""
    if parse(resource, answer) == ABSENT:
        return Artifact(path=resource.path, ensure="absent")
    if answer == "foreign":
        return "a folder that somebody else filled is not replaced"
    return "its files are gone: declare that model again, and it is fetched anew"

"""The hub: which files a repository has at a commit, with the size and the digest of each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from magnusctl import __version__
from magnusctl.catalogue.entries import within
from magnusctl.errors import InputError, MagnusError, PreconditionError, Unreachable
from magnusctl.inventory.findings import nearest
from magnusctl.modellock import LockedFile, plain_relative

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TIMEOUT_S = 30.0
SMALL_BYTES = 20 << 20
"""Of a file outside large file storage: its digest is known only by reading it."""
MOST_FILES = 5_000
_NEWEST = "main"
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PART = re.compile(r"(.*)-(\d{5})-of-(\d{5})(\.[a-z]+)", re.ASCII)
_FROM_DIR = "Or give its files:  --from DIR"


@dataclass(frozen=True)
class Pinned:
    """A repository at a commit, and those of its files that were asked for."""

    repository: str
    revision: str
    files: tuple[LockedFile, ...]

    @property
    def size(self) -> int:
        """All files together, in bytes."""
        return sum(one.size for one in self.files)


@dataclass(frozen=True)
class _Listed:
    path: str
    size: int
    sha256: str | None
    blob: str | None


def resolve(
    repository: str,
    revision: str | None,
    include: Sequence[str],
    *,
    endpoint: str | None = None,
    token: str | None = None,
) -> Pinned:
    """Ask the hub for the files of a repository at a revision, or at its newest commit.

    `include` are patterns of paths. The token goes into the Authorization header, to the hub alone;
    without one no token is sent, not even one that lies on this machine. Raises InputError for
    what is not there, PreconditionError where the hub wants a token or a licence to be accepted,
    and Unreachable where nobody answers.
    """
    api = _api(endpoint, token)
    with _Told(repository, revision, api.endpoint, token):
        info = api.model_info(
            repository, revision=revision or _NEWEST, files_metadata=True, timeout=TIMEOUT_S
        )
    commit = info.sha or ""
    if not _COMMIT.fullmatch(commit):
        raise InputError("the hub names no commit", where=repository, hint=_FROM_DIR)
    if revision and _COMMIT.fullmatch(revision) and commit != revision:
        message = f"the hub answered with commit {commit[:12]} instead of {revision[:12]}"
        raise InputError(message, where=repository, hint=_FROM_DIR)
    chosen = _chosen(repository, [*_listed(repository, info.siblings or [])], include)
    with _Told(repository, commit, api.endpoint, token):
        files = tuple(_pinned(api, repository, commit, one) for one in chosen)
    return Pinned(repository, commit, files)


def _api(endpoint: str | None, token: str | None) -> HfApi:
    # Imported here: what never asks the hub is not slowed down by it.
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint, token=token or False, library_name="magnusctl")


def _listed(repository: str, siblings: Sequence[Any]) -> Iterator[_Listed]:
    if len(siblings) > MOST_FILES:
        raise InputError(f"more than {MOST_FILES} files: this is no model", where=repository)
    for one in siblings:
        try:
            path = plain_relative(one.rfilename)
        except ValueError as error:
            raise InputError(f"{one.rfilename!r}: {error}", where=repository) from None
        large = one.lfs
        size = large.size if large else one.size
        digest = large.sha256 if large else None
        if not isinstance(size, int) or size < 0 or (digest and not _DIGEST.fullmatch(digest)):
            raise InputError(f"the hub says nothing usable of {path}", where=repository)
        yield _Listed(path, size, digest, one.blob_id)


def _chosen(repository: str, listed: Sequence[_Listed], include: Sequence[str]) -> list[_Listed]:
    chosen = [one for one in listed if any(within(one.path, p) for p in include)]
    paths = {one.path for one in listed}
    missing = [p for p in include if "*" not in p and p not in paths]
    if missing or not chosen:
        wanted = missing[0] if missing else ", ".join(include)
        alike = nearest(wanted, paths) if missing else ""
        hint = alike or f"There is: {', '.join(sorted(paths)[:12])}"
        raise InputError(f"it has no file {wanted}", where=repository, hint=hint)
    _require_whole(repository, {one.path for one in chosen})
    return sorted(chosen, key=lambda one: one.path)


def _require_whole(repository: str, paths: Iterable[str]) -> None:
    """Weights in parts are of use only with all of them."""
    parts: dict[tuple[str, str, str], set[int]] = {}
    for path in paths:
        if match := _PART.fullmatch(path):
            parts.setdefault((match[1], match[3], match[4]), set()).add(int(match[2]))
    for (stem, count, suffix), found in parts.items():
        for number in range(1, min(int(count), MOST_FILES) + 1):
            if number not in found:
                name = f"{stem}-{number:05}-of-{count}{suffix}"
                raise InputError(f"a part is missing: {name}", where=repository, hint=_FROM_DIR)


def _pinned(api: HfApi, repository: str, commit: str, one: _Listed) -> LockedFile:
    digest = one.sha256 or _digest(api, repository, commit, one)
    return LockedFile(one.path, one.size, digest)


def _digest(api: HfApi, repository: str, commit: str, one: _Listed) -> str:
    """Read a small file, and have it be the one that the commit holds."""
    from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status

    if one.size > SMALL_BYTES:
        message = f"{one.path} has {one.size} bytes and no digest"
        raise InputError(message, where=repository, hint=_FROM_DIR)
    url = hf_hub_url(repository, one.path, revision=commit, endpoint=api.endpoint)
    # As it lies there: what was packed for the way has another size.
    headers = {"user-agent": f"magnusctl/{__version__}", "accept-encoding": "identity"}
    if api.token:
        headers["authorization"] = f"Bearer {api.token}"
    data = bytearray()
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S) as answer:
        if answer.status_code >= 400:
            answer.read()
        hf_raise_for_status(answer)
        for piece in answer.iter_bytes():
            data += piece
            if len(data) > one.size:
                break
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    if len(data) != one.size or (one.blob and blob != one.blob):
        message = f"{one.path} did not arrive as the hub lists it"
        raise InputError(message, where=repository, hint="Try again. " + _FROM_DIR)
    return hashlib.sha256(data).hexdigest()


class _Told:
    """Turns what goes wrong at the hub into an error of ours, without the words of its library."""

    def __init__(self, repository: str, revision: str | None, endpoint: str, token: str | None):
        self.repository, self.revision = repository, revision
        self.endpoint, self.token = endpoint, token

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, MagnusError):
            return
        told = self._told(error)
        if told is not None:
            raise told from None

    def _told(self, error: BaseException) -> MagnusError | None:
        from huggingface_hub import errors

        where, page = self.repository, f"{self.endpoint}/{self.repository}"
        match error:
            case errors.GatedRepoError():
                first = f"Accept its licence at {page}"
                then = "and set HF_TOKEN to a token of that account that may read it."
                message = "it is given only to who accepted its licence"
                return PreconditionError(message, where=where, hint=f"{first} {then} {_FROM_DIR}")
            case errors.RevisionNotFoundError():
                message = f"it has no revision '{self.revision}'"
                return InputError(message, where=where, hint=f"Its commits are listed at {page}")
            case errors.RepositoryNotFoundError():
                return self._not_found(where)
            case errors.EntryNotFoundError():
                return InputError("a file that it lists is not there", where=where, hint=_FROM_DIR)
            case errors.HFValidationError():
                return InputError("this is no name of a repository", where=where)
            case errors.OfflineModeIsEnabled():
                hint = f"Unset HF_HUB_OFFLINE. {_FROM_DIR}"
                return Unreachable("HF_HUB_OFFLINE forbids to ask the hub", where=where, hint=hint)
            case errors.HfHubHTTPError():
                return self._refused(where, error.response.status_code)
        return self._unreachable(where, error)

    def _not_found(self, where: str) -> MagnusError:
        hint = "Is its name right? A private one needs HF_TOKEN."
        if self.token:
            hint = "Is its name right, and does HF_TOKEN belong to an account that may read it?"
        return InputError(
            "the hub has no such repository, or shows it not to you", where=where, hint=hint
        )

    def _refused(self, where: str, status: int) -> MagnusError:
        if status in (401, 403):
            why = "refuses the token" if self.token else "does not answer without a token"
            first = "Is HF_TOKEN still valid?" if self.token else "Set HF_TOKEN."
            hint = f"{first} {_FROM_DIR}"
            return PreconditionError(f"the hub {why}: {status}", where=where, hint=hint)
        hint = f"Try again in a while. {_FROM_DIR}"
        return Unreachable(f"the hub answered with {status}", where=where, hint=hint)

    def _unreachable(self, where: str, error: BaseException) -> MagnusError | None:
        """What the library under the hub's own raises: HTTP errors, and broken JSON."""
        if isinstance(error, ValueError | TypeError | KeyError):
            message = "the hub's answer is none that is known"
            return Unreachable(message, where=where, hint=_FROM_DIR)
        if not isinstance(error, OSError) and not type(error).__module__.startswith("httpx"):
            return None
        message = f"{self.endpoint} does not answer: {type(error).__name__}"
        hint = f"Is this machine online? Behind a proxy, set HTTPS_PROXY. {_FROM_DIR}"
        return Unreachable(message, where=where, hint=hint)

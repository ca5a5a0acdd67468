"""What an archive holds, in a folder of its own: fetched by the host, judged by its digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step

ASK = "ask_archive"
_SECONDS = 3600
"""A gigabyte and a half over a slow line; a download that stalls for a minute ends by itself."""


@dataclass(frozen=True, kw_only=True)
class Archive(Resource):
    """A folder with what `url` holds, less its first `strip` folders; nothing of it is used before
    its SHA-256 is as declared. A zip, a wheel or a tar, as the end of the URL says."""

    kind: ClassVar[str] = "archive"
    path: str
    url: str = ""
    sha256: str = ""
    strip: int = 0
    ensure: str = "present"

    @property
    def name(self) -> str:
        return self.path

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        return {"ensure": "present", "sha256": self.sha256, "strip": str(self.strip)}


def question(resource: Archive) -> tuple[str, ...]:
    return (resource.path,)


def parse(resource: Archive, answer: str) -> State | None:
    """Read `SHA256 STRIP URL`, `foreign` for what nobody here unpacked, or `absent`."""
    if answer == "absent":
        return ABSENT
    sha256, _, rest = answer.partition(" ")
    return {"ensure": "present", "sha256": sha256, "strip": rest.partition(" ")[0]}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [Step((change,), _script(change), seconds=_SECONDS) for change in changes]


def _script(change: Change) -> str:
    archive = change.resource
    assert isinstance(archive, Archive)
    if change.action is Action.DELETE:
        return sh("remove_archive", archive.path)
    return sh("put_archive", archive.path, archive.sha256, archive.strip, archive.url)


def former(resource: Archive, answer: str) -> Resource | str:
    """An earlier version is fetched once more: only one is kept."""
    if answer == "absent":
        return Archive(path=resource.path, ensure="absent")
    if answer == "foreign":
        return "a folder that came from no archive is not replaced by one"
    sha256, strip, url = answer.split(" ", 2)
    return Archive(path=resource.path, url=url, sha256=sha256, strip=int(strip))

"""A package of the host's own manager: apt on Debian and Ubuntu, Homebrew on macOS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step

ASK = "ask_package"


@dataclass(frozen=True, kw_only=True)
class Package(Resource):
    """An installed package, at one exact version when `version` says so."""

    kind: ClassVar[str] = "package"
    package: str
    version: str = ""
    ensure: str = "present"

    @property
    def name(self) -> str:
        return self.package

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        pinned = {"version": self.version} if self.version else {}
        return {"ensure": "present", **pinned}


def question(resource: Package) -> tuple[str, ...]:
    return (resource.package,)


def parse(resource: Package, answer: str) -> State | None:
    """Read `installed VERSION` or `absent`."""
    word, _, version = answer.partition(" ")
    return {"ensure": "present", "version": version} if word == "installed" else ABSENT


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    """One transaction installs, one removes, however many packages there are."""
    removed = tuple(change for change in changes if change.action is Action.DELETE)
    installed = tuple(change for change in changes if change.action is not Action.DELETE)
    steps = []
    if removed:
        script = sh("remove_packages", *map(_words, removed))
        steps.append(Step(removed, script, seconds=_SECONDS))
    if installed:
        script = sh("install_packages", *map(_words, installed))
        steps.append(Step(installed, script, seconds=_SECONDS))
    return steps


_SECONDS = 3600
"""Ten minutes for somebody else's lock, and a driver of some gigabytes over a slow line."""


def _words(change: Change) -> str:
    package = change.resource
    assert isinstance(package, Package)
    return f"{package.package}={package.version}" if package.version else package.package


def former(resource: Package, answer: str) -> Resource | str:
    """Removing what was installed would take away what came to need it since."""
    if resource.ensure == "absent":
        return "packages that were removed stay away: what they held is gone"
    if answer == "absent":
        return "packages stay installed: others may need them by now"
    return "packages stay at the version they have now"

"""A package of the host's own manager: apt on Debian and Ubuntu, Homebrew on macOS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import ABSENT, Action, Change, Resource, State, Step

ASK = "ask_package"


@dataclass(frozen=True, kw_only=True)
class Package(Resource):
    """An installed package, at one exact version when `version` says so, and held there when
    `hold` says so: then no upgrade touches it. None lets a hold be as it is. Whether it is there
    does not matter where `ensure` is "any": only the hold does."""

    kind: ClassVar[str] = "package"
    package: str
    version: str = ""
    hold: bool | None = None
    ensure: str = "present"

    @property
    def name(self) -> str:
        return self.package

    def state(self) -> State:
        if self.ensure == "absent":
            return ABSENT
        pinned = {"version": self.version} if self.version else {}
        held = {} if self.hold is None else {"held": "yes" if self.hold else "no"}
        if self.ensure == "any":
            return held
        return {"ensure": "present", **pinned, **held}


def question(resource: Package) -> tuple[str, ...]:
    return (resource.package,)


def parse(resource: Package, answer: str) -> State | None:
    """Read `installed VERSION`, `held VERSION` or `absent`."""
    word, _, version = answer.partition(" ")
    if word == "absent":
        return {**ABSENT, "held": "no"} if resource.ensure == "any" else ABSENT
    told = _matched(resource.version, version)
    return {"ensure": "present", "version": told, "held": "yes" if word == "held" else "no"}


def _matched(wanted: str, version: str) -> str:
    """A version may be declared as a pattern, as apt has it: `580.*` is met by `580.95-0`."""
    return wanted if wanted and fnmatchcase(version, wanted) else version


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    """One transaction installs, one removes, however many packages there are."""
    removed = tuple(change for change in changes if change.action is Action.DELETE)
    installed = tuple(change for change in changes if change.action is not Action.DELETE)
    steps = []
    holds = [c for c in installed if c.after.get("held") == "yes" and not _only_held(c)]
    only_held = tuple(change for change in installed if _only_held(change))
    installed = tuple(change for change in installed if change not in only_held)
    if removed:
        steps.append(Step(removed, _changed("remove_packages", removed, ()), seconds=_SECONDS))
    for change in only_held:
        word = "hold" if change.after["held"] == "yes" else "unhold"
        steps.append(Step((change,), sh("hold_packages", word, change.resource.name)))
    if installed:
        script = _changed("install_packages", installed, holds)
        steps.append(Step(installed, script, seconds=_SECONDS))
    return steps


def _changed(how: str, changes: Sequence[Change], holds: Sequence[Change]) -> str:
    """What is held is freed for the change, and held again whatever comes of that."""
    script = sh(how, *map(_words, changes))
    held = [change for change in changes if (change.before or {}).get("held") == "yes"]
    if held:
        again = sh("hold_packages", "hold", *_names(held))
        script = f"{{ {script} || {{ {again}; return 1; }}; }}"
        script = f"{sh('hold_packages', 'unhold', *_names(held))} && {script}"
    keep = [c for c in held if c.action is not Action.DELETE and c.after.get("held") != "no"]
    holds = [*holds, *(change for change in keep if change not in holds)]
    return f"{script} && {sh('hold_packages', 'hold', *_names(holds))}" if holds else script


def _names(changes: Sequence[Change]) -> list[str]:
    return [change.resource.name for change in changes]


def _only_held(change: Change) -> bool:
    """Whether nothing is to be installed: that could bring another version."""
    if change.action is Action.CREATE:
        return False
    freed = not change.before and change.after.get("held") == "no"
    return freed or set(change.differs) == {"held"}


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
    word = answer.partition(" ")[0]
    if resource.hold and word != "held":
        # What was installed stays: others may need it by now. That it is held does not.
        return Package(package=resource.package, hold=False, ensure="any")
    if answer == "absent":
        return "packages stay installed: others may need them by now"
    return "packages stay at the version they have now"

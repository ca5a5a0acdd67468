"""The packages of Debian: `dpkg -l`, or `dpkg-query -W` with any of the usual formats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.dpkg_rows import Row, has_head, is_listing, rows
from magnusctl.parsers.linux_cells import lines, refusal

_UNFOUND = re.compile(r"(?:dpkg-query: )?no packages? found matching (\S{1,200})", re.IGNORECASE)
_BRANCH = re.compile(r"-\d{1,3}(?:-\d{1,3})?(?:-server)?(?:-open)?$")


@dataclass(frozen=True)
class Package:
    """`code` is that of dpkg -l, as ii; `installed` is None where no state is told."""

    name: str
    version: str | None = None
    architecture: str | None = None
    code: str | None = None
    status: str | None = None
    installed: bool | None = None


def parse(text: str) -> tuple[Package, ...]:
    """The packages in their order; a row that is cut before its version is left out."""
    return tuple(map(_package, rows(text)))


def _package(row: Row) -> Package:
    """A row with what its code or its status says of the state."""
    installed = None
    if row.code:
        installed = row.code[1:] == "i"
    elif row.status:
        installed = row.status.split()[-1] == "installed"
    return Package(row.name, row.version, row.architecture, row.code, row.status, installed)


def unfound(text: str) -> tuple[str, ...]:
    """The names that dpkg did not find."""
    found = (_UNFOUND.match(line.strip()) for line in lines(text))
    return tuple(match[1].rstrip(".") for match in found if match)


def _versions(packages: tuple[Package, ...]) -> dict[str, str | None]:
    """The version of each name, that which is installed first."""
    found: dict[str, str | None] = {}
    for one in sorted(packages, key=lambda one: one.installed is False):
        found.setdefault(one.name, one.version)
    return found


def _short_names(packages: tuple[Package, ...]) -> dict[str, str | None]:
    """The names of NVIDIA's packages without the branch, as nvidia-driver of nvidia-driver-460."""
    ours = [one for one in packages if "nvidia" in one.name or one.name.startswith("cuda-")]
    short = [(_BRANCH.sub("", one.name), one) for one in ours if one.installed is not False]
    return {name: one.version for name, one in reversed(short) if name != one.name}


def facts(text: str) -> Facts:
    """Each name with its version, and lists of names by their state.

    `packages` and `installed` are counts for rows of dpkg -l without their head.
    """
    found = parse(text)
    versions = _versions(found)
    special: Facts = {"rows": len(found), "not_found": [*unfound(text)]}
    special["error"] = None if found else _complaint(text)
    if is_listing(text):
        special |= _states(found, headed=has_head(text))
    else:
        special["packages"] = versions
        special["installed"] = [one.name for one in found if one.installed]
    return {**_short_names(found), **versions, **special}


def _states(found: tuple[Package, ...], headed: bool) -> Mapping[str, object]:
    """What the codes of dpkg -l say."""
    installed = [one.name for one in found if one.installed]
    codes = {one.name: one.code for one in found if one.code and one.code not in ("ii", "rc")}
    return {
        "packages": len(found) or None,
        "installed": installed if headed else len(installed) if found else None,
        "removed_with_config": [one.name for one in found if (one.code or "")[1:] == "c"],
        "other_codes": codes,
        "held": [one.name for one in found if (one.code or "")[:1] == "h"],
    }


def _complaint(text: str) -> str | None:
    """Why dpkg told nothing."""
    start = ("dpkg-query: ", "dpkg: ", "No packages found ")
    said = next((line.strip() for line in lines(text) if line.startswith(start)), None)
    return said or refusal(text)

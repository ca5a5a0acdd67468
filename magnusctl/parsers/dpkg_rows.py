"""The rows of dpkg: those of its table, of its queries, and the stanzas of dpkg -s."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers.linux_cells import label, lines

_CODE = re.compile(r"\s*([uirphUIRPH][ncHhUuFfWwTti][RrXx#]?)\s{1,4}(\S{1,200})\s+(\S{1,200})(.*)")
_HEAD = re.compile(r"(?:\|\|/|\+\+\+-)")
_ARCHES = {
    *("all", "any", "amd64", "arm64", "i386", "armhf", "armel", "ppc64el", "s390x", "riscv64"),
    *("mips64el", "mipsel", "loong64", "powerpc", "ppc64", "x32", "sparc64", "ia64"),
}
_STATES = (
    "installed|not-installed|config-files|half-installed|half-configured|unpacked|triggers-\\w+"
)
_STATUS = re.compile(rf"(?:(?:install|deinstall|purge|hold|unknown) \w+ )?(?:{_STATES})")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{0,200}(?::[a-z0-9]{2,12})?")
_VERSION = re.compile(r"(?:\d{1,9}:)?\d[A-Za-z0-9.+~:_-]{0,150}")


@dataclass(frozen=True)
class Row:
    """One package; what a row does not have is None."""

    name: str
    version: str | None = None
    architecture: str | None = None
    code: str | None = None
    status: str | None = None


def has_head(text: str) -> bool:
    """Whether the text has the head of the table."""
    return any(_HEAD.match(line.lstrip()) for line in lines(text))


def is_listing(text: str) -> bool:
    """Whether the text is of dpkg -l, with or without its head."""
    return has_head(text) or any(_of_table(line) for line in lines(text))


def rows(text: str) -> list[Row]:
    """The whole rows of a text, which is of one kind throughout."""
    every = lines(text)
    if is_listing(text):
        return [row for row in map(_of_table, _whole(every)) if row]
    if any(line.startswith("Package: ") for line in every):
        return _stanzas(every)
    tabs = every[0].count("\t") if every else 0
    # A last line with fewer cells than the first may end in half a version.
    cut = bool(every[-1:] and every[-1]) and every[-1].count("\t") < tabs
    return [row for row in map(_of_query, every[:-1] if cut else every) if row]


def _whole(every: list[str]) -> list[str]:
    """The lines but a last one that ends in its third column, where a version may be cut."""
    told = [line for line in every if line.strip()]
    return told[:-1] if told and every[-1] and len(told[-1].split()) < 4 else told


def _named(name: str, architecture: str | None) -> tuple[str, str | None]:
    """A name without the architecture that may stand behind it."""
    plain, _, behind = name.partition(":")
    return plain, architecture or (behind if behind in _ARCHES else None)


def _of_table(line: str) -> Row | None:
    """A row of dpkg -l; old versions have no column of architectures."""
    match = _CODE.fullmatch(line)
    if not match or not (_VERSION.fullmatch(match[3]) or match[3] == "<none>"):
        return None
    third = match[4].split()[:1]
    name, architecture = _named(match[2], third[0] if third and third[0] in _ARCHES else None)
    version = None if match[3] == "<none>" else match[3]
    return Row(name, version, architecture, match[1])


def _stanzas(every: list[str]) -> list[Row]:
    """The fields of dpkg -s, one stanza for each package."""
    found: list[dict[str, str]] = []
    for line in every:
        pair = None if line.startswith(" ") else label(line)
        if pair and pair[0] == "Package":
            found.append({})
        if pair and found:
            found[-1].setdefault(*pair)
    return [
        Row(one["Package"], one.get("Version"), one.get("Architecture"), None, one.get("Status"))
        for one in found
        if one.get("Status") or one.get("Version")
    ]


def _of_query(line: str) -> Row | None:
    """A row of dpkg-query: cells parted by tabs, else by blanks, = or commas."""
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) == 1:
        cells = _spaced(line)
    status = next((cell for cell in cells if _STATUS.fullmatch(cell)), None)
    arch = next((cell for cell in cells if cell in _ARCHES), None)
    rest = [cell for cell in cells if cell and cell not in (status, arch)]
    if len(rest) < 1 or not _NAME.fullmatch(rest[0]):
        return None
    version = next((cell for cell in rest[1:] if _VERSION.fullmatch(cell)), None)
    if version is None and status is None:
        return None
    name, architecture = _named(rest[0], arch)
    return Row(name, version, architecture, None, status)


def _spaced(line: str) -> list[str]:
    """The cells of a line without tabs; none where a word is no name, version or state."""
    status = re.search(rf"(?:^|[ ,])({_STATUS.pattern})(?:[ ,]|$)", line)
    rest = line.replace(status[1], "", 1) if status else line
    cells = re.split(r"[ =,]+", rest.strip(" ,"))
    known = [cell for cell in cells[1:] if cell in _ARCHES or _VERSION.fullmatch(cell)]
    if not _NAME.fullmatch(cells[0]) or len(known) != len(cells) - 1:
        return []
    return [*cells, status[1]] if status else cells

"""The table of nvidia-smi cut into its cells, as printed; what was cut short is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from magnusctl.parsers.nvidia_smi_text import plain_lines

_BUS = re.compile(r"([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f])\b\s*(\S*)")
_LABEL = re.compile(r"([A-Za-z][A-Za-z ]{0,30}):\s{0,9}(\S{1,40})")
_MEMORY = re.compile(r"(\S{1,20})\s{0,20}/\s{0,20}(\S{1,20})$")
_PROCESS = re.compile(
    r"(\d{1,4})\s+(?:(\d{1,4}|N/A)\s+(\d{1,4}|N/A)\s+)?(\d{1,10})\s+([CGMO+]{1,7}|-)\s+(.*)$"
)
_MIG = re.compile(r"(\d{1,4})\s+(\d{1,4})\s+(\d{1,4})\s+(\d{1,4})$")
_STATES = ("On", "Off", "WDDM", "TCC", "MCDM", "N/A", "ERR!", "Enabled", "Disabled")


@dataclass(frozen=True)
class Row:
    """One card of the table; a cell that is not there is None."""

    index: int
    name: str
    bus_id: str
    persistence: str | None = None
    display: str | None = None
    ecc: str | None = None
    fan: str | None = None
    temp: str | None = None
    pstate: str | None = None
    power: str | None = None
    cap: str | None = None
    mem_used: str | None = None
    mem_total: str | None = None
    util: str | None = None
    compute_mode: str | None = None
    mig_mode: str | None = None


@dataclass(frozen=True)
class Mig:
    """One MIG device: the card, its ids, and its memory as printed."""

    gpu: int
    gi: int
    ci: int
    index: int
    mem_used: str
    mem_total: str


@dataclass(frozen=True)
class Running:
    """One process as printed."""

    gpu: int
    gi: str | None
    ci: str | None
    pid: int
    type: str
    name: str
    memory: str | None


@dataclass
class Sheet:
    """All of one table. `around` are the lines before, between and behind it."""

    versions: Mapping[str, str] = field(default_factory=dict)
    titled: bool = False
    cut: bool = False
    rows: list[Row] = field(default_factory=list)
    migs: list[Mig] = field(default_factory=list)
    processes: list[Running] = field(default_factory=list)
    around: list[str] = field(default_factory=list)


def sheet_of(text: str) -> Sheet:
    """The first table of the text."""
    sheet, block = Sheet(), list[list[str]]()
    for line in (one.strip() for one in plain_lines(text)):
        if not (line.startswith("|") and line.endswith("|") and len(line) > 1):
            _beside(sheet, line)
            # A blank line, or one whose end is missing, is no lower border.
            block = _close(sheet, block) if line and line[0] != "|" else block
            continue
        cells = [cell.strip() for cell in line[1:-1].split("|")]
        if "NVIDIA-SMI" in line and sheet.versions:
            break
        if set(line) <= set("|+-= "):
            # A line of blanks between bars is the third of a card without MIG.
            block = _close(sheet, block) if "-" in line or "=" in line else block
        elif _first(cells):
            block = [*_close(sheet, block), cells]
        elif block:
            block.append(cells)
        else:
            _other(sheet, line, cells)
    _end(sheet, block)
    return sheet


def _beside(sheet: Sheet, line: str) -> None:
    if line.startswith("NVIDIA-SMI ") and " Version: " in line:
        _other(sheet, line, [line])
    elif line and line[0] not in "|+":
        sheet.around.append(line)


def _first(cells: list[str]) -> bool:
    return len(cells) == 3 and cells[0][:1].isdigit() and bool(_BUS.match(cells[1]))


def _close(sheet: Sheet, block: list[list[str]]) -> list[list[str]]:
    row = _row(block) if block else None
    sheet.rows += [row] if row else []
    return []


def _end(sheet: Sheet, block: list[list[str]]) -> None:
    """A card whose lower border is missing was cut, unless its figures are there."""
    figured = len(block) > 1 and len(block[1]) == 3
    sheet.cut = bool(block) and not figured
    if figured:
        _close(sheet, block)


def _row(block: list[list[str]]) -> Row | None:
    index, _, name = block[0][0].partition(" ")
    bus = _BUS.match(block[0][1])
    if not index.isdecimal() or len(index) > 4 or not bus:
        return None
    name, state = _named(name.strip())
    figures = block[1] if len(block) > 1 and len(block[1]) == 3 else None
    return Row(
        index=int(index),
        name=name,
        persistence=state,
        bus_id=bus[1],
        display=bus[2] or None,
        ecc=block[0][2] or None,
        mig_mode=(block[2][-1] or None) if len(block) > 2 else None,
        **(_figures(*figures) if figures else {}),
    )


def _named(cell: str) -> tuple[str, str | None]:
    name, _, state = cell.rpartition(" ")
    return (name.strip(), state) if name and state in _STATES else (cell, None)


def _figures(first: str, memory: str, last: str) -> dict[str, str | None]:
    left, slash, cap = first.rpartition("/ ") if "/ " in first else first.rpartition("/")
    words = left.split() if slash else first.split()
    if words and words[0].endswith("C"):
        words.insert(0, "")
    fan, temp, pstate, power, *_ = [*words, "", "", "", ""]
    used = _MEMORY.match(memory)
    util, _, mode = last.partition(" ")
    return {
        **{"fan": fan or None, "temp": temp or None, "pstate": pstate or None},
        **{"power": power or None, "cap": cap.strip() if slash else None},
        **{"mem_used": used[1] if used else None, "mem_total": used[2] if used else None},
        **{"util": util or None, "compute_mode": mode.strip() or None},
    }


def _other(sheet: Sheet, line: str, cells: list[str]) -> None:
    if "NVIDIA-SMI" in line and not sheet.versions:
        words = cells[0].split()
        labels = {label.strip().lower(): value for label, value in _LABEL.findall(cells[0])}
        sheet.versions = {"nvidia-smi": words[1] if len(words) > 1 else "", **labels}
    elif "Name" in cells[0] and cells[0].startswith("GPU"):
        sheet.titled = True
    elif process := _PROCESS.match(cells[0]) if len(cells) == 1 else None:
        sheet.processes.append(_process(process))
    elif len(cells) > 3 and (mig := _MIG.match(cells[0])) and (memory := _MEMORY.match(cells[1])):
        gpu, gi, ci, index = (int(one) for one in mig.groups())
        sheet.migs.append(Mig(gpu, gi, ci, index, memory[1], memory[2]))


def _process(match: re.Match[str]) -> Running:
    gpu, gi, ci, pid, kind, rest = match.groups()
    name, _, memory = rest.rpartition(" ")
    if not name or not (memory.endswith("MiB") or memory == "N/A"):
        name, memory = rest, ""
    return Running(int(gpu), gi, ci, int(pid), kind, name.strip(), memory or None)


def versions_named(sheet: Sheet, *words: str) -> Iterator[str]:
    """The versions in the head whose label holds one of the words."""
    for label, value in sheet.versions.items():
        if any(word in label for word in words):
            yield value

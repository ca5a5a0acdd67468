"""How well chrony keeps the time: `chronyc tracking`, plain or with -c; rows of `sources`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import count, decimal, label, lines, refusal

_LEAPS = ("Normal", "Insert second", "Delete second", "Not synchronised")
_DAEMON = re.compile(r"(?:5\d\d .*|Could not open connection to daemon.*)")
_SOURCE = re.compile(r"\s*[\^=#]([*+\-?x~ ])\s*(\S+)\s+(\d{1,2})\s+(-?\d{1,2})\s+([0-7]{1,3})\s")
_UNSET, _LOCAL = 0, 0x7F7F0101


@dataclass(frozen=True)
class Tracking:
    """Times are in seconds, frequencies in parts per million; fast is above zero, slow below."""

    stratum: int | None = None
    offset_s: float | None = None
    direction: str | None = None
    leap: str | None = None
    synchronised: bool | None = None
    error: str | None = None
    reference_id: str | None = None
    reference: str | None = None
    last_offset_s: float | None = None
    rms_offset_s: float | None = None
    frequency_ppm: float | None = None
    skew_ppm: float | None = None
    root_delay_s: float | None = None
    root_dispersion_s: float | None = None
    update_interval_s: float | None = None


@dataclass(frozen=True)
class Source:
    """A row of `chronyc sources`; `reach` holds the last eight answers as an octal number."""

    name: str
    state: str
    stratum: int
    reach: int


def parse(text: str) -> Tracking:
    """What chronyc says of the clock; `error` where it could not ask the daemon."""
    every = lines(text)
    for line in every:
        cells = line.split(",")
        if len(cells) == 14 and count(cells[2]) is not None:
            return _of_cells([cell.strip() for cell in cells])
    found = dict(pair for pair in map(label, every) if pair)
    if "Leap status" in found or "System time" in found or "Stratum" in found:
        return _of_labels(found)
    said = next((line.strip() for line in every if _DAEMON.fullmatch(line.strip())), None)
    return Tracking(error=said or refusal(text))


def _of_labels(found: dict[str, str]) -> Tracking:
    """The lines of `chronyc tracking`."""
    leap = _leap(found.get("Leap status", ""))
    ident, _, name = found.get("Reference ID", "").partition(" ")
    direction, offset = _aside(found.get("System time", ""), "seconds")
    return Tracking(
        stratum=count(found.get("Stratum")),
        offset_s=offset,
        direction=direction,
        leap=leap,
        synchronised=_synchronised(leap, ident),
        reference_id=ident or None,
        reference=name.strip(" ()") or None,
        last_offset_s=_measured(found.get("Last offset"), "seconds"),
        rms_offset_s=_measured(found.get("RMS offset"), "seconds"),
        frequency_ppm=_aside(found.get("Frequency", ""), "ppm")[1],
        skew_ppm=_measured(found.get("Skew"), "ppm"),
        root_delay_s=_measured(found.get("Root delay"), "seconds"),
        root_dispersion_s=_measured(found.get("Root dispersion"), "seconds"),
        update_interval_s=_measured(found.get("Update interval"), "seconds"),
    )


def _of_cells(cells: list[str]) -> Tracking:
    """The one line of `chronyc -c tracking`, where a frequency above zero is slow."""
    leap, offset, frequency = _leap(cells[13]), decimal(cells[4]), decimal(cells[7])
    return Tracking(
        stratum=count(cells[2]),
        offset_s=offset,
        direction=None if offset is None else "slow" if offset < 0 else "fast",
        leap=leap,
        synchronised=_synchronised(leap, cells[0]),
        reference_id=cells[0] or None,
        reference=cells[1] or None,
        last_offset_s=decimal(cells[5]),
        rms_offset_s=decimal(cells[6]),
        frequency_ppm=None if frequency is None else -frequency,
        skew_ppm=decimal(cells[9]),
        root_delay_s=decimal(cells[10]),
        root_dispersion_s=decimal(cells[11]),
        update_interval_s=decimal(cells[12]),
    )


def _leap(said: str) -> str | None:
    """The leap status as chrony spells it; None for half a word."""
    plain = said.strip().replace("synchronized", "synchronised")
    return plain if plain in _LEAPS else None


def _aside(said: str, unit: str) -> tuple[str | None, float | None]:
    """Direction and signed number of `0.1 seconds slow of NTP time`."""
    match = re.match(rf"([\d.,]{{1,40}}) {unit} (slow|fast)", said)
    value = decimal(match[1]) if match else None
    if match is None or value is None:
        return None, None
    return match[2], -value if match[2] == "slow" else value


def _measured(said: str | None, unit: str) -> float | None:
    """A number with its unit behind it; None for half of it."""
    return decimal(said) if said and said.endswith(f" {unit}") else None


def _synchronised(leap: str | None, ident: str) -> bool | None:
    """Whether a source is followed: the clock of the host itself is none."""
    if leap is None:
        return None
    number = int(ident, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,8}", ident) else None
    return leap != "Not synchronised" and number not in (_UNSET, _LOCAL)


def sources(text: str) -> tuple[Source, ...]:
    """The rows of `chronyc sources`; the state `*` marks the source that is followed."""
    rows = [match for match in map(_SOURCE.match, lines(text)) if match]
    return tuple(Source(row[2], row[1], int(row[3]), int(row[5], 8)) for row in rows)


def facts(text: str) -> Facts:
    """The fields of Tracking, and the sources where the text lists some."""
    found: Facts = dict(vars(parse(text)))
    if rows := sources(text):
        found["sources"] = len(rows)
        found["selected"] = next((row.name for row in rows if row.state == "*"), None)
    return found

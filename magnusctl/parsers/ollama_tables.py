"""What the command `ollama` prints: its tables, its speeds, its errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import lines_of
from magnusctl.parsers.json_values import plain

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_START = r"^\s*(\S+)\s+([0-9a-f]{12,64})\s+(\d{1,6}(?:\.\d{1,6})? ?[KMGT]?i?B|-)\s+"
_ROW = {
    "list": re.compile(_START + r"(?P<until>\S.*)$"),
    "ps": re.compile(
        _START + r"(?P<processor>\d{1,3}%(?:/\d{1,3}%)? (?:GPU|CPU/GPU|CPU|Unknown)|Unknown)\s+"
        r"(?:(?P<context>\d{1,9})\s+)?(?P<until>\S.*)$"
    ),
}
_HEADER = {"list": ("NAME", "ID", "SIZE", "MODIFIED"), "ps": ("NAME", "ID", "SIZE", "PROCESSOR")}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,12})?)(h|ms|m|µs|us|ns|s)")
_NANO = {"h": 3600e9, "m": 60e9, "s": 1e9, "ms": 1e6, "µs": 1e3, "us": 1e3, "ns": 1}
_SPOKEN = re.compile(
    r"^\s*(total|load|prompt eval|eval) (duration|count): +(\S{1,40})(?: token| *$)"
)
_ERROR = re.compile(r"^\s*(?:Error|error): (\S.{0,500})$|(command not found)")
_VERSION = re.compile(r"(?:ollama|client) version is (\d\S{0,40})")


@dataclass(frozen=True)
class Row:
    """One model of a table; `size` as printed, `until` is what its last column says."""

    name: str
    id: str
    size: str
    processor: str | None
    context: int | None
    until: str

    @property
    def bytes(self) -> int | None:
        """The size in bytes, as round as it is printed."""
        match = re.match(r"([\d.]+) ?([KMGT]?)(i?)B", self.size)
        if not match:
            return None
        unit = 1024 ** "_KMGT".index(match[2] or "_") if match[3] else _UNITS[match[2]]
        return round(float(match[1]) * unit)

    @property
    def gpu_share(self) -> float | None:
        """The part of the model that is in the GPU's memory, 0 to 1."""
        match = re.match(r"(\d+)%(?:/(\d+)%)? (GPU|CPU/GPU|CPU)$", self.processor or "")
        if not match:
            return None
        return {"GPU": int(match[1]), "CPU": 0}.get(match[3], int(match[2] or 0)) / 100


def table(text: str, kind: str) -> tuple[Row, ...] | None:
    """The whole rows of the last `ollama list` or `ollama ps`; None where its header is not there.

    A table ends at the first line of another form: another table may follow.
    """
    lines = lines_of(plain(text))
    heads = [at for at, line in enumerate(lines) if tuple(line.split()[:4]) == _HEADER[kind]]
    if not heads:
        return None
    rows = (_row(line, kind) for line in lines[heads[-1] + 1 :])
    return tuple(row for row in takewhile(lambda row: row is not None, rows) if row)


def _row(line: str, kind: str) -> Row | None:
    match = _ROW[kind].match(line)
    if not match:
        return None
    told = match.groupdict()
    context = told.get("context")
    return Row(
        name=match[1],
        id=match[2],
        size=match[3],
        processor=told.get("processor"),
        context=int(context) if context else None,
        until=match["until"],
    )


def spoken(text: str) -> Mapping[str, int]:
    """What `ollama run --verbose` says at its end, under the names of the answers, in ns."""
    found: dict[str, int] = {}
    for line in lines_of(plain(text)):
        match = _SPOKEN.match(line)
        if match:
            value = _nanoseconds(match[3]) if match[2] == "duration" else _number(match[3])
            if value is not None:
                found[f"{match[1].replace(' ', '_')}_{match[2]}"] = value
    return found if "eval_duration" in found else {}


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


def _nanoseconds(text: str) -> int | None:
    """A span as Go prints it, as 1m4.5s."""
    parts = _SPAN.findall(text)
    if not parts or "".join(amount + unit for amount, unit in parts) != text:
        return None
    return round(sum(float(amount) * _NANO[unit] for amount, unit in parts))


def error_in(text: str) -> Facts:
    """The error of the command, or the versions that it tells."""
    lines = lines_of(plain(text))
    error = next((match for line in lines if (match := _ERROR.search(line))), None)
    version = next((match for line in lines if (match := _VERSION.search(line))), None)
    told: Facts = {"error": (error[1] or "command not found").strip() if error else None}
    return {**told, "version": version[1]} if version else told

"""ping of Linux (iputils), busybox, macOS and the BSDs; also where it speaks another language."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import lines_of
from magnusctl.parsers.json_values import plain

_NUMBER = re.compile(r"[0-9]{1,18}(?:[.,][0-9]{1,9})?")
_TIMES = re.compile(
    r"(?:min|avg)/[^=:]{0,40}[=:]\s*([0-9.,]+/[0-9.,]+/[0-9.,]+)(?:/\S+)?\s*(m?s)\b"
)
_PERCENT = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,9})?)\s?%|%\s?([0-9]{1,9}(?:[.,][0-9]{1,9})?)")
_MTU = re.compile(r"\bmtu\s*[=:]?\s*([0-9]{2,6})", re.IGNORECASE)
_PART = re.compile(r"[,，、;]\s+|[，、]")
_ERRORS = (
    ("too_long", ("message too long", "message too large", "frag needed", "packet too big")),
    ("too_long", ("fragmentation needed", "mtu=", "mtu =", "mtu:")),
    ("unknown_host", ("name or service not known", "unknown host", "cannot resolve")),
    ("unknown_host", ("name resolution", "bad address", "no address associated", "nodename nor")),
    ("unknown_host", ("not known", "name does not resolve", "unknown name")),
    ("not_permitted", ("operation not permitted", "permission denied", "lacking privilege")),
    ("unreachable", ("unreachable", "no route to host", "host is down", "network is down")),
    ("unreachable", ("packet filtered", "prohibited")),
    ("time_to_live_exceeded", ("time to live exceeded", "time exceeded")),
    ("no_buffers", ("no buffer space",)),
    ("missing", ("command not found", "ping: not found")),
    ("usage", ("usage:", "invalid option", "illegal option", "invalid argument", "bad number")),
    ("usage", ("packet size too large", "out of range", "destination address required")),
)


@dataclass(frozen=True)
class Ping:
    """The statistics of one run, None where it printed none; times in ms, loss in percent.

    `error` is a word: too_long (the packet is larger than the MTU of a link), unknown_host,
    unreachable, not_permitted, time_to_live_exceeded, no_buffers, missing, usage or other.
    `message` is the line that says so, and `mtu` the bytes that the link takes, where told.
    """

    transmitted: int | None = None
    received: int | None = None
    loss_percent: float | None = None
    min_ms: float | None = None
    avg_ms: float | None = None
    max_ms: float | None = None
    duplicates: int | None = None
    error: str | None = None
    errors: int | None = None
    message: str | None = None
    mtu: int | None = None


def parse(text: str) -> Ping:
    """The last statistics that the output holds, and why packets failed."""
    found = Ping()
    for line in lines_of(plain(text)):
        stripped = line.strip()
        found = _statistics(stripped) or found
        times = _times(stripped)
        if times and found.transmitted is not None:
            found = replace(found, min_ms=times[0], avg_ms=times[1], max_ms=times[2])
    error, message = _error(text)
    return replace(found, error=error, message=message, mtu=_mtu(text))


def _statistics(line: str) -> Ping | None:
    """`3 packets transmitted, 3 received, +2 duplicates, 0% packet loss, time 2003ms`.

    By the order of its parts, for only English has these words.
    """
    parts = [part.strip() for part in _PART.split(line) if part.strip()]
    if len(parts) < 3 or "%" not in line or "bytes from" in line:
        return None
    sent, received = _amount(parts[0]), _amount(parts[1])
    loss = _percent(line)
    if sent is None or received is None or loss is None or "%" in parts[0] + parts[1]:
        return None
    extra = {_kind(part): int(_amount(part) or 0) for part in parts[2:] if part.startswith("+")}
    return Ping(
        transmitted=int(sent),
        received=int(received),
        loss_percent=loss,
        duplicates=extra.get("duplicates", 0),
        errors=extra.get("errors", 0),
    )


def _kind(part: str) -> str:
    if re.search(r"d[uo][pu]|дубл|重复|重複", part.lower()):
        return "duplicates"
    return "corrupted" if "corr" in part.lower() else "errors"


def _percent(line: str) -> float | None:
    match = _PERCENT.search(line)
    return _amount(match[0]) if match else None


def _amount(part: str) -> float | None:
    match = _NUMBER.search(part)
    return float(match[0].replace(",", ".")) if match else None


def _times(line: str) -> tuple[float, ...] | None:
    """The lowest, mean and highest time in ms; the line is whole only where its unit stands."""
    match = _TIMES.search(line)
    if not match:
        return None
    try:
        found = [float(part.replace(",", ".")) for part in match[1].split("/")]
    except ValueError:
        return None
    return tuple(round(time * (1 if match[2] == "ms" else 1000), 6) for time in found)


def _error(text: str) -> tuple[str | None, str | None]:
    """The worst that any line says; a size that does not fit before all else."""
    lines = [line.strip() for line in lines_of(plain(text)) if _may_tell(line.strip())]
    for name, signs in _ERRORS:
        for line in lines:
            if any(sign in line.lower() for sign in signs):
                return name, _message(line)
    other = next((line for line in lines if line.lower().startswith(("ping: ", "ping6: "))), None)
    return ("other", _message(other)) if other and "warning" not in other.lower() else (None, None)


def _may_tell(line: str) -> bool:
    answer = "ttl=" in line or "time=" in line
    return not (answer or line.startswith(("PING ", "---")) or _statistics(line))


def _message(line: str) -> str:
    return re.sub(r"^(?:ping6?: ){1,2}", "", line)


def _mtu(text: str) -> int | None:
    match = _MTU.search(text)
    return int(match[1]) if match else None


def facts(text: str) -> Facts:
    """The statistics, and `error` in the words of ping."""
    found = parse(text)
    return {
        "transmitted": found.transmitted,
        "received": found.received,
        "loss_percent": found.loss_percent,
        "min_ms": found.min_ms,
        "avg_ms": found.avg_ms,
        "max_ms": found.max_ms,
        "duplicates": found.duplicates,
        "errors": found.errors,
        "error": found.message,
        "error_kind": found.error,
        "mtu": found.mtu,
        "host": _host(text),
    }


def _host(text: str) -> str | None:
    sign = r"^PING (\S{1,255})\s|^PING6\(.{0,60}--> (\S{1,255})\s"
    match = re.search(sign, plain(text), re.MULTILINE)
    return (match[1] or match[2]).rstrip(":") if match else None

"""iperf3 as text: its intervals and the sums at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from magnusctl.parsers import Facts, iperf3_error
from magnusctl.parsers.cells import lines_of
from magnusctl.parsers.json_values import matches, plain, rounded

_UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_N = r"(\d{1,12}(?:\.\d{1,9})?)"
_ROW = re.compile(
    r"\[ *(SUM|\d{1,6})\](?:\[([TR]X-[CS])\])? +"
    rf"{_N} *- *{_N} +sec +{_N} +[KMGT]?Bytes +{_N} +([KMGT]?)(bits|Bytes)/sec\b *(.{{0,120}})"
)
_LOSS = re.compile(rf"{_N} ms +(-?\d{{1,12}})/(\d{{1,12}}) +\((-?nan|-?{_N}(?:e[-+]\d{{1,3}})?)%\)")
_FORWARD = (None, "TX-C", "RX-S")
_END = re.compile(r"\b(sender|receiver)\s*$")
_TO = re.compile(r"Connecting to host (\S{1,255}), port (\d{1,5})\b")


@dataclass(frozen=True)
class Row:
    """One line of figures: of a stream or, as SUM, of all; `side` is sender, receiver or None."""

    stream: str
    role: str | None
    start: float
    end: float
    bps: float
    side: str | None
    omitted: bool
    retransmits: int | None
    jitter_ms: float | None
    lost: int | None
    packets: int | None
    lost_percent: float | None


@dataclass(frozen=True)
class IperfText:
    """One test; rates in bit/s over all streams, None where the output ends before its sums."""

    sender_bps: float | None = None
    receiver_bps: float | None = None
    retransmits: int | None = None
    jitter_ms: float | None = None
    lost_packets: int | None = None
    packets: int | None = None
    lost_percent: float | None = None
    streams: int | None = None
    reverse: bool | None = None
    host: str | None = None
    port: int | None = None
    intervals: tuple[Row, ...] = field(default=(), repr=False)
    omitted_intervals: int = 0
    first_interval_bps: float | None = None
    error: str | None = None
    done: bool = False


def parse(text: str) -> IperfText:
    """The last test of the output."""
    lines = _last_test(lines_of(plain(text)))
    whole = [line for line in lines[:-1] if line] + [
        line for line in lines[-1:] if _END.search(line)
    ]
    rows = [row for row in map(_row, whole) if row and row.role in _FORWARD]
    ends = [row for row in rows if row.side]
    spans = _whole(row for row in rows if not row.side)
    sender, receiver = _sum(ends, "sender"), _sum(ends, "receiver")
    lossy = receiver or sender
    to = next(iter(matches(_TO, lines)), None)
    counted = [row for row in spans if not row.omitted]
    return IperfText(
        sender_bps=sender.bps if sender else None,
        receiver_bps=receiver.bps if receiver else None,
        retransmits=sender.retransmits if sender else None,
        jitter_ms=lossy.jitter_ms if lossy else None,
        lost_packets=lossy.lost if lossy else None,
        packets=lossy.packets if lossy else None,
        lost_percent=lossy.lost_percent if lossy else None,
        streams=len({row.stream for row in rows} - {"SUM"}) or None,
        reverse=any("Reverse mode" in line for line in lines) if to else None,
        host=to[1] if to else None,
        port=int(to[2]) if to else None,
        intervals=tuple(counted),
        omitted_intervals=len(spans) - len(counted),
        first_interval_bps=counted[0].bps if counted else None,
        error=iperf3_error.parse(text).error,
        done=any("iperf Done." in line for line in lines),
    )


def _last_test(lines: list[str]) -> list[str]:
    """From the last line that begins a test: its first words, or a header after the end of one."""
    start, ended = 0, False
    for at, line in enumerate(lines):
        if _TO.search(line) or (ended and "[ ID]" in line):
            start, ended = at, False
        ended = ended or bool(_END.search(line) and _ROW.search(line))
    return lines[start:]


def _row(line: str) -> Row | None:
    match = _ROW.search(line)
    if not match:
        return None
    rest, side, loss = match[9], _END.search(match[9]), _LOSS.search(match[9])
    retries = re.match(r"(\d{1,12})(?:\s|$)", rest) if not loss else None
    return Row(
        stream=match[1],
        role=match[2],
        start=float(match[3]),
        end=float(match[4]),
        bps=float(match[6]) * _UNITS[match[7]] * (8 if match[8] == "Bytes" else 1),
        side=side[1] if side else None,
        omitted="(omitted)" in rest,
        retransmits=int(retries[1]) if retries else None,
        jitter_ms=float(loss[1]) if loss else None,
        lost=int(loss[2]) if loss else None,
        packets=int(loss[3]) if loss else None,
        lost_percent=float(loss[4]) if loss and "nan" not in loss[4] else None,
    )


def _whole(rows: Iterable[Row]) -> list[Row]:
    """The rows of all streams together: those named SUM where there are any."""
    found = [*rows]
    sums = [row for row in found if row.stream == "SUM"]
    return sums or found


def _sum(ends: list[Row], side: str) -> Row | None:
    """The sum of one side; of several streams without their SUM it is not known."""
    found = _whole(row for row in ends if row.side == side)
    return found[0] if len(found) == 1 else None


def facts(text: str) -> Facts:
    """The sums in Gbit/s, rounded to 6 digits, and what the intervals tell."""
    found = parse(text)
    return {
        "sender_gbps": _gbps(found.sender_bps),
        "receiver_gbps": _gbps(found.receiver_bps),
        "sender_bps": rounded(found.sender_bps, 0),
        "receiver_bps": rounded(found.receiver_bps, 0),
        "sender_mbps": _gbps(found.sender_bps, 1e6),
        "receiver_mbps": _gbps(found.receiver_bps, 1e6),
        "sender_and_receiver_lines": None not in (found.sender_bps, found.receiver_bps),
        "first_interval_gbps": _gbps(found.first_interval_bps),
        "intervals": len(found.intervals),
        "omitted_intervals": found.omitted_intervals,
        "retransmits": found.retransmits,
        "jitter_ms": found.jitter_ms,
        "lost_packets": found.lost_packets,
        "packets": found.packets,
        "lost_percent": found.lost_percent,
        "streams": found.streams,
        "reverse": found.reverse,
        "host": found.host,
        "port": found.port,
        "done": found.done,
        "error": found.error,
    }


def _gbps(rate: float | None, unit: float = 1e9) -> float | None:
    return None if rate is None else round(rate / unit, 6)

"""iperf3 -J, also with --json-stream: the figures of its end, and its error."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts, iperf3_error
from magnusctl.parsers.json_values import (
    Record,
    document,
    documents,
    plain,
    real,
    record,
    records,
    rounded,
    truth,
    whole,
    words,
)

_NOT_A_NUMBER = re.compile(r"(:[ \t]{0,8})-?(?:nan|inf)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Iperf:
    """One test; rates in bit/s over all streams, jitter in ms, loss in percent of datagrams.

    `error` is set also where iperf3 -J left with 0 and only its document says that it failed.
    `sum_bps` is the one rate of UDP. The figures with `back` are of the way back with --bidir.
    """

    version: str | None = None
    protocol: str | None = None
    num_streams: int | None = None
    reverse: bool | None = None
    sum_sent_bps: float | None = None
    sum_received_bps: float | None = None
    retransmits: int | None = None
    lost_percent: float | None = None
    jitter_ms: float | None = None
    error: str | None = None
    lost_packets: int | None = None
    packets: int | None = None
    sum_bps: float | None = None
    seconds: float | None = None
    bytes_sent: int | None = None
    bytes_received: int | None = None
    back_sent_bps: float | None = None
    back_received_bps: float | None = None


def parse(text: str) -> Iperf:
    """The last test that the output tells of whole; nothing of a document that is cut."""
    told = _answer(text)
    end, test = record(told.get("end")), record(record(told.get("start")).get("test_start"))
    sent, received = record(end.get("sum_sent")), record(end.get("sum_received"))
    both = record(end.get("sum"))
    lossy = both if "lost_percent" in both else received
    return Iperf(
        version=words(record(told.get("start")).get("version")),
        protocol=words(test.get("protocol")),
        num_streams=whole(test.get("num_streams")) or len(records(end.get("streams"))) or None,
        reverse=_yes(test.get("reverse")),
        sum_sent_bps=_rate(sent) if received else None,
        sum_received_bps=_rate(received),
        retransmits=whole(sent.get("retransmits")),
        lost_percent=real(lossy.get("lost_percent")),
        jitter_ms=real(lossy.get("jitter_ms")),
        error=iperf3_error.parse(text).error,
        lost_packets=whole(lossy.get("lost_packets")),
        packets=whole(lossy.get("packets")),
        sum_bps=_rate(both),
        seconds=real((received or both).get("seconds")),
        bytes_sent=whole(sent.get("bytes")),
        bytes_received=whole(received.get("bytes")),
        back_sent_bps=_rate(record(end.get("sum_sent_bidir_reverse"))),
        back_received_bps=_rate(record(end.get("sum_received_bidir_reverse"))),
    )


def _rate(figures: Record) -> float | None:
    return real(figures.get("bits_per_second"))


def _yes(value: object) -> bool | None:
    number = whole(value)
    return truth(value) if number is None else bool(number)


def _answer(text: str) -> Record:
    """The document; `nan`, which old versions print for a rate of nothing, is no JSON."""
    clean = _NOT_A_NUMBER.sub(r"\1null", plain(text))
    alone = document(clean)
    found = (alone,) if isinstance(alone, dict) else documents(clean)
    tests = [one for one in found if isinstance(one.get("end"), dict) or "error" in one]
    return tests[-1] if tests else _streamed(found)


def _streamed(events: tuple[Record, ...]) -> Record:
    """What --json-stream writes as one event on each line, as the document of -J."""
    found: dict[str, object] = {}
    for event in events:
        name, data = words(event.get("event")), event.get("data")
        if name == "interval":
            found["intervals"] = [*records(found.get("intervals")), data]
        elif name:
            found[name] = data
    return found


def facts(text: str) -> Facts:
    """The figures; rates in whole bit/s, `reverse` as 0 or 1 as iperf3 has it."""
    found, told = parse(text), _answer(text)
    reverse = None if found.reverse is None else int(found.reverse)
    return {
        "empty": not text.strip(),
        "version": found.version,
        "protocol": found.protocol,
        "num_streams": found.num_streams,
        "streams": found.num_streams,
        "reverse": reverse,
        "sum_sent_bps": _bits(found.sum_sent_bps),
        "sum_received_bps": _bits(found.sum_received_bps),
        "sum_bps": _bits(found.sum_bps),
        "retransmits": found.retransmits,
        "sum_sent_retransmits": found.retransmits,
        "lost_packets": found.lost_packets,
        "packets": found.packets,
        "lost_percent": rounded(found.lost_percent),
        "jitter_ms": rounded(found.jitter_ms, 6),
        "seconds": found.seconds,
        "bytes_sent": found.bytes_sent,
        "bytes_received": found.bytes_received,
        "sum_sent_bidir_reverse_bps": _bits(found.back_sent_bps),
        "sum_received_bidir_reverse_bps": _bits(found.back_received_bps),
        "error": found.error,
        **_further(told),
    }


def _bits(rate: float | None) -> int | None:
    return None if rate is None else round(rate)


def _further(told: Record) -> Facts:
    """What the document tells beyond the figures."""
    start, end = record(told.get("start")), record(told.get("end"))
    test, to = record(start.get("test_start")), record(start.get("connecting_to"))
    sums = [record(one.get("sum")) for one in records(told.get("intervals"))]
    omitted = sum(one.get("omitted") is True for one in sums)
    cpu = record(end.get("cpu_utilization_percent"))
    return {
        "host": words(to.get("host")),
        "port": whole(to.get("port")),
        "duration": whole(test.get("duration")),
        "omit": whole(test.get("omit")),
        "target_bitrate": whole(test.get("target_bitrate")),
        "intervals": len(sums) - omitted,
        "omitted_intervals": omitted,
        "cpu_host_percent": real(cpu.get("host_total")),
        "cpu_remote_percent": real(cpu.get("remote_total")),
        "congestion": words(end.get("sender_tcp_congestion")),
        "system_info": words(start.get("system_info")),
    }

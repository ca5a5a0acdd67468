"""What a deployment shows: where a model goes, what moves, what the switch costs. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

GIB = 1024**3


def release_lines(release: Mapping[str, Any]) -> Iterator[str]:
    """A release that is wanted, in a few lines for people."""
    record = release["release"]
    note = "   (simulated host)" if release["simulated"] else ""
    yield f"{record['model']} r{record['number']}  {record['quant']}  {record['engine']}{note}"
    moved = release["bytes_to_move"]
    where = release["from"]
    if not moved:
        yield "  files       on the host already, proved by their digests"
    else:
        size = f"{moved / GIB:.1f} GiB" if moved >= GIB / 10 else f"{moved / 1024**2:.1f} MiB"
        yield f"  files       {size} move, from {where}"
    yield f"  front       {record['front']}, whatever release is behind it"
    yield f"  switch      {release['switch']}"


def done_lines(release: Mapping[str, Any]) -> Iterator[str]:
    """A release that serves."""
    record, gate = release["release"], release["gate"]
    host = f"{release['host']} (simulated host)" if release["simulated"] else release["host"]
    speed = f", {gate['decode_tps']} tokens/s" if "decode_tps" in gate else ""
    predicted = record.get("predicted_tps")
    likely = f" ({predicted:.0f} predicted)" if speed and predicted else ""
    started = f", up in {gate['start_s']} s" if "start_s" in gate else ""
    outage = gate.get("outage_s", "0")
    without = f"; nobody served for {outage} s" if outage != "0" else ""
    yield f"{record['model']} r{record['number']} serves on {host}{started}{speed}{likely}{without}"
    yield f"Reach it at  http://{record['front']}/v1  as  {record['model']}"

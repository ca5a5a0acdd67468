"""iperf3 between two hosts: what to run on each end, and what its JSON says."""

from __future__ import annotations

import json
from collections.abc import Sequence

from magnusctl.quote import sh
from magnusctl.state import Probe

PORT = 5297
SECONDS = 3

_FILES = ("checks/throughput.sh",)


def present() -> Probe[bool]:
    """Is iperf3 there?"""
    return Probe("iperf3", "ask_iperf3", 1, lambda lines: lines[0] == "yes", _FILES)


def server(address: str) -> Probe[str]:
    """Serve one test on one address, and end by itself."""
    return Probe("server", sh("serve_iperf3", address, PORT), -1, "\n".join, _FILES)


def client(address: str, reverse: bool) -> Probe[tuple[float | None, str]]:
    """Measure; the result is bit/s as the receiver counted, or None and what went wrong."""
    words = sh("ask_rate", address, PORT, SECONDS, *(["-R"] if reverse else []))
    return Probe("rate", words, -1, parse_rate, _FILES)


def parse_rate(lines: Sequence[str]) -> tuple[float | None, str]:
    """Read iperf3's JSON. It exits 0 on errors, so its `error` key decides."""
    try:
        document = json.loads("\n".join(lines))
        if "error" in document:
            return None, str(document["error"])
        return float(document["end"]["sum_received"]["bits_per_second"]), ""
    except (ValueError, KeyError, TypeError):
        return None, " ".join(lines)[:200] or "iperf3 said nothing"

"""A second opinion: where jc reads a recording whole, it reads what we read.

jc is no part of the product: it raises on cut and refused outputs, and loses what checks need
(media of ifconfig, the errors of ping, fields before the first heading).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jc
import pytest

from magnusctl.parsers import (
    macos_df,
    macos_ifconfig,
    os_release,
    ping,
    sysctl_linux,
    timedatectl,
    uname,
)

RECORDED = Path(__file__).parent.parent / "recorded"
Pairs = list[tuple[Any, Any]]


def of_ping(text: str, told: Any) -> Pairs:
    ours = ping.parse(text)
    return [
        (ours.transmitted, told["packets_transmitted"]),
        (ours.received, told["packets_received"]),
        (ours.loss_percent, told["packet_loss_percent"]),
        (ours.avg_ms, told.get("round_trip_ms_avg")),
    ]


def of_ifconfig(text: str, told: Any) -> Pairs:
    ours = macos_ifconfig.parse(text)
    return [
        pair
        for one in told
        if one["name"] != "bridge100"  # to which jc gives the address of the next one
        for pair in (
            (ours[one["name"]].mtu, one["mtu"]),
            # Of several addresses jc keeps one.
            (one["ipv4_addr"] in (*ours[one["name"]].ipv4, None), True),
        )
    ]


def of_df(text: str, told: Any) -> Pairs:
    ours = {row.mount: row for row in macos_df.parse(text)}
    return [(ours[one["mounted_on"]].source, one["filesystem"]) for one in told]


def of_uname(text: str, told: Any) -> Pairs:
    ours = uname.parse(text)
    pairs = (ours.kernel, ours.node, ours.release, ours.machine)
    names = ("kernel_name", "node_name", "kernel_release", "machine")
    return [*zip(pairs, (told[name] for name in names), strict=True)]


def of_names(parse: Callable[[str], Any]) -> Callable[[str, Any], Pairs]:
    """Every name with its value."""

    def pairs(text: str, told: Any) -> Pairs:
        ours = parse(text)
        return [(ours[name].split(), str(value).split()) for name, value in told.items()]

    return pairs


def of_clock(text: str, told: Any) -> Pairs:
    said = told.get("system_clock_synchronized", told.get("ntp_synchronized"))
    return [(timedatectl.parse(text).synchronized, said)]


FAMILIES: list[tuple[str, str, str, Callable[[str, Any], Pairs]]] = [
    ("ping", "*.txt", "ping", of_ping),
    ("macos-ifconfig", "*.txt", "ifconfig", of_ifconfig),
    ("macos-df", "*.txt", "df", of_df),
    ("uname", "*.txt", "uname", of_uname),
    ("os-release", "*.txt", "os_release", of_names(os_release.parse)),
    ("sysctl-linux", "*.txt", "sysctl", of_names(sysctl_linux.parse)),
    ("timedatectl", "*-timedatectl.txt", "timedatectl", of_clock),
]
CASES = [
    pytest.param(path, name, pairs, id=f"{family}/{path.name}")
    for family, pattern, name, pairs in FAMILIES
    for path in sorted((RECORDED / family).glob(pattern))
    if path.name != "ping-badhost.txt"  # on which jc raises
]


@pytest.mark.parametrize(("path", "name", "pairs"), CASES)
def test_jc_reads_the_same(path: Path, name: str, pairs: Callable[[str, Any], Pairs]) -> None:
    text = path.read_text(errors="surrogateescape")
    found = pairs(text, jc.parse(name, text, quiet=True, raw=name == "sysctl"))
    assert found
    assert [ours for ours, _ in found] == [theirs for _, theirs in found]

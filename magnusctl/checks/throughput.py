"""iperf3 between two hosts: what to run on each end, what its JSON says, and who measures when."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from magnusctl.inventory.model import Inventory, Link
from magnusctl.inventory.units import format_bits_per_second
from magnusctl.parsers import iperf3_error, iperf3_json
from magnusctl.quote import sh
from magnusctl.report import Measure, Result, Verdict, Way
from magnusctl.state import Probe

PORT = 5297
SECONDS, SLOW_START, LIMIT_S, CONNECT_MS = 3, 1, 20, 2000
TEN_GBIT = 10 * 10**9
"""Faster links than this are not filled by one stream."""
STREAMS = 4


def share_of(speed: int) -> float:
    """Of a cable's speed, in bit/s, what TCP must have of it: with an MTU of 1500 it has 94.15 %.

    Healthy links of 1 Gbit/s are measured at 0.938 to 0.941, so below 10 Gbit/s a little less does.
    """
    return 0.94 if speed >= TEN_GBIT else 0.93


_FILES = ("timed.sh", "checks/throughput.sh", "checks/custom.sh")


def present() -> Probe[bool]:
    """Is iperf3 there?"""
    return Probe("iperf3", "ask_iperf3", 1, lambda lines: lines[0] == "yes", _FILES)


def server(address: str) -> Probe[str]:
    """Serve one test on one address, and end by itself."""
    return Probe("server", sh("serve_iperf3", address, PORT), -1, "\n".join, _FILES)


def client(address: str, reverse: bool, streams: int = 1) -> Probe[tuple[float | None, str]]:
    """Measure; the result is bit/s as the receiver counted, or None and what went wrong."""
    options = ["-R"] if reverse else []
    options += ["-P", str(streams)] if streams > 1 else []
    times = ("-t", SECONDS, "-O", SLOW_START, "--connect-timeout", CONNECT_MS)
    text = sh("iperf3", "-J", "-c", address, "-p", PORT, *times, *options)
    return Probe("rate", sh("ask_rate", LIMIT_S, text), -1, parse_rate, _FILES)


def parse_rate(lines: Sequence[str]) -> tuple[float | None, str]:
    """Read iperf3's JSON. It exits 0 on errors, so its `error` key decides."""
    text = "\n".join(lines)
    told = iperf3_json.parse(text)
    if told.error or told.sum_received_bps is None:
        why = told.error or iperf3_error.parse(text).error or " ".join(text.split())[:200]
        return None, why or "iperf3 said nothing"
    return told.sum_received_bps, ""


@dataclass(frozen=True)
class Path:
    """A way between two hosts: their addresses on it, and what it is to reach, in bit/s."""

    link: str
    one: str
    two: str
    addresses: tuple[str, str]
    target_bps: float | None
    declared: bool = True
    """Whether somebody said that there is a cable: else the two are only on one network."""
    streams: int = 1

    @property
    def subject(self) -> str:
        """What its results tell of."""
        return f"link {self.link}"


def paths(inventory: Inventory, names: Sequence[str], *, every_pair: bool) -> list[Path]:
    """The links whose two ends are among `names`; with `every_pair` also who only shares a network
    with another, as two hosts behind one switch do."""
    links = [(n, link) for n, link in inventory.links.items() if {*link.ends} <= {*names}]
    found = [_path(name, link) for name, link in links]
    if every_pair:
        met = {frozenset((path.one, path.two)) for path in found}
        for one, two in combinations(names, 2):
            between = _shared(inventory, one, two)
            if between and frozenset((one, two)) not in met:
                found.append(between)
    return found


def _path(name: str, link: Link) -> Path:
    (one, end), (two, other) = link.ends.items()
    share = link.speed * share_of(link.speed) if link.kind == "ethernet" else None
    target = float(link.target) if link.target else share
    streams = STREAMS if link.speed > TEN_GBIT else 1
    return Path(name, one, two, (end.ip, other.ip), target, streams=streams)


def _shared(inventory: Inventory, one: str, two: str) -> Path | None:
    """The fastest network that both are on by links to others."""
    found: list[tuple[int, Path]] = []
    for name, link in inventory.links_of(one):
        for other_name, other in inventory.links_of(two):
            ours = ipaddress.IPv4Interface(link.ends[one].address)
            theirs = ipaddress.IPv4Interface(other.ends[two].address)
            if name != other_name and ours.network == theirs.network:
                addresses = str(ours.ip), str(theirs.ip)
                path = Path(f"{name}+{other_name}", one, two, addresses, None, declared=False)
                found.append((min(link.speed, other.speed), path))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def rounds(todo: Sequence[Path]) -> list[list[Path]]:
    """Which paths are measured at the same time: in no round is a host in two of them."""
    found: list[list[Path]] = []
    for path in todo:
        ends = {path.one, path.two}
        free = (r for r in found if not any(ends & {other.one, other.two} for other in r))
        group = next(free, None)
        if group is None:
            found.append([path])
        else:
            group.append(path)
    return found


def ways(path: Path) -> tuple[Way, Way]:
    """Both directions of a path."""
    there, back = (path.one, path.two), (path.two, path.one)
    return Way("rate", path.link, *there), Way("rate", path.link, *back)


def skipped(path: Path, why: str) -> Result:
    """A path that is not measured."""
    way = Way("rate", path.link, path.one, path.two)
    return Result(path.subject, f"{path.one} - {path.two}", Verdict.SKIP, why, way=way)


def rate(path: Path, way: Way, measured_bps: float | None, why: str) -> Result:
    """Is a link as fast as it is to be? `measured_bps` is None when iperf3 gave no figure."""
    target = format_gbit(path.target_bps) if path.target_bps else ""
    verdict, shown, remedy, measure = Verdict.UNKNOWN, why or "no figure", "", None
    if measured_bps is None:
        remedy = UNMEASURED if path.declared else NOT_LINKED
    else:
        verdict, shown = Verdict.PASS, format_gbit(measured_bps)
        measure = Measure(measured_bps / 1e9, "Gbit/s")
        if path.target_bps is not None and measured_bps < path.target_bps:
            verdict = Verdict.FAIL
            remedy = "Check the MTU on both ends, the cable, and the PCIe width of the card."
    check = f"{way.one} → {way.two}"
    return Result(path.subject, check, verdict, shown, target, remedy, measure, way=way)


UNMEASURED = (
    f"Does a firewall between the two let TCP port {PORT} in? Each end's ping tells the rest."
)


NOT_LINKED = "a firewall lets iperf3 in from declared links only: declare one between the two"


def format_gbit(bps: float) -> str:
    """As `9.41 Gbit/s`; slower ones in Mbit/s."""
    if bps >= 1e9:
        return f"{bps / 1e9:.2f} Gbit/s"
    return f"{bps / 1e6:.1f} Mbit/s" if bps >= 1e6 else format_bits_per_second(round(bps))

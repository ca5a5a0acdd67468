"""Questions whose answers are judged: what a host shows of itself beyond what is declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from magnusctl.quote import sh
from magnusctl.report import Result, Verdict
from magnusctl.state import Observed, Plan, Probe, Resource

# A link below this share of its rate does not do what was paid for: 9.3 of 10 Gbit/s.
LINK_SHARE = 0.93


@dataclass(frozen=True)
class Ping:
    """What ping said of one address: packets lost of those sent, in percent, and the mean time."""

    address: str
    loss_percent: float | None
    mean_ms: float | None


def peers_probe(addresses: Sequence[str]) -> Probe[Sequence[Ping]]:
    """Ping some addresses from the host; None where ping did not say."""
    return Probe("peers", sh("ask_peers", *addresses), len(addresses), _pings, ("checks/peers.sh",))


def _pings(lines: Sequence[str]) -> Sequence[Ping]:
    return [_ping(line) for line in lines]


def _ping(line: str) -> Ping:
    """Read `ADDRESS LOSS MEAN`, as `10.0.0.1 0 0.21`; `-` is what ping did not say."""
    address, loss, mean = line.split(" ")
    return Ping(address, _number(loss), _number(mean))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def declared(host: str, plan: Plan) -> Result:
    """Is everything as declared?"""
    if not plan.changes:
        return Result(host, "declared", Verdict.PASS, "as the inventory declares")
    names = ", ".join(change.resource.id for change in plan.changes[:4])
    more = f" and {len(plan) - 4} more" if len(plan) > 4 else ""
    return Result(
        host,
        "declared",
        Verdict.FAIL,
        f"{len(plan)} differ: {names}{more}",
        remedy=f"magnusctl provision -l {host}",
    )


def services(
    host: str, desired: Sequence[Resource], states: dict[str, Observed]
) -> Iterator[Result]:
    """Does every service run that should?"""
    for resource in desired:
        if resource.kind not in ("service", "launchd"):
            continue
        wanted = resource.state()
        state = states[resource.id].state or {}
        key = "running" if resource.kind == "service" else "loaded"
        if wanted.get(key) != "yes":
            continue
        if key in state and state[key] is None:
            why = f"waits for {getattr(resource, 'needs', '')}"
            yield Result(host, f"{resource.kind} {resource.name}", Verdict.SKIP, why)
            continue
        up = state.get(key) == "yes"
        yield Result(
            host,
            f"{resource.kind} {resource.name}",
            Verdict.PASS if up else Verdict.FAIL,
            "active" if up else "not active",
            remedy="" if up else f"magnusctl provision -l {host}",
        )


def reached(host: str, peer: str, link: str, ping: Ping) -> Result:
    """Does a peer answer over a link?"""
    check = f"ping {peer}"
    if ping.loss_percent is None:
        return Result(host, check, Verdict.UNKNOWN, f"ping said nothing of {ping.address}")
    lost = f"{ping.loss_percent:g} % lost"
    if ping.loss_percent > 0:
        remedy = f"Is {peer} on, and the cable of link {link} in?"
        return Result(host, check, Verdict.FAIL, f"{ping.address}: {lost}", "0 % lost", remedy)
    mean = f", {ping.mean_ms:g} ms" if ping.mean_ms is not None else ""
    return Result(host, check, Verdict.PASS, f"{ping.address}: {lost}{mean}", "0 % lost")


def rate(link: str, way: str, measured_bps: float | None, declared_bps: int, why: str) -> Result:
    """Is a link as fast as declared? `measured_bps` is None when iperf3 gave no figure."""
    target = f"{declared_bps * LINK_SHARE / 1e9:.2f} Gbit/s"
    if measured_bps is None:
        return Result(f"link {link}", way, Verdict.UNKNOWN, why or "no figure", target)
    shown = f"{measured_bps / 1e9:.2f} Gbit/s"
    if measured_bps >= declared_bps * LINK_SHARE:
        return Result(f"link {link}", way, Verdict.PASS, shown, target)
    remedy = "Check the MTU on both ends, the cable, and the PCIe width of the card."
    return Result(f"link {link}", way, Verdict.FAIL, shown, target, remedy)

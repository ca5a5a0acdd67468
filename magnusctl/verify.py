"""Is the cluster what it is declared to be? Hosts first, then the links between them."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from magnusctl import checks, converge, script
from magnusctl.answers import Answers
from magnusctl.bootstrap import Privilege
from magnusctl.checks import Ping, custom, throughput
from magnusctl.converge import Machine, Observation
from magnusctl.errors import MagnusError, Unreachable
from magnusctl.fleet import Fleet
from magnusctl.inventory.model import Link
from magnusctl.parallel import each
from magnusctl.report import Result, Verdict
from magnusctl.secrets import reveal
from magnusctl.state import Probe


@dataclass(frozen=True)
class Peer:
    """A host at the other end of a link."""

    name: str
    address: str
    link: str


def verify(fleet: Fleet, *, network: bool) -> list[Result]:
    """Check every host, then every link whose two ends answer. Nothing is changed.

    Without `network` nothing is sent between hosts: for recorded answers.
    """
    reveal(resource for machine in fleet.machines for resource in machine.desired)
    found = each(fleet.names, lambda name: _ask(fleet, name, network), fleet.workers)
    results = [r for name, answer in found.items() for r in _host(fleet, name, answer, network)]
    if network:
        seen = {name: a for name, a in found.items() if isinstance(a, Observation)}
        results += _links(fleet, seen)
    return results


def _ask(fleet: Fleet, name: str, network: bool) -> Observation:
    more: list[Probe[Any]] = []
    if network:
        own = [custom.probe(check) for check in fleet.checks if name in check.hosts]
        addresses = [peer.address for peer in peers(fleet, name)]
        more = [checks.peers_probe(addresses), throughput.present(), *own]
    return converge.observe(fleet.machine(name), more)


def peers(fleet: Fleet, name: str) -> list[Peer]:
    """Who is at the other end of this host's links, among the hosts of this run."""
    return [
        Peer(peer, _ip(end.address), link_name)
        for link_name, link in fleet.inventory.links_of(name)
        for peer, end in link.ends.items()
        if peer != name and peer in fleet.names
    ]


def _ip(address: str) -> str:
    return str(ipaddress.IPv4Interface(address).ip)


def _host(
    fleet: Fleet, name: str, answer: Observation | MagnusError, network: bool
) -> Iterator[Result]:
    if isinstance(answer, MagnusError):
        check = "reachable" if isinstance(answer, Unreachable) else "answers"
        detail = f"{answer.message} {answer.detail.strip()}".strip()
        yield Result(name, check, Verdict.FAIL, detail, remedy=answer.hint)
        return
    machine = fleet.machine(name)
    facts = answer.facts
    yield Result(name, "reachable", Verdict.PASS, f"{facts.os} {facts.version}, {facts.arch}")
    weak = machine.transport.weakness()
    if weak:
        yield Result(name, "ssh", Verdict.WARN, weak, remedy="Upgrade OpenSSH there: 9.6 or later.")
    if facts.unsettled:
        what = f"job {facts.unsettled} was not confirmed, and may be taken back yet"
        yield Result(name, "confirmed", Verdict.FAIL, what, remedy=f"magnusctl provision -l {name}")
    yield checks.declared(name, converge.plan(machine, answer))
    yield from checks.services(name, machine.desired, dict(answer.states))
    if network:
        pings: Sequence[Ping] = answer.answers["peers"]
        for peer, ping in zip(peers(fleet, name), pings, strict=True):
            yield checks.reached(name, peer.name, peer.link, ping)
    yield from _own(fleet, name, answer)


def _own(fleet: Fleet, name: str, answer: Observation) -> Iterator[Result]:
    """The checks of the project."""
    for check in (check for check in fleet.checks if name in check.hosts):
        said = answer.answers.get(custom.probe_name(check))
        if said is not None:
            yield custom.judged(name, check, said)
        else:
            yield Result(name, check.name, Verdict.SKIP, "not asked: these are recorded answers")


def _links(fleet: Fleet, seen: dict[str, Observation]) -> Iterator[Result]:
    """One link after the other, so that no two tests share a host."""
    for name, link in fleet.inventory.links.items():
        one, two = link.ends
        if not {one, two} <= set(fleet.names):
            continue
        simulated = [host for host in (one, two) if host in fleet.simulated]
        if simulated:
            why = f"not measured: {', '.join(simulated)} is simulated"
            yield Result(f"link {name}", f"{one} - {two}", Verdict.SKIP, why)
            continue
        missing = [host for host in (one, two) if not _has_iperf3(seen, host)]
        if missing:
            why = f"no iperf3 on {', '.join(missing)}"
            yield Result(f"link {name}", f"{one} - {two}", Verdict.SKIP, why)
            continue
        yield from _measured(fleet, name, link)


def _has_iperf3(seen: dict[str, Observation], host: str) -> bool:
    return host in seen and bool(seen[host].answers["iperf3"])


def _measured(fleet: Fleet, name: str, link: Link) -> Iterator[Result]:
    one, two = link.ends
    address = _ip(link.ends[two].address)
    for reverse, way in ((False, f"{one} → {two}"), (True, f"{two} → {one}")):
        speed, why = _iperf3(fleet.machine(one), fleet.machine(two), address, reverse)
        yield checks.rate(name, way, speed, link.speed, why)


def _iperf3(
    client: Machine, server: Machine, address: str, reverse: bool
) -> tuple[float | None, str]:
    """Serve on one host while the other measures; the server's words explain a failure."""

    def work(end: str) -> Any:
        if end == "server":
            return _one_answer(server, throughput.server(address))
        return _one_answer(client, throughput.client(address, reverse))

    found = each(["server", "client"], work, 2)
    answer = found["client"]
    if isinstance(answer, MagnusError):
        return None, answer.message
    speed, why = answer
    return speed, why or ("" if speed is not None else str(found["server"]))


def _one_answer(machine: Machine, probe: Probe[Any]) -> Any:
    nonce = secrets.token_hex(8)
    request = script.probe_request([probe], nonce, root=machine.root, privilege=Privilege(False))
    answers = Answers(nonce)
    for _ in answers.read(machine.transport.execute(request)):
        pass
    return probe.parse(answers.lines(probe))

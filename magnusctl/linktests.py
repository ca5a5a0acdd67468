"""Measures links with iperf3: two hosts at a time, and no host in two tests at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from magnusctl import script
from magnusctl.answers import Answers
from magnusctl.bootstrap import Privilege
from magnusctl.checks import throughput
from magnusctl.checks.throughput import Path
from magnusctl.converge import Machine, Observation
from magnusctl.errors import MagnusError
from magnusctl.fleet import Fleet
from magnusctl.inventory.select import variables_of
from magnusctl.parallel import each
from magnusctl.report import Result
from magnusctl.state import Probe

Told = Callable[[str], None]
Spared = Callable[[str], str]
"""Why a host is not put under load, or nothing."""


def results(
    fleet: Fleet,
    seen: Mapping[str, Observation],
    spared: Spared,
    told: Told,
    *,
    every_pair: bool,
) -> Iterator[Result]:
    """Both ways of every path, in rounds; `told` hears which link is measured now."""
    todo: list[Path] = []
    for path in throughput.paths(fleet.inventory, fleet.names, every_pair=every_pair):
        why = _reason_not_to(fleet, path, seen, spared)
        if why:
            yield throughput.skipped(path, why)
        else:
            todo.append(path)
    for together in throughput.rounds(todo):
        # A window may have opened since.
        now = [path for path in together if not spared(path.one) and not spared(path.two)]
        for path in together:
            if path not in now:
                why = spared(path.one) or spared(path.two)
                yield throughput.skipped(path, why)
        told(", ".join(f"{path.one} - {path.two}" for path in now))
        yield from _round(fleet, now)


def _round(fleet: Fleet, together: Sequence[Path]) -> Iterator[Result]:
    by_name = {f"{path.link} {path.one} {path.two}": path for path in together}

    def work(name: str) -> list[Result]:
        return _measured(fleet, by_name[name])

    for name, measured in each(by_name, work, len(by_name)).items():
        if isinstance(measured, MagnusError):
            path = by_name[name]
            failed = throughput.rate(path, throughput.ways(path)[0], None, measured.message)
            yield replace(failed, remedy=measured.hint or failed.remedy)
        else:
            yield from measured


def _reason_not_to(
    fleet: Fleet, path: Path, seen: Mapping[str, Observation], spared: Spared
) -> str:
    ends = (path.one, path.two)
    reasons = {host: spared(host) for host in ends}
    why = next((reason for reason in reasons.values() if reason), "")
    if why:
        return f"{why} ({', '.join(host for host in ends if reasons[host])})"
    if not path.declared and _is_closed(fleet, _server(fleet, path)):
        return f"not measured: {throughput.NOT_LINKED}"
    silent = [host for host in ends if host not in seen]
    if silent:
        return f"not measured: {', '.join(silent)} could not be asked"
    missing = [host for host in ends if not seen[host].answers[throughput.present().name]]
    return f"no iperf3 on {', '.join(missing)}" if missing else ""


def _server(fleet: Fleet, path: Path) -> str:
    """Which end serves: no Mac where it need not be, and nobody behind a closed firewall."""
    hosts = fleet.inventory.hosts
    one_is_better = hosts[path.two].macos or (not path.declared and _is_closed(fleet, path.two))
    return path.one if one_is_better else path.two


def _is_closed(fleet: Fleet, name: str) -> bool:
    """Whether a host's firewall lets iperf3 in from declared links only."""
    host = fleet.inventory.hosts[name]
    ours = "base" in host.roles and host.connection != "local" and not host.macos
    return ours and variables_of(fleet.inventory, name).base.firewall.enabled


def _measured(fleet: Fleet, path: Path) -> list[Result]:
    """Both ways. The server is no Mac where it need not be: the firewall there asks people."""
    server = _server(fleet, path)
    client = path.two if server == path.one else path.one
    address = path.addresses[0 if server == path.one else 1]
    found = []
    for way in throughput.ways(path):
        # Traffic comes from the client, unless it is asked to come back.
        probe = throughput.client(address, way.one == server, path.streams)
        speed, why = _iperf3(fleet.machine(client), fleet.machine(server), address, probe)
        found.append(throughput.rate(path, way, speed, why))
        if speed is None:
            # Whoever does not connect one way does not connect the other, and each try takes long.
            break
    return found


def _iperf3(
    client: Machine, server: Machine, address: str, probe: Probe[tuple[float | None, str]]
) -> tuple[float | None, str]:
    """Serve on one host while the other measures; the server's words explain a failure."""

    def work(end: str) -> Any:
        if end == "server":
            return _one_answer(server, throughput.server(address))
        return _one_answer(client, probe)

    found = each(["server", "client"], work, 2)
    answer = found["client"]
    if isinstance(answer, MagnusError):
        return None, answer.message
    speed, why = answer
    return speed, why or ("" if speed is not None else str(found["server"]))


def _one_answer(machine: Machine, probe: Probe[Any]) -> Any:
    nonce = secrets.token_hex(8)
    # Nobody needs root's rights to measure.
    request = script.probe_request([probe], nonce, root=machine.root, privilege=Privilege(False))
    answers = Answers(nonce)
    for _ in answers.read(machine.transport.execute(request)):
        pass
    return probe.parse(answers.lines(probe))

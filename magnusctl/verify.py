"""Is the cluster what it is declared to be, and as fast? Hosts first, then links, then models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from magnusctl import checks, converge, linktests, protection, speaking
from magnusctl.checks import custom, reach, speech, throughput
from magnusctl.checks.custom import Custom
from magnusctl.checks.servers import Server
from magnusctl.converge import Observation
from magnusctl.errors import MagnusError, PreconditionError, Unreachable
from magnusctl.fleet import Fleet
from magnusctl.parallel import each
from magnusctl.report import Checked, Result, Verdict
from magnusctl.secrets import reveal
from magnusctl.state import Probe


@dataclass(frozen=True)
class Extent:
    """How far a verification goes.

    `live`: hosts are asked, and answers are not recorded ones. `load`: links and models are
    measured, which takes all of them for a while. `every_pair`: also pairs without a link. `clock`
    tells the time by which windows are judged, which may open while a model is measured.
    """

    live: bool = True
    load: bool = True
    every_pair: bool = False
    clock: Callable[[], datetime] | None = None

    @property
    def unmeasured(self) -> str:
        """Why nothing is measured; nothing where it is."""
        if not self.live:
            return "not measured: these are recorded answers"
        return "" if self.load else "not measured: --no-load"


Told = Callable[[Checked], None]
Answer = Observation | MagnusError


def verify(fleet: Fleet, extent: Extent, told: Told = lambda event: None) -> list[Result]:
    """Check every host, then every link and every model. Nothing is changed.

    `told` hears what is being done, and what each part came to.
    """
    reveal(resource for machine in fleet.machines for resource in machine.desired)
    for server in fleet.servers if extent.live else ():
        if server.key:
            server.key.reveal()
    seen, results = _hosts(fleet, extent, told)
    results += _links(fleet, seen, extent, told)
    results += _models(fleet, seen, extent, results, told)
    order = {name: number for number, name in enumerate(fleet.names)}
    return sorted(results, key=lambda result: order.get(result.subject, len(order)))


def asked(fleet: Fleet, name: str, extent: Extent) -> list[Custom]:
    """The checks that a host is asked for in its one exec."""
    spared = bool(_spared(fleet, name, extent))
    return [check for check in _of(fleet, name) if not (check.load and spared)]


def _of(fleet: Fleet, name: str) -> list[Custom]:
    """The checks that a host runs, but those that tell of a host left out of this run."""
    mine = (check for check in fleet.checks if name in check.hosts)
    return [check for check in mine if not check.subject or check.subject in fleet.names]


def probes(wanted: Sequence[Custom]) -> list[Probe[Any]]:
    """The questions of some checks, each once."""
    return [*{custom.probe_name(check): custom.probe(check) for check in wanted}.values()]


def _spared(fleet: Fleet, name: str, extent: Extent) -> str:
    """Why a host is not put under load; nothing where it may be."""
    if extent.unmeasured:
        return extent.unmeasured
    if name in fleet.simulated:
        return "not measured: simulated"
    if fleet.inventory.hosts[name].protected:
        return "not measured: protected"
    frozen = protection.frozen(fleet.inventory, name, extent.clock() if extent.clock else None)
    return f"not measured: {frozen}" if frozen else ""


def _hosts(
    fleet: Fleet, extent: Extent, told: Told
) -> tuple[Mapping[str, Observation], list[Result]]:
    """What every host answered, and what that comes to."""
    found: dict[str, list[Result]] = {}

    def ask(name: str) -> Observation:
        told(Checked(name))
        more = probes(asked(fleet, name, extent))
        if extent.live:
            more.append(throughput.present())
        return converge.observe(fleet.machine(name), more)

    def done(name: str, answer: Answer) -> None:
        found[name] = [*_host(fleet, name, answer, extent)]
        # What waits for other hosts' answers is told with them.
        told(Checked(name, tuple(result for result in found[name] if not result.after)))

    answers = each(fleet.names, ask, fleet.workers, done)
    seen = {name: a for name, a in answers.items() if isinstance(a, Observation)}
    return seen, [*reach.excused([r for name in fleet.names for r in found[name]])]


def _host(fleet: Fleet, name: str, answer: Answer, extent: Extent) -> Iterator[Result]:
    if isinstance(answer, MagnusError):
        check = "reachable" if isinstance(answer, Unreachable) else "answers"
        detail = f"{answer.message} {answer.detail.strip()}".strip()
        yield Result(name, check, Verdict.FAIL, detail, remedy=answer.hint)
        count = len(_of(fleet, name))
        yield Result(name, "other checks", Verdict.SKIP, f"{count} were not asked")
        return
    yield from _at_all(fleet, name, answer)
    plan = converge.plan(fleet.machine(name), answer)
    yield checks.declared(name, plan)
    yield from checks.services(name, fleet.machine(name).desired, dict(answer.states))
    wanted = asked(fleet, name, extent)
    for one in _of(fleet, name):
        if one in wanted:
            found = custom.judged(name, one, answer.answers[custom.probe_name(one)])
            yield checks.mended_by_plan(found, name, plan)
        else:
            why = _spared(fleet, name, extent)
            yield Result(one.subject or name, one.name, Verdict.SKIP, why)


def _at_all(fleet: Fleet, name: str, answer: Observation) -> Iterator[Result]:
    """That it is there, and is who it should be."""
    machine, facts = fleet.machine(name), answer.facts
    yield Result(name, "reachable", Verdict.PASS, f"as {facts.login}")
    told = f"{facts.os} {facts.version}, {facts.arch}, kernel {facts.kernel}"
    yield Result(name, "os", Verdict.PASS, told, machine.host.os)
    key, weak = machine.transport.host_key(), machine.transport.weakness()
    if key:
        yield Result(name, "host-key", Verdict.PASS, key, "as known_hosts has it")
    if weak:
        yield Result(name, "ssh", Verdict.WARN, weak, remedy="Upgrade OpenSSH there: 9.6 or later.")
    if facts.unsettled:
        what = f"job {facts.unsettled} was not confirmed, and may be taken back yet"
        yield Result(name, "confirmed", Verdict.FAIL, what, remedy=f"magnusctl provision -l {name}")


def _links(
    fleet: Fleet, seen: Mapping[str, Observation], extent: Extent, told: Told
) -> list[Result]:
    def measuring(words: str) -> None:
        told(Checked("links", doing=words))

    def spared(host: str) -> str:
        return _spared(fleet, host, extent)

    found = linktests.results(fleet, seen, spared, measuring, every_pair=extent.every_pair)
    results = list(found)
    if results and extent.live:
        told(Checked("links", tuple(results)))
    return results


def _models(
    fleet: Fleet,
    seen: Mapping[str, Observation],
    extent: Extent,
    found: Sequence[Result],
    told: Told,
) -> list[Result]:
    """Hosts at the same time, the models of one host one after the other."""
    hosts = list(dict.fromkeys(server.host for server in fleet.servers if server.host in seen))
    skipped = {(r.subject, r.check): r for r in found if r.verdict is Verdict.SKIP}

    def work(host: str) -> list[Result]:
        results: list[Result] = []
        for server in fleet.servers:
            waits = skipped.get((host, f"inference.{server.name}-answers"))
            if server.host != host:
                continue
            if waits:
                why = waits.measured
                results.append(Result(host, f"tokens.{server.name}", Verdict.SKIP, why))
            else:
                results += _model(fleet, server, extent, told)
        return results

    results: list[Result] = []
    for host, of_host in each(hosts, work, fleet.workers).items():
        if isinstance(of_host, MagnusError):
            told_of = (of_host.message, "", of_host.hint)
            results.append(Result(host, "tokens", Verdict.UNKNOWN, *told_of))
        else:
            results += of_host
    if results and extent.live:
        told(Checked("models", tuple(results)))
    return results


def _model(fleet: Fleet, server: Server, extent: Extent, told: Told) -> Iterator[Result]:
    check, transport = f"tokens.{server.name}", fleet.machine(server.host).transport
    spared = _spared(fleet, server.host, extent)
    only_speaks = extent.live and not extent.load and server.speaks_at_once
    if spared and not (only_speaks and not _spared(fleet, server.host, Extent(clock=extent.clock))):
        yield Result(server.host, check, Verdict.SKIP, spared)
        return
    at = partial(_answered, told, server)
    at(0, 0)
    try:
        if only_speaks:
            sample = speaking.speaks(server, transport)
            shown = f"first token after {sample.first_s * 1000:.0f} ms"
            yield Result(server.host, f"{check}.speaks", Verdict.PASS, shown)
            return
        spoken = speaking.spoken(server, transport, at)
    except speaking.Absent as error:
        yield Result(server.host, check, Verdict.SKIP, error.message, remedy=error.hint)
    except speaking.Mute as error:
        yield Result(server.host, check, Verdict.SKIP, f"it is none to talk with: {error.message}")
    except PreconditionError as error:
        told_of = (error.message, "", error.hint)
        yield Result(server.host, f"{check}.speaks", Verdict.UNKNOWN, *told_of)
    except MagnusError as error:
        remedy = error.hint or server.look
        yield Result(server.host, f"{check}.speaks", Verdict.FAIL, error.message, "", remedy)
    else:
        yield speech.whole(spoken)
        yield from speech.judged(spoken, server.wanted)


def _answered(told: Told, server: Server, number: int, of: int) -> None:
    at = f", answer {number} of {of}" if of else ""
    told(Checked("models", doing=f"{server.name} on {server.host}{at}"))

"""Closed by default: what a host lets in is what its inventory has a use for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from magnusctl.checks.throughput import PORT as IPERF_PORT
from magnusctl.inventory.model import Link
from magnusctl.inventory.serving import LOOPBACK
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.service import Service
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import Job, job
from magnusctl.roles.ports import ports_of
from magnusctl.state import Resource, Risk

RULES = "/etc/nftables.d/magnus.nft"
UNIT = "/etc/systemd/system/magnus-nftables.service"
ANCHOR, PF = "/etc/pf.anchors/net.magnus", "net.magnus.pf"
METER = {"meter_entries": 65535, "meter_seconds": 60, "logged_per_second": 5, "logged_burst": 10}


@dataclass(frozen=True)
class Rule:
    """A port that is open to some sources, on one address of this host where `own` says so."""

    port: int
    note: str
    protocol: str = "tcp"
    sources: tuple[str, ...] = ()
    own: str = ""

    @property
    def match(self) -> str:
        """The packets, as nft has it."""
        words = [f"ip saddr {{ {', '.join(self.sources)} }}"] if self.sources else []
        words += [f"ip daddr {self.own}"] if self.own else []
        return " ".join([*words, f"{self.protocol} dport {self.port}"])


def resources(context: Context) -> Iterator[Resource]:
    """The rules, and the unit that puts them in force before the network is up."""
    firewall = context.variables.base.firewall
    if not firewall.enabled:
        return
    yield Directory(path="/etc/nftables.d")
    yield File(
        path=RULES,
        content=context.render(
            "base/nftables.nft.j2",
            firewall=firewall,
            ssh_port=firewall.ssh_port or context.host.port or 22,
            openings=list(rules(context)),
            **METER,
        ),
        mode="0600",
        risk=Risk.CONNECTIVITY,
        after=("package:nftables",),
    )
    yield File(
        path=UNIT,
        content=context.render("base/nftables.service.j2"),
        validator="unit",
        risk=Risk.CONNECTIVITY,
    )
    triggers = (f"file:{RULES}", f"file:{UNIT}")
    yield Service(unit="magnus-nftables", reload=True, restart_on=triggers)


def of_mac(context: Context) -> Iterator[Resource]:
    """Who may use the ports of a Mac's engines: an anchor of pf, beside the firewall for programs.

    macOS reads `com.apple/*` from its own pf.conf, so nothing of that is changed.
    """
    own = [rule for rule in rules(context) if rule.own and rule.port != IPERF_PORT]
    if not context.variables.base.firewall.enabled or not own:
        return
    yield File(
        path=ANCHOR,
        content=context.render("base/pf.anchor.j2", rules=own),
        group="wheel",
        validator="pf",
        risk=Risk.CONNECTIVITY,
    )
    # -E counts who wants pf on, and so takes it away from nobody.
    wanted = Job(label=PF, program=("/sbin/pfctl", "-E", "-a", "com.apple/magnus", "-f", ANCHOR))
    yield from job(context, wanted, restart_on=(f"file:{ANCHOR}",))


def rules(context: Context) -> Iterator[Rule]:
    """What is open beside ssh: what the inventory names, links to their ends, engines to those."""
    for opening in context.variables.base.firewall.open:
        yield Rule(opening.port, "as declared", opening.protocol, opening.sources)
    for name, link in context.inventory.links_of(context.name):
        yield Rule(
            IPERF_PORT,
            f"iperf3, for the rate of link {name}",
            "tcp",
            _peers(context, link),
            _own(context, link),
        )
    listen = context.variables.inference.listen
    if "inference" not in context.host.roles or listen == LOOPBACK:
        return
    link = context.inventory.links[listen]
    own = _own(context, link)
    for port, what in ports_of(context):
        yield Rule(port, what, "tcp", _clients(context, link), own)


def _own(context: Context, link: Link) -> str:
    return link.ends[context.name].ip


def _peers(context: Context, link: Link) -> tuple[str, ...]:
    ends = (end for host, end in link.ends.items() if host != context.name)
    return tuple(end.ip for end in ends)


def _clients(context: Context, link: Link) -> tuple[str, ...]:
    if context.variables.inference.clients == "peers":
        return _peers(context, link)
    return (str(ipaddress.IPv4Interface(link.ends[context.name].address).network),)

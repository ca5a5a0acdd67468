"""What is asked of every host, whatever its roles: its hardware, its peers, its doors."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from magnusctl.checks import hardware, reach
from magnusctl.checks.custom import Custom
from magnusctl.checks.reach import Knock, Peer
from magnusctl.inventory.model import Inventory, Link
from magnusctl.inventory.select import variables_of
from magnusctl.render import Render
from magnusctl.report import Way
from magnusctl.roles import firewall
from magnusctl.roles.context import Context
from magnusctl.roles.ports import ports_of


def checks_of(inventory: Inventory, name: str, render: Render) -> Iterator[Custom]:
    """The checks of one host, in the order in which they are told."""
    host, here = inventory.hosts[name], frozenset({name})
    asked = hardware.text(host.hardware, host.macos)
    for part, judge in hardware.checks(host.hardware, host.macos):
        yield Custom(f"hardware.{part}", asked, judge, here, asks="hardware")
    peers = [*_peers(inventory, name)]
    text = reach.pings(peers, host.macos)
    for peer in peers:
        judges = {"ping": reach.answers(peer)}
        if peer.wired:
            judges["mtu"] = reach.whole(peer, host.macos)
        for what, judge in judges.items():
            way = Way(what, peer.link, name, peer.name)
            yield Custom(f"{what} {peer.title}", text, judge, here, asks="pings", way=way)
    yield from _doors(inventory, name, peers, render)


def _doors(
    inventory: Inventory, name: str, peers: Sequence[Peer], render: Render
) -> Iterator[Custom]:
    """The ports of every peer, as this host sees them."""
    knocks = [(peer, knock) for peer in peers for knock in _knocks(inventory, name, peer, render)]
    text = reach.knocks([knock for _, knock in knocks])
    for peer, knock in knocks:
        over = f" ({peer.link})" if peer.title != peer.name else ""
        after = (
            (name, f"ping {peer.title}"),
            *([(peer.name, knock.server)] if knock.server else []),
        )
        yield Custom(
            f"port {knock.port} from {name}{over}",
            text,
            reach.door(knock),
            frozenset({name}),
            asks="knocks",
            subject=knock.peer,
            way=Way("port", peer.link, name, peer.name),
            after=after,
        )


def _peers(inventory: Inventory, name: str) -> Iterator[Peer]:
    links = inventory.links_of(name)
    for link_name, link in links:
        for peer, end in link.ends.items():
            if peer != name:
                wired = link.kind in ("ethernet", "thunderbolt")
                several = sum(peer in other.ends for _, other in links) > 1
                title = f"{peer} ({link_name})" if several else peer
                yield Peer(peer, link_name, end.ip, link.mtu, wired, title)


def _knocks(inventory: Inventory, name: str, peer: Peer, render: Render) -> Iterator[Knock]:
    """The ports of a peer's engines, and one that must not even say no."""
    host, variables = inventory.hosts[peer.name], variables_of(inventory, peer.name)
    context = Context(inventory, peer.name, host, variables, render)
    link = inventory.links[peer.link]
    if "inference" in host.roles:
        open_here = variables.inference.listen == peer.link
        for port, what in ports_of(context):
            is_open = open_here and _let_in(context, port, link, name)
            server = f"inference.{what.rpartition(': ')[2]}-answers" if is_open else ""
            expected = "open" if is_open else "closed"
            yield Knock(peer.name, peer.address, port, what, expected, server)
    closed = variables.base.firewall.enabled and "base" in host.roles and not host.macos
    named = {rule.port for rule in firewall.rules(context)} if closed else {reach.SILENT_PORT}
    if closed and host.connection != "local" and reach.SILENT_PORT not in named:
        what = "what nobody opened"
        yield Knock(peer.name, peer.address, reach.SILENT_PORT, what, "silent")


def _let_in(context: Context, port: int, link: Link, client: str) -> bool:
    """Whether the peer's rules let this host's address in on a port; no source is everybody."""
    address = ipaddress.IPv4Address(link.ends[client].ip)
    rules = [rule for rule in firewall.rules(context) if rule.port == port]
    return any(
        not rule.sources
        or any(address in ipaddress.IPv4Network(one, strict=False) for one in rule.sources)
        for rule in rules
    )

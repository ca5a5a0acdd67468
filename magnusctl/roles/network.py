"""The links between machines: static addresses, jumbo frames, names, buffers."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.errors import InputError
from magnusctl.inventory.model import Link, LinkEnd
from magnusctl.quote import sh
from magnusctl.resources.block import Block
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.interface import Interface
from magnusctl.resources.netservice import Netservice
from magnusctl.resources.package import Package
from magnusctl.resources.reboot import Reboot
from magnusctl.roles.base import sysctls
from magnusctl.roles.context import Context
from magnusctl.state import Resource, Risk


def resources(context: Context) -> Iterator[Resource]:
    """Every link that ends at this host, the names of its peers, and buffers for fast links."""
    links = context.inventory.links_of(context.name)
    wired = [(name, link) for name, link in links if link.kind in ("ethernet", "thunderbolt")]
    if wired and not context.host.macos:
        yield Package(package="netplan.io")
    if wired and context.host.os_name == "ubuntu":
        yield from _without_cloud_init()
    if context.variables.network.unsupported_sfp and not context.host.macos:
        yield from _any_module(context)
    for name, link in wired:
        end = link.ends[context.name]
        yield from _mac(link, end) if context.host.macos else _linux(context, name, link, end)
    first = context.variables.network.internet_service
    if first and context.host.macos:
        yield _internet_first(first)
    if context.variables.network.hosts_file:
        yield from _hosts(context)
    if not context.host.macos:
        wanted = context.variables.network.sysctls
        yield from sysctls(context, "99-zz-magnus-network.conf", wanted)


def _without_cloud_init() -> Iterator[Resource]:
    """At boot cloud-init would write its own idea of the network and of /etc/hosts again."""
    for path in ("/etc/cloud", "/etc/cloud/cloud.cfg.d"):
        yield Directory(path=path)
    yield File(
        path="/etc/cloud/cloud.cfg.d/99-magnus-network.cfg",
        content="network: {config: disabled}\nmanage_etc_hosts: false\n",
    )


def _any_module(context: Context) -> Iterator[Resource]:
    """The driver reads this when it is loaded, which is before the root file system is."""
    path = "/etc/modprobe.d/magnus-ixgbe.conf"
    yield File(path=path, content=context.render("network/ixgbe.conf.j2"))
    yield Command(
        label="initramfs with the options of ixgbe",
        run="system update-initramfs -u",
        restart_on=(f"file:{path}",),
    )
    yield Reboot(
        label="ixgbe with its options",
        why="the network card's driver reads its options when it starts",
        unless='p="$ROOT/sys/module/ixgbe/parameters/allow_unsupported_sfp"; '
        '[ ! -d "$ROOT/sys/module/ixgbe" ] || [ ! -e "$p" ] || grep -q 1 "$p"',
        after=(f"file:{path}", "command:initramfs with the options of ixgbe"),
    )


def _internet_first(service: str) -> Resource:
    """The first service has the default route; all of them must be named in one go."""
    listed = "system networksetup -listnetworkserviceorder | sed -n 's/^([0-9*]*) //p'"
    words = "IFS=$nl; set -f; set --"
    others = f'for s in $({listed}); do [ "$s" = {sh(service)} ] || set -- "$@" "$s"; done'
    order = f'system networksetup -ordernetworkservices {sh(service)} "$@"'
    return Command(
        label=f"{service} leads to the internet",
        run=f"{words}; {others}; {order}",
        unless=f'[ "$({listed} | sed -n 1p)" = {sh(service)} ]',
    )


def _linux(context: Context, name: str, link: Link, end: LinkEnd) -> Iterator[Resource]:
    if not end.mac:
        hint = f"Add 'mac:' below links: {name}: ends: {context.name}: (ip link shows it there)."
        message = f"link {name} needs the MAC address of its card: a name alone is not reliable"
        raise InputError(message, where=context.name, hint=hint)
    path = f"/etc/netplan/60-magnus-{name}.yaml"
    yield File(
        path=path,
        content=context.render("network/netplan.yaml.j2", link=name, end=end, mtu=link.mtu),
        mode="0600",
        validator="netplan",
        risk=Risk.CONNECTIVITY,
        after=("package:netplan.io",),
    )
    yield Interface(
        mac=end.mac,
        address=end.address,
        mtu=link.mtu,
        restart_on=(f"file:{path}",),
        risk=Risk.CONNECTIVITY,
    )


def service_of(link: Link, end: LinkEnd) -> str:
    """The network service of a Mac's end of a link."""
    return end.service or ("Thunderbolt Bridge" if link.kind == "thunderbolt" else "Ethernet")


def _mac(link: Link, end: LinkEnd) -> Iterator[Resource]:
    yield Netservice(
        service=service_of(link, end),
        device=end.interface,
        address=end.address,
        mtu=link.mtu,
        risk=Risk.CONNECTIVITY,
    )


def _hosts(context: Context) -> Iterator[Resource]:
    peers = list(peer_addresses(context))
    if not peers:
        return
    content = context.render("network/hosts.j2", peers=peers)
    yield Block(path="/etc/hosts", content=content)
    if context.host.macos:
        yield Command(
            label="flush the name cache",
            run="system dscacheutil -flushcache",
            restart_on=("block:/etc/hosts",),
        )


def peer_addresses(context: Context) -> Iterator[tuple[str, str]]:
    """An address and a name for every host with a link; a link we share beats any other."""
    shared = {
        peer: end.ip
        for _, link in context.inventory.links_of(context.name)
        for peer, end in link.ends.items()
        if peer != context.name
    }
    for name, addresses in context.inventory.addresses().items():
        if name in shared:
            yield shared[name], name
        elif addresses:
            yield addresses[0], name

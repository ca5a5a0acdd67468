"""The lab's two network namespaces: the hosts' side and the control side, and nothing else."""

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.lab import rootfs
from tests.lab.system import LabError, command, joining, make_group, wait_for

CONTROL_ADDRESS = "10.231.78.1"
_GATEWAY_TO_CONTROL = "10.231.78.2"
_GATEWAY_OF_HOSTS = "10.231.77.1"
_HOSTS = "10.231.77.0/24"
_JOIN = "10.231.78.0/30"
_BRIDGE, _FAST_BRIDGE = "hosts0", "fast0"
_CONTROL_END, _LAB_END = "lab0", "ctl0"


def namespaces(lab_id: str) -> tuple[str, str]:
    """The names of the hosts' namespace and of the control namespace."""
    return f"magnus-lab-{lab_id}", f"magnus-ctl-{lab_id}"


def address(number: int) -> str:
    """The address of host `number`, from 1."""
    return f"10.231.77.{10 + number}"


def mac(number: int) -> str:
    """The address of the card of host `number` for the declared 10 GbE link."""
    return f"02:4d:47:00:00:{number:02x}"


def inside(namespace: str, *argv: str) -> list[str]:
    """A command line that runs `argv` in a namespace.

    Not `ip netns exec`: that replaces /sys, and with it the control groups.
    """
    return ["nsenter", f"--net=/run/netns/{namespace}", "--", *argv]


def ip(namespace: str, lines: Sequence[str]) -> None:
    """Run ip commands in a namespace, one a line."""
    command("ip", "-n", namespace, "-batch", "-", input="".join(f"{line}\n" for line in lines))


def make(lab_id: str) -> None:
    """Make both namespaces, with nothing between them yet."""
    hosts, control = namespaces(lab_id)
    for namespace in (hosts, control):
        command("ip", "netns", "add", namespace)
        _settings(namespace, "ipv6/conf/all/disable_ipv6", "ipv6/conf/default/disable_ipv6")
        ip(namespace, ["link set lo up"])
    _settings(hosts, "ipv4/ip_forward")
    _bridges(hosts)


def _settings(namespace: str, *names: str) -> None:
    """Switch kernel settings of a namespace on; absent ones (no IPv6) are as good as on."""
    for name in names:
        write = f"[ ! -e /proc/sys/net/{name} ] || echo 1 >/proc/sys/net/{name}"
        command(*inside(namespace, "/bin/sh", "-c", write))


def _bridges(hosts: str) -> None:
    # An address of its own: a bridge's borrowed one changes when a host reboots, and the others
    # would look for the gateway at the old one.
    lines = [
        f"link add {_BRIDGE} address 02:4d:47:00:02:01 type bridge",
        f"link add {_FAST_BRIDGE} mtu 9000 type bridge",
    ]
    lines += [f"link set {name} up" for name in (_BRIDGE, _FAST_BRIDGE)]
    ip(hosts, [*lines, f"addr add {_GATEWAY_OF_HOSTS}/24 dev {_BRIDGE}"])


def join(lab_id: str) -> None:
    """Join the namespaces by a cable, unless a delay line is there already."""
    hosts, control = namespaces(lab_id)
    if not _has(hosts, _LAB_END):
        ip(hosts, [f"link add {_LAB_END} type veth peer name {_CONTROL_END} netns {control}"])
    ip(hosts, [f"addr add {_GATEWAY_TO_CONTROL}/30 dev {_LAB_END}", f"link set {_LAB_END} up"])
    up = [f"addr add {CONTROL_ADDRESS}/30 dev {_CONTROL_END}", f"link set {_CONTROL_END} up"]
    ip(control, [*up, f"route add {_HOSTS} via {_GATEWAY_TO_CONTROL}"])


def delay_line(lab_id: str, delays: Mapping[int, float], folder: Path) -> "subprocess.Popen[bytes]":
    """Start the program that carries packets between the namespaces, each half a round trip late.

    `delays` is by host number; a host that is not named there has none.
    """
    hosts, control = namespaces(lab_id)
    table = folder / "delays"
    table.write_text("".join(f"{address(n)} {ms / 2}\n" for n, ms in sorted(delays.items())))
    line = [str(rootfs.delayline()), control, _CONTROL_END, hosts, _LAB_END, str(table)]
    with (folder / "delayline.log").open("w") as log:
        process = subprocess.Popen(
            joining(make_group(f"magnus-lab-{lab_id}/line"), line),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    for namespace, name in ((control, _CONTROL_END), (hosts, _LAB_END)):
        wait_for(f"the delay line's {name}", partial(_has, namespace, name), 60)
    return process


def _has(namespace: str, link: str) -> bool:
    return f": {link}: " in command("ip", "-n", namespace, "-o", "link")


def pull(lab_id: str, number: int) -> None:
    """Take a host's cables out of the bridges; its cards keep their carrier."""
    # Deaf to ARP, too: this end would answer for the gateway, and pass on what the host sends.
    lines = [f"link set {card}{number} {word}" for card in "ht" for word in ("nomaster", "arp off")]
    ip(namespaces(lab_id)[0], lines)


def push(lab_id: str, number: int) -> None:
    """Put a host's cables back into the bridges."""
    bridges = ((f"h{number}", _BRIDGE), (f"t{number}", _FAST_BRIDGE))
    lines = [f"link set {c} {word}" for c, to in bridges for word in ("arp on", f"master {to}")]
    ip(namespaces(lab_id)[0], lines)


def take_out(lab_id: str, number: int) -> None:
    """Remove the cards of a host that is off; the kernel does it too, some time later."""
    hosts, _ = namespaces(lab_id)
    for name in (f"h{number}", f"t{number}"):
        with contextlib.suppress(LabError):
            command("ip", "-n", hosts, "link", "del", name)
        wait_for(f"the end of {name}", partial(_has_not, hosts, name), 60)


def _has_not(namespace: str, link: str) -> bool:
    return f": {link}@" not in command("ip", "-n", namespace, "-o", "link")


def plug_in(lab_id: str, number: int, leader: int) -> None:
    """Give a container its two cards, and the first its address and the way to control."""
    hosts, _ = namespaces(lab_id)
    # Set, not random: netplan apply gives a card with a random address a new one.
    first = f"02:4d:47:00:01:{number:02x}"
    fast = f"peer name lan10g address {mac(number)} netns {leader}"
    ip(
        hosts,
        [
            f"link add h{number} type veth peer name host0 address {first} netns {leader}",
            f"link set h{number} master {_BRIDGE} up",
            f"link add t{number} mtu 9000 type veth {fast}",
            f"link set t{number} master {_FAST_BRIDGE} up",
        ],
    )
    lines = [
        "link set lo up",
        f"addr add {address(number)}/24 dev host0",
        "link set host0 up",
        # A veth takes the MTU of its other end, and a card starts with 1500.
        "link set lan10g mtu 1500",
        f"route add {_JOIN} via {_GATEWAY_OF_HOSTS}",
    ]
    batch = "".join(f"{line}\n" for line in lines)
    command("nsenter", "-t", str(leader), "--net", "--", "ip", "-batch", "-", input=batch)

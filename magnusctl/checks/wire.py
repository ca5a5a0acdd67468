"""Does a link run at the speed that was paid for, or at its fallback?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from magnusctl.checks.custom import Judge, Judgement, failed, passed, skipped, unknown, warned
from magnusctl.checks.sections import answered, asked
from magnusctl.inventory.units import format_bits_per_second
from magnusctl.parsers import (
    ip_json,
    macos_ifconfig,
    macos_networksetup,
    macos_system_profiler_json,
)
from magnusctl.quote import sh

THUNDERBOLT = "system_profiler -json SPThunderboltDataType 2>&1"
ADDRESSES = "ip -j -p addr 2>&1"
_MEDIA = re.compile(r"\((\d+(?:\.\d+)?)(G?)[Bb]ase", re.ASCII)


def linux(mac: str) -> str:
    """The text that finds a card by its address: `speed MBIT` and `carrier N`."""
    return (
        "command -v ip >/dev/null || { echo untold; exit; }; "
        f'd=$(ip -o link show | awk -v m={sh(mac)} \'$0 ~ "link/ether " m '
        '{ sub(/[@:].*/, "", $2); print $2; exit }\'); [ -n "$d" ] || { echo missing; exit; }; '
        's=$MAGNUS_ROOT/sys/class/net/$d; echo "state $(cat "$s/operstate" 2>/dev/null)"; '
        'echo "speed $(cat "$s/speed" 2>/dev/null)"; '
        'echo "carrier $(cat "$s/carrier" 2>/dev/null)"'
    )


def macos(device: str) -> str:
    """The text that asks a Mac's interface for its media."""
    words = "s/^[[:space:]]*media: /media /p; s/^[[:space:]]*status: /status /p"
    return f"ifconfig {sh(device)} 2>&1 | sed -n '{words}'"


def speed(declared: int, fallback: int | None) -> Callable[[Sequence[str]], Judgement]:
    """A judge in bit/s; what runs at the fallback is named so."""

    def judge(lines: Sequence[str]) -> Judgement:
        target = format_bits_per_second(declared)
        if not lines or "untold" in lines:
            return unknown("nothing there tells of its cards")
        if "missing" in lines:
            return failed("no such card", target, "Is it plugged in, and 'mac:' right?")
        if "state down" in lines and "carrier 1" not in lines and "carrier 0" not in lines:
            return failed("the card is down", target, "ip link set it up, or magnusctl provision")
        if "carrier 0" in lines or "status inactive" in lines:
            return failed("no cable, or the other end is off", target, "Look at both ends.")
        found = _rate(lines)
        if found is None:
            return skipped("this kind of link does not tell its rate")
        if found <= 0:
            if "carrier 1" in lines and found != UNREADABLE:
                return skipped("this card has no rate: it is virtual")
            return unknown("it does not tell its rate")
        shown = format_bits_per_second(found)
        if found >= declared:
            return passed(shown, target)
        remedy = "A cable, a module or a switch port does not do more: try another of each."
        if fallback is not None and found >= fallback:
            return warned(f"{shown}: the fallback", target, remedy)
        return failed(shown, target, remedy)

    return judge


UNREADABLE = -2
"""In the place of a rate: a word that is none."""


def _rate(lines: Sequence[str]) -> int | None:
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "speed" and rest.removeprefix("-").isdecimal():
            return int(rest) * 10**6
        if word == "speed" and rest.strip():
            return UNREADABLE
        media = _MEDIA.search(rest) if word == "media" else None
        if media:
            return int(float(media[1]) * (10**9 if media[2] else 10**6))
    return None


def thunderbolt(declared: int) -> Judge:
    """A judge of the fastest cable that is in a Thunderbolt port, in bit/s."""

    def judge(lines: Sequence[str]) -> Judgement:
        ports = macos_system_profiler_json.parse("\n".join(lines)).thunderbolt
        target = format_bits_per_second(declared)
        if not ports:
            return unknown("it does not tell of its Thunderbolt ports")
        # A display sits in such a port, too.
        joined = [port for port in ports if port.connected and (port.peer_is_mac or not port.peer)]
        rates = [port.bps for port in joined if port.bps]
        if not rates:
            return skipped(f"no cable to a computer in any of {len(ports)} Thunderbolt ports")
        shown = format_bits_per_second(max(rates))
        if max(rates) >= declared:
            return passed(shown, target)
        return failed(shown, target, "The cable, or the other end, does less: try another cable.")

    return judge


def static_macos(service: str, device: str) -> str:
    """The text that asks how a network service has its address, and what the card has of it."""
    parts = {
        "service": f"networksetup -getinfo {sh(service)} 2>&1",
        "card": f"ifconfig {sh(device)} 2>&1",
    }
    return asked(parts)


def linux_address(wanted: str, mac: str | None, device: str, mtu: int) -> Judge:
    """A judge: the card has this address, as `10.0.0.2/24`, and this MTU in bytes."""

    def judge(lines: Sequence[str]) -> Judgement:
        cards = ip_json.parse("\n".join(lines)).values()
        target = f"{wanted}, MTU {mtu}"
        ours = [c for c in cards if (c.mac == mac if mac else c.name == device)]
        if not cards:
            return unknown("it does not tell its addresses")
        if not ours:
            return failed("no such card", target, "Is it plugged in, and 'mac:' right?")
        # A bridge or bond has the address of its card.
        ours.sort(key=lambda card: (wanted not in card.ipv4, card.name != device))
        return _as_declared(ours[0].ipv4, ours[0].mtu, wanted, mtu)

    return judge


def macos_address(wanted: str, mtu: int) -> Judge:
    """A judge: the service has this address by hand, and its card this MTU in bytes."""

    def judge(lines: Sequence[str]) -> Judgement:
        told = macos_networksetup.parse_info(answered(lines, "service"))
        card = next(iter(macos_ifconfig.parse(answered(lines, "card")).values()), None)
        target = f"{wanted}, MTU {mtu}"
        if told.config is None:
            return unknown(next((x for x in lines if x and x[:2] != "=="), "it told nothing"))
        if "manual" not in told.config.lower():
            return failed(f"{told.config}, not by hand", target, "magnusctl provision")
        found = [f"{told.ip}/{_prefix(told.mask)}"] if told.ip else []
        return _as_declared(found, card.mtu if card else None, wanted, mtu)

    return judge


def _as_declared(found: Sequence[str], has: int | None, wanted: str, mtu: int) -> Judgement:
    target = f"{wanted}, MTU {mtu}"
    shown = f"{', '.join(found) or 'no address'}, MTU {has or 'not told'}"
    if wanted not in found or (has is not None and has != mtu):
        return failed(shown, target, "magnusctl provision")
    return passed(shown, target)


def _prefix(mask: str | None) -> int | None:
    """The length of a prefix, of a mask as 255.255.255.0."""
    parts = (mask or "").split(".")
    if len(parts) != 4 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        return None
    return sum(int(part).bit_count() for part in parts)

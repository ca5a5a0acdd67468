"""Does a link run at the speed that was paid for, or at its fallback?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from magnusctl.checks.custom import Judgement, failed, passed, skipped, unknown, warned
from magnusctl.inventory.units import format_bits_per_second
from magnusctl.quote import sh

_MEDIA = re.compile(r"\((\d+(?:\.\d+)?)(G?)[Bb]ase", re.ASCII)


def linux(mac: str) -> str:
    """The text that finds a card by its address: `speed MBIT` and `carrier N`."""
    return (
        f'd=$(ip -o link show | awk -v m={sh(mac)} \'$0 ~ "link/ether " m '
        '{ sub(/[@:].*/, "", $2); print $2; exit }\'); [ -n "$d" ] || { echo missing; exit; }; '
        's=$MAGNUS_ROOT/sys/class/net/$d; echo "speed $(cat "$s/speed" 2>/dev/null)"; '
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
        if "missing" in lines:
            return failed("no such card", target, "Is it plugged in, and 'mac:' right?")
        if "carrier 0" in lines or "status inactive" in lines:
            return failed("no cable, or the other end is off", target, "Look at both ends.")
        found = _rate(lines)
        if found is None:
            return skipped("this kind of link does not tell its rate")
        if found <= 0:
            return unknown("the card does not tell its rate")
        shown = format_bits_per_second(found)
        if found >= declared:
            return passed(shown, target)
        remedy = "A cable, a module or a switch port does not do more: try another of each."
        if fallback is not None and found >= fallback:
            return warned(f"{shown}: the fallback", target, remedy)
        return failed(shown, target, remedy)

    return judge


def _rate(lines: Sequence[str]) -> int | None:
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "speed" and rest.lstrip("-").isdecimal():
            return int(rest) * 10**6
        media = _MEDIA.search(rest) if word == "media" else None
        if media:
            return int(float(media[1]) * (10**9 if media[2] else 10**6))
    return None

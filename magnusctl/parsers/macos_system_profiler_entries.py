"""The documents of `system_profiler -json`, their entries, and those of Thunderbolt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

from magnusctl.parsers.macos_system_profiler_parts import Receptacle, receptacle

_BEGIN = re.compile(r"^\ufeff?[ \t]{0,80}\{", re.MULTILINE)
_TAG = re.compile(r"receptacle_([0-9]{1,2})_tag")
Entry = Mapping[str, Any]


def documents(text: str) -> dict[str, Any]:
    """The JSON objects of the output together; the first that is cut ends it."""
    found: dict[str, Any] = {}
    decoder, at = json.JSONDecoder(), 0
    while begin := _BEGIN.search(text, at):
        try:
            document, at = decoder.raw_decode(text, begin.end() - 1)
        except (ValueError, RecursionError):
            break
        if isinstance(document, dict):
            found |= document
    return found


def entries(parts: Entry, name: str) -> list[dict[str, Any]]:
    """The entries of a part, or those inside an entry."""
    entries = parts.get(name)
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def word(entry: Entry, *names: str) -> str | None:
    """The text under the first of the names that has one."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def is_bus(entry: Entry) -> bool:
    """Whether an entry of Thunderbolt is a bus of the Mac; it may also say that there is none."""
    named = (word(entry, "_name") or "").startswith("thunderbolt")
    return named or any(map(_TAG.fullmatch, map(str, entry)))


def ports(bus: Entry) -> Iterator[Receptacle]:
    """The ports of a bus with what is plugged in."""
    tags = {
        int(match[1]): tag
        for key, tag in bus.items()
        if (match := _TAG.fullmatch(key)) and isinstance(tag, dict)
    }
    peers = entries(bus, "_items")
    several = sum(map(_is_connected, tags.values())) > 1
    for number, tag in sorted(tags.items(), key=itemgetter(0)):
        peer = _peer(peers, number, several) if _is_connected(tag) else None
        yield receptacle(
            word(bus, "_name") or "",
            word(tag, "receptacle_id_key") or str(number),
            word(tag, "receptacle_status_key") or "",
            word(tag, "current_speed_key"),
            word(peer, "device_name_key", "_name") if peer else None,
        )


def _is_connected(tag: Entry) -> bool:
    return word(tag, "receptacle_status_key") == "receptacle_connected"


def _peer(peers: list[dict[str, Any]], number: int, several: bool) -> dict[str, Any] | None:
    """What is plugged in: of two ports on a bus, the second has routes that begin at port 3."""
    if not several:
        return next(iter(peers), None)
    route = str(2 * number - 1)
    return next((one for one in peers if word(one, "route_string_key") == route), None)

"""The network interfaces of a host: `ip -j addr` or `ip -j link`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import count, documents, refusal, words

_MAC = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5,19}")


@dataclass(frozen=True)
class Interface:
    """`mtu` is in bytes; the addresses have their prefix, as 10.0.0.1/24."""

    name: str
    operstate: str | None = None
    mtu: int | None = None
    mac: str | None = None
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    parent: str | None = None
    kind: str | None = None


def mac(text: object) -> str | None:
    """A hardware address of six bytes or more; None for any other text."""
    return text if isinstance(text, str) and _MAC.fullmatch(text) else None


def parse(text: str) -> Mapping[str, Interface]:
    """The interfaces by name, of every whole document in the text."""
    found: dict[str, Interface] = {}
    for document in documents(text):
        for entry in document if isinstance(document, list) else [document]:
            one = _interface(entry) if isinstance(entry, dict) else None
            if one is None:
                continue
            known = found.get(one.name)
            if known and "addr_info" not in entry:
                one = replace(one, ipv4=known.ipv4, ipv6=known.ipv6)
            found[one.name] = one
    return found


def _interface(entry: dict[str, Any]) -> Interface | None:
    """An entry of the list; None for one without a name, as of other objects."""
    name, told, info = (entry.get(key) for key in ("ifname", "flags", "linkinfo"))
    if not isinstance(name, str) or not name:
        return None
    return Interface(
        name=name,
        operstate=words(entry.get("operstate")),
        mtu=count(entry.get("mtu")),
        mac=mac(entry.get("address")),
        ipv4=_addresses(entry, "inet"),
        ipv6=_addresses(entry, "inet6"),
        flags=_words(told),
        parent=words(entry.get("link")),
        kind=words(info.get("info_kind")) if isinstance(info, dict) else None,
    )


def _words(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _addresses(entry: dict[str, Any], family: str) -> tuple[str, ...]:
    """The addresses of one family with their prefixes."""
    rows = entry.get("addr_info")
    found = []
    for row in rows if isinstance(rows, list) else []:
        local = row.get("local") if isinstance(row, dict) else None
        prefix = count(row["prefixlen"]) if local and "prefixlen" in row else None
        if isinstance(local, str) and prefix is not None:
            # With -br the rows have no family.
            own = row.get("family") or ("inet6" if ":" in local else "inet")
            found += [f"{local}/{prefix}"] if own == family else []
    return tuple(found)


def plain(one: Interface) -> Facts:
    """An interface as plain values, without its name."""
    values = {key: value for key, value in vars(one).items() if key != "name"}
    return {key: [*value] if isinstance(value, tuple) else value for key, value in values.items()}


def facts(text: str) -> Facts:
    """The fields of each Interface under its name; `error` where ip refused."""
    found: Facts = {name: plain(one) for name, one in parse(text).items()}
    return found or {"error": refusal(text)}

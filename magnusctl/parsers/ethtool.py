"""A network card: `ethtool IFACE`, also with -i or --json, or its module: `ethtool -m IFACE`."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.ethtool_module import Module, module
from magnusctl.parsers.linux_cells import count, documents, label, lines, refusal, switch

_MODES = ("supported link modes", "advertised link modes", "link partner advertised link modes")
_HEAD = re.compile(r"\s*Settings for ([^\s:]{1,40}):")
_DUPLEX = ("Full", "Half")
_PORTS = {
    *("Twisted Pair", "AUI", "BNC", "MII", "FIBRE", "Direct Attach Copper", "None", "Other"),
}
_UNKNOWN_SPEEDS = (0, 2**16 - 1, 2**32 - 1)
Cells = Mapping[str, str]


@dataclass(frozen=True)
class Ethtool:
    """Speeds are in Mbit/s; `virtual` is a card without port or link modes of its own."""

    interface: str | None = None
    speed_mbps: int | None = None
    duplex: str | None = None
    port: str | None = None
    autoneg: bool | None = None
    link: bool | None = None
    link_reason: str | None = None
    supported_max_mbps: int | None = None
    advertised_max_mbps: int | None = None
    partner_max_mbps: int | None = None
    virtual: bool | None = None
    transceiver: str | None = None
    lanes: int | None = None
    wake_on: str | None = None
    driver: str | None = None
    firmware_version: str | None = None
    bus_info: str | None = None
    module: Module | None = None
    error: str | None = None


def parse(text: str) -> Ethtool:
    """The card of the text, the first if it tells of several."""
    return cards(text)[0]


def cards(text: str) -> tuple[Ethtool, ...]:
    """Every card that the text tells of; always one at least."""
    told = tuple(_of_json(text))
    if told:
        return told
    parts: list[tuple[str | None, list[str]]] = [(None, [])]
    for line in lines(text):
        if head := _HEAD.match(line):
            parts.append((head[1], []))
        else:
            parts[-1][1].append(line)
    return tuple(_of_text(name, body) for name, body in parts[len(parts) > 1 :])


def _of_text(name: str | None, body: list[str]) -> Ethtool:
    """The settings of one card, and of its module."""
    told = _card(name, _cells(body), module(body))
    return told if told != Ethtool(name) else Ethtool(name, error=_complaint(body))


def _of_json(text: str) -> Iterator[Ethtool]:
    """The cards of `ethtool --json`, whose keys are the labels with hyphens."""
    for document in documents(text):
        for entry in document if isinstance(document, list) else []:
            if isinstance(entry, dict) and isinstance(entry.get("ifname"), str):
                cells = {_key(str(name)): _printed(value) for name, value in entry.items()}
                cells["speed"] = f"{cells['speed']}Mb/s" if "speed" in cells else ""
                yield _card(entry["ifname"], cells, None)


def _printed(value: object) -> str:
    """A value of JSON as ethtool prints it without."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _key(name: str) -> str:
    """A label as of both the text and the JSON."""
    return name.lower().replace("-", " ").replace("_", " ")


def _card(name: str | None, cells: Cells, inserted: Module | None) -> Ethtool:
    """A card by its labels."""
    link, reason = _link(cells.get("link detected", ""))
    return Ethtool(
        interface=name,
        speed_mbps=_speed(cells.get("speed", "")),
        duplex=_word(cells.get("duplex"), _DUPLEX),
        port=_word(cells.get("port"), _PORTS),
        autoneg=switch(cells.get("auto negotiation")),
        link=link,
        link_reason=reason,
        supported_max_mbps=_fastest(cells.get(_MODES[0])),
        advertised_max_mbps=_fastest(cells.get(_MODES[1])),
        partner_max_mbps=_fastest(cells.get(_MODES[2])),
        virtual=_virtual(cells),
        transceiver=_word(cells.get("transceiver"), ("internal", "external")),
        lanes=count(cells.get("lanes")),
        wake_on=cells.get("wake on") or None,
        driver=cells.get("driver") or None,
        firmware_version=cells.get("firmware version") or None,
        bus_info=cells.get("bus info") or None,
        module=inserted,
    )


def _cells(body: list[str]) -> Cells:
    """Labels with their values; a list of link modes goes on in the lines below it."""
    found: dict[str, str] = {}
    last = ""
    for line in body:
        if pair := label(line):
            last = _key(pair[0])
            found.setdefault(last, pair[1])
        elif last in _MODES and line[:1].isspace():
            found[last] += f" {line.strip()}"
    # A list at the end of the text may be half a list.
    return {name: value for name, value in found.items() if name != last or name not in _MODES}


def _word(said: str | None, known: Container[str]) -> str | None:
    """A setting; None for one that the card does not know, and for half a word."""
    return said if said in known else None


def _speed(said: str) -> int | None:
    """The speed in Mbit/s; drivers say that they know none in several ways."""
    match = re.match(r"(\d{1,10})([MG])b/s", said)
    value = int(match[1]) if match else 0
    if match is None or value in _UNKNOWN_SPEEDS:
        return None
    return value * 1000 if match[2] == "G" else value


def _link(said: str) -> tuple[bool | None, str | None]:
    """Whether there is a link, and why there is none."""
    match = re.fullmatch(r"(yes|no)(?:\s+\((.*)\))?", said)
    return (switch(match[1]), match[2]) if match else (None, None)


def _fastest(modes: str | None) -> int | None:
    """The fastest of a list of link modes, as 10000baseT/Full."""
    speeds = re.findall(r"(?<!\d)(\d{1,7})base", modes or "")
    return max(map(int, speeds), default=None)


def _virtual(cells: Cells) -> bool | None:
    """Whether the card reports neither a port nor a link mode, as veth, bond and virtio do."""
    if "supported ports" not in cells or _MODES[0] not in cells:
        return None
    ports = re.sub(r"[\[\]\s]", "", cells["supported ports"])
    return not ports and _fastest(cells[_MODES[0]]) is None


def _complaint(body: list[str]) -> str | None:
    """Why ethtool told nothing."""
    start = ("Cannot get ", "netlink error:", "No data available", "ethtool: ")
    said = next((line.strip() for line in body if line.strip().startswith(start)), None)
    return said or refusal("\n".join(body))


def facts(text: str) -> Facts:
    """The fields of the first card and of its module; `interfaces` where there are several."""
    every = cards(text)
    found = _plain(every[0])
    if len(every) > 1:
        found["interfaces"] = {one.interface or "": _plain(one) for one in every}
    return found


def _plain(one: Ethtool) -> Facts:
    """A card as plain values, those of its module among them."""
    values = {name: value for name, value in vars(one).items() if name != "module"}
    if one.module is None:
        return values
    values |= {**vars(one.module), "transceiver": one.module.transceiver or one.transceiver}
    return {key: [*value] if isinstance(value, tuple) else value for key, value in values.items()}

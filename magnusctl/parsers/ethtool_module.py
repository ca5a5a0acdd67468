"""The module in a card's cage: `ethtool -m IFACE`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers.linux_cells import decimal, label

_DBM = re.compile(r".{0,60}/\s*(-?\d{1,6}(?:\.\d{1,6})?) dBm")
_RX = (
    "Receiver signal average optical power",
    "Receiver signal OMA",
    "Rcvr signal avg optical power",
)
_TX = ("Laser output power", "Transmit avg optical power")


@dataclass(frozen=True)
class Module:
    """Rates in MBd, powers in dBm, of each channel; temperature in degrees Celsius."""

    identifier: str | None = None
    connector: str | None = None
    transceiver: str | None = None
    transceivers: tuple[str, ...] = ()
    nominal_mbd: int | None = None
    vendor: str | None = None
    part_number: str | None = None
    serial: str | None = None
    wavelength_nm: float | None = None
    cable_m: float | None = None
    temperature_c: float | None = None
    voltage_v: float | None = None
    bias_ma: float | None = None
    tx_power_dbm: float | None = None
    rx_power_dbm: float | None = None
    tx_powers_dbm: tuple[float, ...] = ()
    rx_powers_dbm: tuple[float, ...] = ()
    diagnostics: str | None = None
    technology: str | None = None


def module(body: list[str]) -> Module | None:
    """What the memory of a module says; None for a text that is not of one."""
    pairs = [pair for pair in map(label, body) if pair]
    cells: dict[str, str] = {}
    for name, value in pairs:
        cells.setdefault(name, value)
    if "Identifier" not in cells and "Transceiver type" not in cells:
        return None
    types = tuple(value for name, value in pairs if name == "Transceiver type" and value)
    tx, rx = _powers(pairs, _TX), _powers(pairs, _RX)
    nominal = _number(cells, "BR, Nominal", r"M(?:Bd|bps)")
    return Module(
        identifier=_named(cells.get("Identifier")),
        connector=_named(cells.get("Connector")),
        transceiver=types[0] if types else None,
        transceivers=types,
        nominal_mbd=None if nominal is None else int(nominal),
        vendor=cells.get("Vendor name") or None,
        part_number=cells.get("Vendor PN") or None,
        serial=cells.get("Vendor SN") or None,
        wavelength_nm=_number(cells, "Laser wavelength", "nm"),
        cable_m=_metres(cells),
        temperature_c=_number(cells, "Module temperature", r" degrees C\b.*"),
        voltage_v=_number(cells, "Module voltage", " V"),
        bias_ma=_number(cells, "Laser bias current", " mA"),
        tx_power_dbm=tx[0] if len(tx) == 1 else None,
        rx_power_dbm=rx[0] if len(rx) == 1 else None,
        tx_powers_dbm=tx,
        rx_powers_dbm=rx,
        diagnostics=cells.get("Optical diagnostics support") or None,
        technology=_named(cells.get("Transmitter technology")),
    )


def _named(cell: str | None) -> str | None:
    """The name in brackets behind a number, as SFP of `0x03 (SFP)`."""
    match = re.fullmatch(r"0x[0-9a-fA-F]{1,4} \((.*)\)", cell or "")
    return match[1] if match else None


def _number(cells: dict[str, str], name: str, unit: str) -> float | None:
    """A number with its unit; None for half of it."""
    match = re.fullmatch(rf"(-?\d{{1,12}}(?:\.\d{{1,12}})?){unit}", cells.get(name, ""))
    return float(match[1]) if match else None


def _powers(pairs: list[tuple[str, str]], names: tuple[str, ...]) -> tuple[float, ...]:
    """The power of each channel; a dark one has none."""
    found = []
    for name, value in pairs:
        if re.sub(r"\s*\(Channel \d{1,2}\)$", "", name) in names:
            match = _DBM.match(value)
            found += [float(match[1])] if match else []
    return tuple(found)


def _metres(cells: dict[str, str]) -> float | None:
    """The length of a cable that cannot be taken off its module."""
    for name in ("Length (Copper)", "Length (Copper or Active cable)", "Cable assembly length"):
        length = decimal(cells.get(name))
        if length:
            return length * 1000 if cells[name].endswith("km") else length
    return None

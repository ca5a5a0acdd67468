"""The parts of a Mac that system_profiler tells of, as JSON and as text alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import in_units, integer, rate_bps

_CORES = re.compile(r"(?:proc )?([0-9]{1,4}(?::[0-9]{1,4}){0,3})")
_SYSTEM = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,3}) .{0,12}\(([0-9A-Za-z]{3,16})\)")
_MODEL = re.compile(r"[A-Za-z]{3,16}[0-9]{1,3},[0-9]{1,3}")


@dataclass(frozen=True)
class Cores:
    """The cores of a CPU by kind; fast are those of an M5 that macOS calls super."""

    total: int | None = None
    performance: int | None = None
    efficiency: int | None = None
    fast: int | None = None


@dataclass(frozen=True)
class Hardware:
    """The Mac itself; memory in bytes. chip is of Apple silicon, cpu_type of Intel."""

    machine_name: str | None = None
    machine_model: str | None = None
    chip: str | None = None
    cpu_type: str | None = None
    cpu_speed: str | None = None
    cpu_total: int | None = None
    cpu_performance: int | None = None
    cpu_efficiency: int | None = None
    cpu_super: int | None = None
    memory_bytes: int | None = None
    firmware: str | None = None


@dataclass(frozen=True)
class Gpu:
    """A graphics processor; vram in bytes, None where it shares the memory of the Mac."""

    name: str
    cores: int | None = None
    metal: str | None = None
    vram_bytes: int | None = None
    vendor: str | None = None
    screens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Receptacle:
    """A Thunderbolt port of the Mac; id is the number of the receptacle.

    speed is as it is printed: the negotiated rate, or `Up to ...` where nothing is plugged in. bps
    is the negotiated rate in bit/s, max_bps that of `Up to`; of `x2` lanes it is the rate of one.
    peer is the model of a Mac, as `Mac17,6`, or the name of a device.
    """

    bus: str
    id: str
    connected: bool
    speed: str | None = None
    bps: int | None = None
    max_bps: int | None = None
    peer: str | None = None
    status: str | None = None

    @property
    def peer_is_mac(self) -> bool:
        """Whether another computer is at the other end."""
        return bool(_MODEL.fullmatch(self.peer or ""))


@dataclass(frozen=True)
class Software:
    """The macOS that runs."""

    version: str | None = None
    build: str | None = None
    kernel: str | None = None


def cores_of(value: object) -> Cores:
    """The cores of `proc 8:4:4`, of `proc 18:6:0:12` with its order of kinds, or of a number."""
    match = _CORES.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        return Cores(integer(value))
    total, *kinds = map(int, match[1].split(":"))
    if sum(kinds) != total or len(kinds) < 2:
        return Cores(total)
    if len(kinds) == 2 or kinds[2] == 0:
        return Cores(total, kinds[0], kinds[1])
    # The M5 has fast cores in the first place and its performance cores in the last; one release
    # was seen with the place of the fast cores empty.
    if kinds[1] == 0:
        return Cores(total, kinds[2], 0, kinds[0])
    return Cores(total, kinds[1], kinds[2], kinds[0] or None)


def receptacle(bus: str, name: str, status: str, speed: str | None, peer: str | None) -> Receptacle:
    """A port from what is printed of it."""
    at_most = (speed or "").startswith("Up to")
    connected = status.lower() in ("receptacle_connected", "device connected")
    rate, link = rate_bps(speed), connected and not at_most
    return Receptacle(
        bus=bus,
        id=name,
        connected=connected,
        speed=speed,
        bps=rate if link else None,
        max_bps=None if link else rate,
        peer=peer if connected else None,
        status=status or None,
    )


def software(version: str | None, kernel: str | None) -> Software:
    """The system of `macOS 11.2.3 (20D91)`."""
    match = _SYSTEM.search(version or "")
    return Software(match[1] if match else None, match[2] if match else None, kernel)


def thunderbolt_facts(ports: Iterable[Receptacle], buses: int | None) -> Facts:
    """The buses counted, and the ports by their numbers."""
    ports = tuple(ports)
    peers = {port.id: port.peer for port in ports if port.peer}
    linked = [port for port in ports if port.connected]
    macs = [port.peer for port in ports if port.peer_is_mac]
    return {
        "buses": buses,
        "connected_receptacles": [port.id for port in linked],
        "negotiated": {port.id: port.speed if port.bps else None for port in linked},
        "negotiated_bps": {port.id: port.bps for port in linked},
        "idle": {port.id: port.speed for port in ports if not port.connected},
        "peers": peers,
        "peer_mac": macs[0] if macs else None,
        "peer_macs": macs,
    }


def gpu_facts(gpus: Iterable[Gpu]) -> list[Facts]:
    """Each GPU with its cores, or its own memory in MiB."""
    return [
        {
            "name": gpu.name,
            "cores": gpu.cores,
            "metal": gpu.metal,
            "vram_mb": in_units(gpu.vram_bytes, 2**20),
            "vendor": gpu.vendor,
        }
        for gpu in gpus
    ]

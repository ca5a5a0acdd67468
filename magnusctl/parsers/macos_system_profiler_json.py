"""`system_profiler -json` of the hardware, displays, memory, network, Thunderbolt and software."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_system_profiler_entries import (
    Entry,
    documents,
    entries,
    is_bus,
    ports,
    word,
)
from magnusctl.parsers.macos_system_profiler_parts import (
    Gpu,
    Hardware,
    Receptacle,
    Software,
    cores_of,
    gpu_facts,
    software,
    thunderbolt_facts,
)
from magnusctl.parsers.macos_words import complaint, in_units, integer, plain_lines, size_bytes

_VRAM = ("spdisplays_vram", "_spdisplays_vram", "spdisplays_vram_shared", "sppci_vram")
_METAL = ("spdisplays_mtlgpufamilysupport", "spdisplays_metalfamily", "spdisplays_metal")


@dataclass(frozen=True)
class Service:
    """A network service; media is as printed, `none` for a port without a link."""

    name: str
    interface: str | None = None
    hardware: str | None = None
    media: str | None = None
    ipv4: tuple[str, ...] = ()
    router: str | None = None
    config: str | None = None
    mac: str | None = None


@dataclass(frozen=True)
class Memory:
    """The memory in bytes and as printed, and the kind and maker of its chips."""

    size: str | None = None
    size_bytes: int | None = None
    dimm_type: str | None = None
    dimm_manufacturer: str | None = None
    dimm_speed: str | None = None
    dimms: int = 0


@dataclass(frozen=True)
class Profile:
    """The parts that were asked for; None, or empty, for those that were not."""

    hardware: Hardware | None = None
    displays: tuple[Gpu, ...] = ()
    thunderbolt: tuple[Receptacle, ...] = ()
    thunderbolt_buses: int | None = None
    network: tuple[Service, ...] | None = None
    memory: Memory | None = None
    software: Software | None = None


def parse(text: str) -> Profile:
    """The profile of all whole documents of the output."""
    parts = documents(text)
    machine = entries(parts, "SPHardwareDataType")
    system = entries(parts, "SPSoftwareDataType")
    memory = entries(parts, "SPMemoryDataType")
    buses = [bus for bus in entries(parts, "SPThunderboltDataType") if is_bus(bus)]
    services = entries(parts, "SPNetworkDataType")
    return Profile(
        _hardware(machine[0]) if machine else None,
        tuple(filter(None, map(_gpu, entries(parts, "SPDisplaysDataType")))),
        tuple(port for bus in buses for port in ports(bus)),
        len(buses) if "SPThunderboltDataType" in parts else None,
        tuple(map(_service, services)) if "SPNetworkDataType" in parts else None,
        _memory(memory[0]) if memory else None,
        software(word(system[0], "os_version"), word(system[0], "kernel_version"))
        if system
        else None,
    )


def facts(text: str) -> Facts:
    """The facts of every part; None for a part that was not asked for."""
    profile, lines = parse(text), plain_lines(text)
    return {
        **_of_hardware(profile.hardware or Hardware()),
        **_of_displays(profile.displays),
        **_of_memory(profile.memory or Memory()),
        **thunderbolt_facts(profile.thunderbolt, profile.thunderbolt_buses),
        **_of_network(profile.network),
        **_of_software(profile.software or Software()),
        "error": complaint(lines, "system_profiler"),
    }


def _hardware(entry: Entry) -> Hardware:
    cores = cores_of(entry.get("number_processors"))
    return Hardware(
        word(entry, "machine_name"),
        word(entry, "machine_model"),
        word(entry, "chip_type"),
        word(entry, "cpu_type"),
        word(entry, "current_processor_speed"),
        cores.total,
        cores.performance,
        cores.efficiency,
        cores.fast,
        size_bytes(word(entry, "physical_memory", "memory")),
        word(entry, "boot_rom_version"),
    )


def _gpu(entry: Entry) -> Gpu | None:
    name = word(entry, "sppci_model", "_name")
    vendor = (word(entry, "spdisplays_vendor") or "").removeprefix("sppci_vendor_")
    if not name:
        return None
    return Gpu(
        name,
        integer(entry.get("sppci_cores")),
        word(entry, *_METAL),
        size_bytes(word(entry, *_VRAM)),
        vendor or None,
        tuple(word(one, "_name") or "" for one in entries(entry, "spdisplays_ndrvs")),
    )


def _service(entry: Entry) -> Service:
    ethernet, ipv4 = entry.get("Ethernet"), entry.get("IPv4")
    ethernet = ethernet if isinstance(ethernet, dict) else {}
    ipv4 = ipv4 if isinstance(ipv4, dict) else {}
    addresses = entry.get("ip_address")
    addresses = addresses if isinstance(addresses, list) else [addresses]
    return Service(
        word(entry, "_name") or "",
        word(entry, "interface"),
        word(entry, "hardware", "type"),
        word(ethernet, "MediaSubType"),
        tuple(one for one in addresses if isinstance(one, str) and one),
        word(ipv4, "Router"),
        word(ipv4, "ConfigMethod"),
        word(ethernet, "MAC Address"),
    )


def _memory(entry: Entry) -> Memory:
    """The memory of a Mac; that of Intel has an entry for each slot."""
    slots = [one for one in entries(entry, "_items") if size_bytes(word(one, "dimm_size"))]
    summed = sum(size_bytes(word(one, "dimm_size")) or 0 for one in slots)
    size = word(entry, "SPMemoryDataType") or (f"{summed // 2**30} GB" if summed else None)
    first = {**entry, **(slots[0] if slots else {})}
    return Memory(
        size,
        size_bytes(size),
        word(first, "dimm_type"),
        word(first, "dimm_manufacturer"),
        word(first, "dimm_speed"),
        len(slots),
    )


def _of_hardware(machine: Hardware) -> Facts:
    return {
        "machine_name": machine.machine_name,
        "machine_model": machine.machine_model,
        "chip_type": machine.chip,
        "cpu_type": machine.cpu_type,
        "cpu_speed": machine.cpu_speed,
        "cpu_total": machine.cpu_total,
        "cpu_performance": machine.cpu_performance,
        "cpu_efficiency": machine.cpu_efficiency,
        "cpu_super": machine.cpu_super,
        "memory_gb": in_units(machine.memory_bytes, 2**30),
        "boot_rom_version": machine.firmware,
    }


def _of_displays(gpus: tuple[Gpu, ...]) -> Facts:
    first = gpus[0] if gpus else None
    return {
        "gpu": first.name if first else None,
        "gpu_cores": first.cores if first else None,
        "metal": first.metal if first else None,
        "vram_mb": in_units(first.vram_bytes, 2**20) if first else None,
        "gpus": gpu_facts(gpus),
        "displays": [screen for gpu in gpus for screen in gpu.screens],
    }


def _of_memory(memory: Memory) -> Facts:
    return {
        "memory": memory.size,
        "dimm_type": memory.dimm_type,
        "dimm_manufacturer": memory.dimm_manufacturer,
        "dimm_speed": memory.dimm_speed,
        "dimms": memory.dimms or None,
    }


def _of_network(services: tuple[Service, ...] | None) -> Facts:
    """The services counted, and under the names of their interfaces what they have."""
    found: Facts = {"services": None if services is None else len(services)}
    found |= dict.fromkeys(("en0_has_ip", "en0_media", "bridge0_ip", "wifi_ip"))
    for one in services or ():
        if not one.interface:
            continue
        first = one.ipv4[0] if one.ipv4 else None
        found[f"{one.interface}_has_ip"] = bool(one.ipv4)
        found[f"{one.interface}_media"] = one.media
        found[f"{one.interface}_ip"] = first
        if one.hardware == "AirPort":
            found["wifi_ip"] = first
    return found


def _of_software(system: Software) -> Facts:
    return {"macos": system.version, "build": system.build, "kernel": system.kernel}

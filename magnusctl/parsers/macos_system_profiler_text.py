"""`system_profiler` as text: an indented tree of headings, and of names with values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_system_profiler_parts import (
    Cores,
    Gpu,
    Hardware,
    Receptacle,
    Software,
    gpu_facts,
    receptacle,
    software,
    thunderbolt_facts,
)
from magnusctl.parsers.macos_words import complaint, in_units, integer, plain_lines, size_bytes

_LINE = re.compile(r"(?:[*•-] )?([^:]{1,80}(?::[^\s:][^:]{0,80}){0,2}):(?:\s{1,40}(\S.{0,2000}))?")
_CORES = re.compile(r"([0-9]{1,4})(?: \((.{1,80})\))?")
_KIND = re.compile(r"([0-9]{1,4}) (performance|efficiency|super)", re.IGNORECASE)
_BUS = re.compile(r"Thunderbolt(?:/USB4)? Bus(?: ([0-9]{1,3}))?")
_OF_MEMORY = ("Type", "Memory", "Manufacturer")
_OF_HARDWARE = {"Model Name", "Model Identifier", "Chip", "Processor Name", "Machine Model"}


@dataclass
class Block:
    """The names and values that stand under one heading, and the headings below it."""

    name: str
    parent: Block | None = None
    pairs: dict[str, str] = field(default_factory=dict)
    inner: list[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Profile:
    """The parts that the output shows; None, or empty, for those that it does not."""

    hardware: Hardware | None = None
    displays: tuple[Gpu, ...] = ()
    thunderbolt: tuple[Receptacle, ...] = ()
    thunderbolt_buses: int | None = None
    software: Software | None = None
    memory_type: str | None = None
    memory_size: str | None = None
    memory_maker: str | None = None


def parse(text: str) -> Profile:
    """The profile; names and values count wherever they stand, headings may have been cut off."""
    blocks = _blocks(plain_lines(text))
    machine = next((one for one in blocks if _OF_HARDWARE & one.pairs.keys()), None)
    memory = next((one for one in blocks if one.name == "Memory"), None)
    system = next((one.pairs for one in blocks if "System Version" in one.pairs), None)
    buses = [one for one in blocks if _BUS.fullmatch(one.name)]
    none = any("No hardware was found" in line for line in plain_lines(text))
    asked = any(one.name.startswith("Thunderbolt") for one in blocks)
    return Profile(
        _hardware(machine.pairs) if machine else None,
        tuple(_gpu(one) for one in blocks if "Chipset Model" in one.pairs),
        tuple(port for bus in buses for port in _ports(bus)),
        len(buses) if buses or (asked and none) else None,
        software(system["System Version"], system.get("Kernel Version")) if system else None,
        *((memory.pairs.get(name) for name in _OF_MEMORY) if memory else ()),
    )


def facts(text: str) -> Facts:
    """The facts of all parts; one GPU is told with its memory, several by their names."""
    profile, lines = parse(text), plain_lines(text)
    machine, gpus = profile.hardware or Hardware(), profile.displays
    system = profile.software or Software()
    return {
        **_of_hardware(machine),
        "gpu": gpus[0].name if gpus else None,
        "gpu_cores": next((gpu.cores for gpu in gpus if gpu.cores), None),
        "metal": gpus[0].metal if gpus else None,
        "gpus": [gpu.name for gpu in gpus] if len(gpus) > 1 else gpu_facts(gpus),
        "gpu_details": gpu_facts(gpus),
        "displays": [screen for gpu in gpus for screen in gpu.screens],
        "memory_type": profile.memory_type,
        "memory": profile.memory_size,
        "memory_gb": in_units(machine.memory_bytes or size_bytes(profile.memory_size), 2**30),
        "dimm_type": profile.memory_type,
        "dimm_manufacturer": profile.memory_maker,
        "macos": system.version,
        "build": system.build,
        "kernel": system.kernel,
        **thunderbolt_facts(profile.thunderbolt, profile.thunderbolt_buses),
        **_of_each(profile.thunderbolt),
        "error": complaint(lines, "system_profiler"),
    }


def _blocks(lines: list[str]) -> list[Block]:
    """The headings with what is indented below them; a second GPU begins a block of its own."""
    top = Block("")
    blocks, open_blocks = [top], [(-1, top)]
    for line in lines:
        plain = line.expandtabs(8)
        match = _LINE.fullmatch(plain.strip())
        if not match:
            continue
        indent = len(plain) - len(plain.lstrip())
        while open_blocks[-1][0] >= indent:
            open_blocks.pop()
        under, name, value = open_blocks[-1][1], match[1].strip(), match[2]
        again = name == "Chipset Model" and bool(under.pairs)
        if value is None or again:
            block = Block(under.name if again else name, under)
            under.inner.append(block)
            blocks.append(block)
            open_blocks.append((indent - again, block))
            under = block
        if value is not None:
            under.pairs.setdefault(name, value)
    return blocks


def _hardware(pairs: Mapping[str, str]) -> Hardware:
    """What is told of the machine; some of it had other names in old versions."""
    total = _first(pairs, "Total Number of Cores", "Total Number Of Cores", "Total Cores")
    cores = _cores(total or "")
    return Hardware(
        _first(pairs, "Model Name", "Machine Name"),
        _first(pairs, "Model Identifier", "Machine Model"),
        pairs.get("Chip"),
        _first(pairs, "Processor Name", "CPU Type"),
        _first(pairs, "Processor Speed", "CPU Speed"),
        cores.total,
        cores.performance,
        cores.efficiency,
        cores.fast,
        size_bytes(pairs.get("Memory")),
        pairs.get("System Firmware Version") or pairs.get("Boot ROM Version"),
    )


def _first(pairs: Mapping[str, str], *names: str) -> str | None:
    return next((pairs[name] for name in names if pairs.get(name)), None)


def _cores(value: str) -> Cores:
    """The cores of `10 (4 performance and 6 efficiency)`."""
    match = _CORES.fullmatch(value)
    kinds = {kind[2].lower(): int(kind[1]) for kind in _KIND.finditer(value)}
    total = int(match[1]) if match else None
    return Cores(total, kinds.get("performance"), kinds.get("efficiency"), kinds.get("super"))


def _gpu(block: Block) -> Gpu:
    pairs = block.pairs
    screens = (one.name for inner in block.inner if inner.name == "Displays" for one in inner.inner)
    vram = (value for name, value in pairs.items() if name.startswith("VRAM"))
    metal = pairs.get("Metal Family") or pairs.get("Metal Support") or pairs.get("Metal")
    return Gpu(
        pairs["Chipset Model"],
        integer(pairs.get("Total Number of Cores")),
        metal.removeprefix("Supported, ") if metal else None,
        size_bytes(next(vram, None)),
        pairs.get("Vendor", "").partition(" (")[0] or None,
        tuple(screens),
    )


def _ports(bus: Block) -> Iterator[Receptacle]:
    """The ports of a bus; what is plugged in is indented below its port."""
    ports = [one for one in bus.inner if one.name == "Port" or one.name.startswith("Port (")]
    for number, port in enumerate(ports, 1):
        peers = [one.pairs.get("Device Name") or one.name for one in port.inner]
        yield receptacle(
            bus.name,
            port.pairs.get("Receptacle") or str(number),
            port.pairs.get("Status", ""),
            port.pairs.get("Speed"),
            peers[0] if peers else None,
        )


def _of_hardware(machine: Hardware) -> Facts:
    return {
        "model": machine.machine_name,
        "identifier": machine.machine_model,
        "chip": machine.chip,
        "processor_name": machine.cpu_type,
        "processor_speed": machine.cpu_speed,
        "cores": machine.cpu_total,
        "performance": machine.cpu_performance,
        "efficiency": machine.cpu_efficiency,
        "super": machine.cpu_super,
        "memory_gb": in_units(machine.memory_bytes, 2**30),
        "firmware": machine.firmware,
    }


def _of_each(ports: tuple[Receptacle, ...]) -> Facts:
    """What all the ports say alike; None where they differ."""
    speeds, states = {port.speed for port in ports}, {port.status for port in ports}
    return {
        "speed_each": speeds.pop() if len(speeds) == 1 else None,
        "status_each": states.pop() if len(states) == 1 else None,
    }

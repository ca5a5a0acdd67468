"""Is the machine what was bought? What is declared against what its kernel sees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from magnusctl.checks.custom import Judge, Judgement, failed, passed, skipped, unknown, warned
from magnusctl.checks.sections import answered, asked
from magnusctl.inventory.model import Disk, Hardware, Nic
from magnusctl.inventory.ranges import cpus_in
from magnusctl.inventory.units import format_bits_per_second, format_bytes
from magnusctl.parsers import (
    ethtool,
    lsblk,
    lscpu,
    macos_sysctl,
    macos_system_profiler_json,
    meminfo,
)

LINUX: Mapping[str, str] = {
    "memory": 'cat "$MAGNUS_ROOT/proc/meminfo"',
    "cpu": "LC_ALL=C lscpu 2>&1",
    "disks": "lsblk -J -b -o NAME,TYPE,SIZE,MODEL,MOUNTPOINT 2>&1",
    "nics": (
        'for d in "$MAGNUS_ROOT"/sys/class/net/*; do [ -e "$d/device" ] || continue; '
        'ethtool "${d##*/}" 2>/dev/null; done'
    ),
}
MACOS: Mapping[str, str] = {
    "memory": "sysctl hw.memsize 2>&1",
    "cpu": "sysctl machdep.cpu.brand_string hw.physicalcpu hw.logicalcpu 2>&1",
    "disks": "diskutil list physical 2>&1",
    "nics": "ifconfig -m 2>/dev/null",
    "thunderbolt": "system_profiler -json SPThunderboltDataType 2>/dev/null",
}
_CPUS = re.compile(r"\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?)*", re.ASCII)
# Firmware and the kernel keep some for themselves, and sellers round.
_LEAST, _MOST = 0.90, 1.15
_RATE = re.compile(r"(\d{1,6}(?:\.\d)?) ?(G?)[Bb]ase-?T", re.ASCII)
_MAC_DISK = re.compile(r"\*(\d{1,6}(?:\.\d)?) (GB|TB)\s+disk\d", re.ASCII)


def text(hardware: Hardware, macos: bool) -> str:
    """The text that asks for what is declared, and for nothing else."""
    wanted: dict[str, object] = {"memory": hardware.memory}
    wanted["cpu"] = hardware.cores or hardware.cpu
    wanted |= {"disks": hardware.disks, "nics": hardware.nics, "thunderbolt": hardware.nics}
    parts = MACOS if macos else LINUX
    return asked({name: part for name, part in parts.items() if wanted[name]})


def checks(hardware: Hardware, macos: bool) -> Iterator[tuple[str, Judge]]:
    """A judge for every part that is declared."""
    if hardware.memory:
        yield "memory", memory(hardware.memory, macos)
    if hardware.cores:
        yield "cores", cores(hardware.cores, macos)
    if macos and hardware.cpu.startswith("Apple "):
        yield "chip", chip(hardware.cpu)
    if hardware.disks:
        yield "disks", disks(hardware.disks, macos)
    if hardware.nics:
        yield "nics", nics(hardware.nics, macos)


def memory(declared: int, macos: bool) -> Judge:
    """A judge of the RAM in bytes; a module that is not seen shows here."""

    def judge(lines: Sequence[str]) -> Judgement:
        text = answered(lines, "memory")
        found = (
            _mac_number(text, "hw.memsize") if macos else meminfo.memory_bytes(meminfo.parse(text))
        )
        if not found:
            return unknown("it does not tell how much memory it has")
        shown, target = f"{found / 1024**3:.1f} GiB", format_bytes(declared)
        if found < declared * _LEAST:
            return failed(shown, target, "Is every module seated? Else correct 'memory:'.")
        if found > declared * _MOST:
            return warned(shown, target, "It is more than is declared: correct 'memory:'.")
        return passed(shown, target)

    return judge


def cores(declared: int, macos: bool) -> Judge:
    """A judge of CPUs: `declared` may count cores or, as sellers of servers do, threads."""

    def judge(lines: Sequence[str]) -> Judgement:
        text = answered(lines, "cpu")
        physical, logical = _mac_cores(text) if macos else _linux_cores(text)
        if not logical:
            return unknown("it does not tell how many CPUs it has")
        shown = f"{physical} cores, {logical} threads" if physical else f"{logical} CPUs"
        if declared in (physical, logical):
            return passed(shown, str(declared))
        remedy = "Are all of them online? Else correct 'cores:'."
        if logical > declared:
            return warned(shown, str(declared), remedy)
        return failed(shown, str(declared), remedy)

    return judge


def _linux_cores(text: str) -> tuple[int | None, int | None]:
    cpu = lscpu.parse(text)
    parts = cpu.cores_per_socket, cpu.sockets
    # CPUs that are switched off are counted, too, but do not work.
    on = len(cpus_in(cpu.online)) if cpu.online and _CPUS.fullmatch(cpu.online) else cpu.cpus
    cores = parts[0] * parts[1] if parts[0] and parts[1] else None
    return (None if cores and on and on < cores else cores), on


def _mac_cores(text: str) -> tuple[int | None, int | None]:
    return _mac_number(text, "hw.physicalcpu"), _mac_number(text, "hw.logicalcpu")


def _mac_number(text: str, key: str) -> int | None:
    value = macos_sysctl.parse(text).get(key)
    return int(value) if value is not None and str(value).isdecimal() else None


def chip(declared: str) -> Judge:
    """A judge of the chip of a Mac, by its full name: an M4 is no M4 Pro."""

    def judge(lines: Sequence[str]) -> Judgement:
        found = macos_sysctl.parse(answered(lines, "cpu")).get("machdep.cpu.brand_string")
        if not found:
            return unknown("it does not tell its chip")
        if str(found) == declared:
            return passed(str(found), declared)
        return failed(str(found), declared, "Is this the right machine? Else correct 'cpu:'.")

    return judge


def disks(declared: Sequence[Disk], macos: bool) -> Judge:
    """A judge of disks by their sizes: each that is declared is there, and none stands for two."""

    def judge(lines: Sequence[str]) -> Judgement:
        text = answered(lines, "disks")
        found = _mac_disks(text) if macos else _linux_disks(text)
        if not found:
            return unknown("it does not tell of its disks")
        left, lacking = sorted(found), []
        for disk in sorted(declared, key=lambda disk: disk.size):
            near = [size for size in left if _LEAST <= size / disk.size <= _MOST]
            if near:
                left.remove(near[0])
            else:
                lacking.append(f"{disk.name} ({format_bytes(disk.size)})")
        shown = ", ".join(f"{size / 1e9:.0f} GB" for size in found)
        target = ", ".join(f"{disk.size / 1e9:.0f} GB" for disk in declared)
        if lacking:
            remedy = "Is it plugged in? lsblk there (diskutil list) tells what the kernel sees."
            return failed(f"no {', '.join(lacking)} among {shown}", target, remedy)
        return passed(shown, target)

    return judge


def _linux_disks(text: str) -> list[int]:
    return [d.size_bytes for d in lsblk.parse(text) if d.type == "disk" and d.size_bytes]


def _mac_disks(text: str) -> list[int]:
    """Whole disks, as `0: GUID_partition_scheme *500.3 GB disk0`."""
    units = {"GB": 10**9, "TB": 10**12}
    return [round(float(size) * units[unit]) for size, unit in _MAC_DISK.findall(text)]


def nics(declared: Sequence[Nic], macos: bool) -> Judge:
    """A judge of what the cards could do, whatever the cables let them: each that is declared is
    there, and none stands for two. A radio is not looked at."""

    def judge(lines: Sequence[str]) -> Judgement:
        cables = [nic for nic in declared if nic.port not in ("wifi", "thunderbolt")]
        bolts = [nic for nic in declared if nic.port == "thunderbolt"]
        told = answered(lines, "nics")
        found = _mac_rates(told) if macos else _linux_rates(told)
        ports = _thunderbolt_rates(answered(lines, "thunderbolt")) if macos else []
        if not cables and not (bolts and macos):
            return skipped("nothing is asked of radios, and of Thunderbolt on Linux")
        # Linux tells of Thunderbolt only what is plugged in.
        if cables and not found and "Settings for" in told:
            return skipped("its cards are virtual: they have no rate")
        if (cables and not found) or (bolts and macos and not ports):
            return unknown("its cards do not tell what they can do")
        missing = [*_unmatched(cables, found), *(_unmatched(bolts, ports) if macos else [])]
        target = ", ".join(format_bits_per_second(nic.speed) for nic in (*cables, *bolts))
        shown = ", ".join(format_bits_per_second(rate) for rate in (*found, *ports))
        if missing:
            names = ", ".join(nic.name for nic in missing)
            remedy = "Is the card in, and its driver loaded? lspci there; or correct 'nics:'."
            return failed(f"no {names} among {shown or 'none'}", target, remedy)
        return passed(shown, target)

    return judge


def _unmatched(declared: Sequence[Nic], found: Sequence[int]) -> list[Nic]:
    """Cards for which no port is left that does as much; the fastest are matched first."""
    left, missing = sorted(found, reverse=True), []
    for nic in sorted(declared, key=lambda nic: -nic.speed):
        if left and left[0] >= nic.speed:
            left.pop(0)
        else:
            missing.append(nic)
    return missing


def _linux_rates(text: str) -> list[int]:
    """The best of each card, in bit/s."""
    cards = [ethtool.parse(f"Settings for {card}") for card in text.split("Settings for ")[1:]]
    best = (max(card.supported_max_mbps or 0, card.speed_mbps or 0) for card in cards)
    return [rate * 10**6 for rate in best if rate]


def _mac_rates(text: str) -> list[int]:
    """The best that each card of `ifconfig -m` supports, in bit/s."""
    found = []
    for card in re.split(r"(?m)^(?=\S)", text):
        rates = [
            int(float(base) * (10**9 if giga else 10**6)) for base, giga in _RATE.findall(card)
        ]
        found += [max(rates)] if rates else []
    return found


def _thunderbolt_rates(text: str) -> list[int]:
    """What each port does, or could do where nothing is in it, in bit/s."""
    ports = macos_system_profiler_json.parse(text).thunderbolt
    # A port with a slow thing in it does not tell what it could do: the others are as good.
    best = max((max(port.bps or 0, port.max_bps or 0) for port in ports), default=0)
    return [best] * len(ports) if best else []

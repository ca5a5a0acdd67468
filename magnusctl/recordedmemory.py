"""What a recording says of the memory of its hosts: how much there is, and how much is in use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from magnusctl.checks import custom, sections
from magnusctl.errors import InputError
from magnusctl.inventory.model import Inventory
from magnusctl.parsers import macos_sysctl, meminfo, nvidia_smi_xml
from magnusctl.placement import Live
from magnusctl.transport import recorded

MIB = 1024**2


def live_of(folder: Path, inventory: Inventory) -> tuple[dict[str, Live], dict[str, str]]:
    """What a recording says of memory, and what it does not. Raises InputError."""
    found: dict[str, Live] = {}
    notes: dict[str, str] = {}
    for host in inventory.hosts:
        if not (folder / f"{host}.json").exists():
            continue
        live = _recorded(recorded.load(folder, host), inventory, host)
        simulated = " (simulated host)" if recorded.is_simulated(folder, host) else ""
        if live is None:
            notes[host] = f"nothing recorded says how much memory is free{simulated}"
        else:
            found[host] = live
            notes[host] = f"memory as it was recorded{simulated}"
    if not notes:
        hint = f"Record one with:  magnusctl probe --record {folder}"
        raise InputError("no host of the inventory is recorded there", where=str(folder), hint=hint)
    return found, notes


def _recorded(answers: recorded.Recording, inventory: Inventory, host: str) -> Live | None:
    machine = inventory.hosts[host]
    if machine.hardware.gpus:
        return _of_cards(_printed(answers, "=nvidia-smi"))
    memory = sections.answered(_printed(answers, "=hardware"), "memory")
    if machine.macos:
        total = macos_sysctl.parse(memory).get("hw.memsize", "")
        return Live(total_bytes=int(total)) if total.isdecimal() else None
    values = meminfo.parse(memory)
    whole = meminfo.memory_bytes(values)
    free = meminfo.memory_bytes(values, "MemAvailable")
    if whole is None:
        return None
    used = None if free is None else float(whole - free)
    return Live(used_bytes=used, total_bytes=whole)


def _printed(answers: recorded.Recording, question: str) -> Sequence[str]:
    try:
        return custom.parse(answers[f"{custom.ASKED}{question}"]).lines
    except (KeyError, ValueError):
        return ()


def _of_cards(lines: Sequence[str]) -> Live | None:
    cards = nvidia_smi_xml.parse("\n".join(lines)).gpus
    used = [card.memory_used_mib for card in cards if card.memory_used_mib is not None]
    if not cards or len(used) < len(cards):
        return None
    return Live(used_bytes=float(sum(used) * MIB))

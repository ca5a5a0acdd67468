"""nvidia-smi -q, whole or some of its sections (-d CLOCK, -d POWER)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import told
from magnusctl.parsers.nvidia_smi_error import error_of
from magnusctl.parsers.nvidia_smi_gpu import Process, Smi, gpu_of, reasons, shown, uncorrected
from magnusctl.parsers.nvidia_smi_text import count, plain, plain_lines, version

_GPU = re.compile(r"GPU ([0-9A-Fa-f]{1,8}:[0-9A-Fa-f:.]{1,12})$")
# The names of the text's own words where they differ from those of the XML.
_RENAMED = {
    "product_name": "name",
    "product_brand": "brand",
    "fb_total": "mem_total",
    "fb_reserved": "mem_reserved",
    "fb_used": "mem_used",
    "fb_free": "mem_free",
    "mig_current": "mig_mode",
    "ecc_current": "ecc",
    "gpu_temp": "temp",
    "memory_temp": "temp_memory",
    "gpu_util": "util",
    "memory_util": "mem_util",
    "fan_speed": "fan",
    "performance_state": "pstate",
    "gpu_uuid": "uuid",
    "vbios_version": "vbios",
}


@dataclass
class _Section:
    """The lines of the log's head or of one card: paths in lower case, and values as printed."""

    bus_id: str | None
    lines: list[tuple[str, str]]

    def flat(self) -> Mapping[str, str]:
        found = {"@id": self.bus_id} if self.bus_id else {}
        for path, value in self.lines:
            found.setdefault(path, value)
        return found

    def migs(self) -> int:
        return sum(path == "mig_device/index" for path, _ in self.lines)


def parse(text: str) -> Smi:
    """The cards of the log; without the last line where that is cut."""
    head, gpus = _sections(text)
    flat = head.flat()
    return Smi(
        driver_version=version(flat.get("driver_version")) or version(flat.get("kmd_version")),
        cuda_version=version(flat.get("cuda_version")) or version(flat.get("cuda_umd_version")),
        gpus=tuple(gpu_of(one.flat(), _processes(one), one.migs()) for one in gpus),
        attached_gpus=count(flat.get("attached_gpus")),
        timestamp=told(flat.get("timestamp")),
    )


def facts(text: str) -> Facts:
    """The values as printed; those at the top are the first card's."""
    head, gpus = _sections(text)
    flat = head.flat()
    cards = [_gpu_facts(one) for one in gpus]
    keys = ("driver_version", "cuda_version", "kmd_version", "cuda_umd_version")
    return {
        **(cards[0] if cards else {}),
        **{key: flat.get(key) for key in (*keys, "attached_gpus", "timestamp")},
        "gpus": cards,
        "error": None if flat or gpus else error_of(text),
    }


def _gpu_facts(one: _Section) -> Facts:
    flat = one.flat()
    cells = shown(flat)
    active = reasons(flat)
    return {
        **cells,
        **{ours: cells[name] for ours, name in _RENAMED.items()},
        "ecc_uncorrected": uncorrected(flat),
        "throttle_reasons": None if active is None else list(active),
        "mig_devices": one.migs(),
        "processes": [
            {"pid": p.pid, "name": p.name, "type": p.type, "memory_mib": p.memory_mib}
            for p in _processes(one)
        ],
    }


def _sections(text: str) -> tuple[_Section, list[_Section]]:
    whole = plain(text).rpartition("\n")[0]
    head = section = _Section(None, [])
    gpus: list[_Section] = []
    above: list[tuple[int, str]] = []
    for line in plain_lines(whole):
        words = line.strip()
        if gpu := _GPU.match(words):
            section, above = _Section(gpu[1], []), []
            gpus.append(section)
        elif "NVSMI LOG" in words and head.lines:
            break
        elif words:
            _add(section, above, len(line) - len(line.lstrip()), words)
    return head, gpus


def _add(section: _Section, above: list[tuple[int, str]], indent: int, words: str) -> None:
    """A line is under the nearest line above it that is less indented."""
    name, colon, value = f"{words} ".partition(" : ")
    while above and above[-1][0] >= indent:
        above.pop()
    if len(above) < 8:
        above.append((indent, name.strip().lower().replace(" ", "_")))
    if colon:
        section.lines.append(("/".join(key for _, key in above), value.strip()))


def _processes(one: _Section) -> Iterator[Process]:
    found: list[dict[str, str]] = []
    for path, value in one.lines:
        if path == "processes/process_id":
            found.append({"pid": value})
        elif found and path.startswith("processes/process_id/"):
            found[-1][path.rpartition("/")[2]] = value
    for cell in found:
        yield Process(
            pid=count(cell.get("pid")),
            name=told(cell.get("name")),
            memory_mib=count(cell.get("used_gpu_memory")),
            type=told(cell.get("type")),
        )

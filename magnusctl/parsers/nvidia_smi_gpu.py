"""A graphics card as nvidia-smi -q tells it, in XML or as text: the two name the same values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from magnusctl.parsers.cells import told
from magnusctl.parsers.nvidia_smi_text import amount, count, switched


@dataclass(frozen=True)
class Process:
    """A process on a card; its memory is in MiB. Windows does not tell the memory."""

    pid: int | None = None
    name: str | None = None
    memory_mib: int | None = None
    type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One card. Memory in MiB, power in W, temperatures in °C, link widths in lanes.

    `pcie_gen_max` is what card and slot can do together. `slowdown_c` is where the card slows
    down; newer drivers tell only the distance to it, from which it is computed.
    """

    name: str | None = None
    bus_id: str | None = None
    uuid: str | None = None
    serial: str | None = None
    architecture: str | None = None
    vbios: str | None = None
    minor_number: int | None = None
    memory_total_mib: int | None = None
    memory_used_mib: int | None = None
    memory_free_mib: int | None = None
    persistence: bool | None = None
    display_active: bool | None = None
    compute_mode: str | None = None
    fan_percent: int | None = None
    pstate: str | None = None
    pcie_gen_current: int | None = None
    pcie_gen_max: int | None = None
    pcie_gen_device_max: int | None = None
    pcie_gen_host_max: int | None = None
    pcie_width_current: int | None = None
    pcie_width_max: int | None = None
    power_draw_w: float | None = None
    power_limit_w: float | None = None
    power_default_w: float | None = None
    power_min_w: float | None = None
    power_max_w: float | None = None
    temperature_c: float | None = None
    memory_temperature_c: float | None = None
    slowdown_c: float | None = None
    throttle_reasons: tuple[str, ...] | None = None
    ecc_mode: str | None = None
    ecc_uncorrected: int | None = None
    remap_pending: bool | None = None
    remap_failure: bool | None = None
    mig_mode: str | None = None
    mig_devices: int = 0
    utilization_percent: int | None = None
    memory_utilization_percent: int | None = None
    processes: tuple[Process, ...] = ()


@dataclass(frozen=True)
class Smi:
    """The whole answer: versions as told, and the cards in their order."""

    driver_version: str | None = None
    cuda_version: str | None = None
    gpus: tuple[Gpu, ...] = ()
    attached_gpus: int | None = None
    timestamp: str | None = None


_POWER = ("power_readings", "gpu_power_readings")
_CEILING = "gpu_power_readings/gpu_ceiling_power_limit"
_TEMP = "temperature"
_LINK = ("pci/pci_gpu_link_info", "pci/gpu_link_info")


def _under(sections: Iterable[str], *names: str) -> tuple[str, ...]:
    return tuple(f"{section}/{name}" for name in names for section in sections)


# Where a value is: first the names of the XML, then those of the text, in lower case.
PATHS: Mapping[str, tuple[str, ...]] = {
    "name": ("product_name",),
    "brand": ("product_brand",),
    "architecture": ("product_architecture",),
    "bus_id": ("pci/pci_bus_id", "pci/bus_id", "@id"),
    "uuid": ("uuid", "gpu_uuid"),
    "serial": ("serial", "serial_number"),
    "vbios": ("vbios_version",),
    "minor_number": ("minor_number",),
    "display_active": ("display_active",),
    "persistence_mode": ("persistence_mode",),
    "addressing_mode": ("addressing_mode",),
    "driver_model": ("driver_model/current_dm", "driver_model/current"),
    "compute_mode": ("compute_mode",),
    "gsp_firmware": ("gsp_firmware_version",),
    "mem_total": ("fb_memory_usage/total", "memory_usage/total"),
    "mem_reserved": ("fb_memory_usage/reserved",),
    "mem_used": ("fb_memory_usage/used", "memory_usage/used"),
    "mem_free": ("fb_memory_usage/free", "memory_usage/free"),
    "bar1_total": ("bar1_memory_usage/total",),
    "bar1_used": ("bar1_memory_usage/used",),
    "fan": ("fan_speed",),
    "pstate": ("performance_state",),
    "util": ("utilization/gpu_util", "utilization/gpu"),
    "mem_util": ("utilization/memory_util", "utilization/memory"),
    "temp": _under([_TEMP], "gpu_temp", "gpu_current_temp", "gpu"),
    "temp_memory": _under([_TEMP], "memory_temp", "memory_current_temp"),
    "temp_shutdown": _under([_TEMP], "gpu_temp_max_threshold", "gpu_shutdown_temp"),
    "temp_slowdown": _under([_TEMP], "gpu_temp_slow_threshold", "gpu_slowdown_temp"),
    "temp_max": _under([_TEMP], "gpu_temp_max_gpu_threshold", "gpu_max_operating_temp"),
    "tlimit": _under([_TEMP], "gpu_temp_tlimit", "gpu_t.limit_temp", "gpu_current_t.limit_temp"),
    "tlimit_slowdown": _under(
        [_TEMP], "gpu_temp_slow_tlimit_threshold", "gpu_slowdown_t.limit_temp"
    ),
    "power_draw": _under(
        _POWER,
        *("power_draw", "instant_power_draw", "instantaneous_power_draw", "average_power_draw"),
    ),
    "power_limit": _under(
        (*_POWER, _CEILING),
        *("power_limit", "current_power_limit", "requested_power_limit", "enforced_power_limit"),
    ),
    "power_default": _under((*_POWER, _CEILING), "default_power_limit"),
    "power_min": _under((*_POWER, _CEILING), "min_power_limit"),
    "power_max": _under((*_POWER, _CEILING), "max_power_limit"),
    "ecc": ("ecc_mode/current_ecc", "ecc_mode/current"),
    "ecc_pending": ("ecc_mode/pending_ecc", "ecc_mode/pending"),
    "mig_mode": ("mig_mode/current_mig", "mig_mode/current"),
    "mig_pending": ("mig_mode/pending_mig", "mig_mode/pending"),
    "remap_pending": ("remapped_rows/remapped_row_pending", "remapped_rows/pending"),
    "remap_failure": (
        "remapped_rows/remapped_row_failure",
        "remapped_rows/remapping_failure_occurred",
    ),
    "pcie_gen_current": _under(_LINK, "pcie_gen/current_link_gen", "pcie_generation/current"),
    "pcie_gen_max": _under(_LINK, "pcie_gen/max_link_gen", "pcie_generation/max"),
    "pcie_gen_device_max": _under(
        _LINK, "pcie_gen/max_device_link_gen", "pcie_generation/device_max"
    ),
    "pcie_gen_host_max": _under(_LINK, "pcie_gen/max_host_link_gen", "pcie_generation/host_max"),
    "pcie_width_current": _under(_LINK, "link_widths/current_link_width", "link_width/current"),
    "pcie_width_max": _under(_LINK, "link_widths/max_link_width", "link_width/max"),
    "clock_graphics": ("clocks/graphics_clock", "clocks/graphics"),
    "clock_sm": ("clocks/sm_clock", "clocks/sm"),
    "clock_memory": ("clocks/mem_clock", "clocks/memory"),
    "clock_video": ("clocks/video_clock", "clocks/video"),
    "clock_graphics_max": ("max_clocks/graphics_clock", "max_clocks/graphics"),
    "clock_sm_max": ("max_clocks/sm_clock", "max_clocks/sm"),
    "clock_memory_max": ("max_clocks/mem_clock", "max_clocks/memory"),
}
_REASONS = re.compile(r"clocks_(?:event|throttle)_reasons/(?:hw_slowdown/)?")
_REASON_NAMES = {"idle": "gpu_idle", "display_clock_setting": "display_clocks_setting"}


def shown(flat: Mapping[str, str]) -> dict[str, str | None]:
    """The values of one card as printed, by our names; the first that is told wins."""
    found: dict[str, str | None] = {}
    for name, paths in PATHS.items():
        printed = [flat[path] for path in paths if path in flat]
        found[name] = next((cell for cell in printed if told(cell)), next(iter(printed), None))
    return found


def reasons(flat: Mapping[str, str]) -> tuple[str, ...] | None:
    """Why the clocks are held down now; None where the card does not tell."""
    cells = {
        re.sub("^clocks_(?:event|throttle)_reason_", "", path[match.end() :]): value.lower()
        for path, value in flat.items()
        if (match := _REASONS.match(path))
    }
    if not {"active", "not active"} & set(cells.values()):
        return None
    return tuple(_REASON_NAMES.get(name, name) for name in cells if cells[name] == "active")


def uncorrected(flat: Mapping[str, str]) -> int | None:
    """The errors since the driver was loaded that ECC could not correct."""
    volatile = "ecc_errors/volatile/"
    total = count(flat.get(f"{volatile}double_bit/total"))
    if total is not None:
        return total
    told_counts = [
        count(value)
        for path, value in flat.items()
        if path.startswith(volatile) and "uncorrectable" in path
    ]
    known = [number for number in told_counts if number is not None]
    return sum(known) if known else None


def gpu_of(flat: Mapping[str, str], processes: Iterable[Process], migs: int) -> Gpu:
    """The card of which `flat` holds the printed values by their paths."""
    cell = shown(flat)
    words = ("name", "bus_id", "uuid", "serial", "architecture", "vbios", "pstate", "mig_mode")
    plainly: dict[str, Any] = {
        **{key: told(cell[key]) for key in (*words, "compute_mode")},
        **{key: count(cell[key]) for key in cell if key.startswith("pcie_")},
        **{f"{key}_w": amount(cell[key]) for key in cell if key.startswith("power_")},
    }
    return Gpu(
        **plainly,
        minor_number=count(cell["minor_number"]),
        memory_total_mib=count(cell["mem_total"]),
        memory_used_mib=count(cell["mem_used"]),
        memory_free_mib=count(cell["mem_free"]),
        persistence=switched(cell["persistence_mode"]),
        display_active=switched(cell["display_active"]),
        fan_percent=count(cell["fan"]),
        temperature_c=amount(cell["temp"]),
        memory_temperature_c=amount(cell["temp_memory"]),
        slowdown_c=_slowdown(cell),
        throttle_reasons=reasons(flat),
        ecc_mode=told(cell["ecc"]),
        ecc_uncorrected=uncorrected(flat),
        remap_pending=switched(cell["remap_pending"]),
        remap_failure=switched(cell["remap_failure"]),
        mig_devices=migs,
        utilization_percent=count(cell["util"]),
        memory_utilization_percent=count(cell["mem_util"]),
        processes=tuple(processes),
    )


def _slowdown(cell: Mapping[str, str | None]) -> float | None:
    limit = amount(cell["temp_slowdown"])
    now, left, at = (amount(cell[key]) for key in ("temp", "tlimit", "tlimit_slowdown"))
    if limit is None and now is not None and left is not None and at is not None:
        return now + left - at
    return limit

"""`powermetrics` of Apple silicon and Intel: power and how busy the parts of the chip are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, decimal, plain_lines, tidy

_SAMPLE = re.compile(r"\*\*\* Sampled system activity \(.{1,80}\) \(([0-9.,]{1,20}) ?ms elapsed\)")
_UNIT = re.compile(
    r"([A-Z0-9]{1,12}-Cluster|CPU [0-9]{1,4}|GPU) (.{3,24}?): {0,9}(\S{1,20})(.*)", re.IGNORECASE
)
_POWER = re.compile(r"([A-Za-z]{2,10}) Power(?: \([^)]{1,40}\))?: {0,9}([0-9.,]{1,20}) ?(m?W)\b")
_INTEL = re.compile(r"Intel energy model derived package power .{1,40}: ([0-9.,]{1,20}) ?W\b")
_MEASURES = {
    **{"hw active frequency": "mhz", "active frequency": "mhz", "frequency": "mhz"},
    **{"hw active residency": "active_percent", "active residency": "active_percent"},
    **{"idle residency": "idle_percent", "down residency": "down_percent"},
    **{"online": "online_percent", "power": "mw"},
}
_PARTS = ("cpu", "gpu", "ane", "dram", "package", "combined")


@dataclass(frozen=True)
class Sample:
    """One sample: power in mW by part of the chip, and for each cluster, CPU and the GPU its
    mhz, mw, active_percent, idle_percent, down_percent, online_percent, as far as told."""

    power_mw: Mapping[str, int | float] = field(default_factory=dict)
    units: Mapping[str, Mapping[str, int | float]] = field(default_factory=dict)
    thermal_pressure: str | None = None
    elapsed_ms: float | None = None


def parse(text: str) -> tuple[Sample, ...]:
    """The samples in their order; one without a heading is a sample too."""
    parts: list[list[str]] = [[]]
    for line in plain_lines(text):
        if _SAMPLE.match(line.strip()):
            parts.append([])
        parts[-1].append(line.strip())
    samples = [_sample(part) for part in parts]
    return tuple(sample for sample in samples if sample.power_mw or sample.units)


def facts(text: str) -> Facts:
    """The facts of the last sample that is whole, under names as cpu_mw and ecluster_mhz."""
    samples, lines = parse(text), plain_lines(text)
    # A sample that was cut tells less than those before it.
    last = max(reversed(samples), key=_told, default=Sample())
    pairs = dict(line.strip().partition(":")[::2] for line in lines)
    return {
        **dict.fromkeys(("ecluster_mhz", "pcluster_mhz", "gpu_mhz", "gpu_active_percent")),
        **{f"{name}_mw": last.power_mw.get(name) for name in _PARTS},
        **_of_units(last),
        "thermal_pressure": last.thermal_pressure,
        "elapsed_ms": last.elapsed_ms,
        "samples": len(samples),
        "machine_model": pairs.get("Machine model", "").strip() or None,
        "os_version": pairs.get("OS version", "").strip() or None,
        "error": _error(lines),
    }


def _told(sample: Sample) -> int:
    return len(sample.power_mw) + sum(map(len, sample.units.values()))


def _of_units(sample: Sample) -> Facts:
    found: Facts = {
        f"{unit}_{name}": value
        for unit, measures in sample.units.items()
        for name, value in measures.items()
    }
    # The first cluster; the GPU where no cluster was sampled.
    first = next(iter(sorted(sample.units, key=_rank)), "")
    told = sample.units.get(first, {})
    found |= {
        f"{name}_residency_percent": told.get(f"{name}_percent")
        for name in ("active", "idle", "down")
    }
    gpu = sample.units.get("gpu", {})
    found["gpu_active_residency_percent"] = gpu.get("active_percent")
    return found


def _rank(unit: str) -> int:
    return 0 if unit.endswith("cluster") else 1 if unit.startswith("cpu") else 2


def _sample(lines: list[str]) -> Sample:
    power: dict[str, int | float] = {}
    units: dict[str, dict[str, int | float]] = {}
    for line in lines:
        part, watts = _power(line)
        if part and watts is not None:
            power.setdefault(part, watts)
        unit, measure, value = _measure(line)
        if unit and value is not None:
            units.setdefault(unit, {}).setdefault(measure, value)
    level = (line.partition(":")[2] for line in lines if line.startswith("Current pressure level:"))
    begin = next(filter(None, map(_SAMPLE.match, lines)), None)
    elapsed = decimal(begin[1]) if begin else None
    return Sample(power, units, next(level, "").strip() or None, elapsed)


def _power(line: str) -> tuple[str, int | float | None]:
    """The milliwatts of `CPU Power: 954 mW`."""
    intel = _INTEL.match(line)
    if intel:
        watts = decimal(intel[1])
        return "package", None if watts is None else tidy(watts * 1000)
    match = _POWER.match(line)
    watts = decimal(match[2]) if match else None
    if not match or watts is None or match[1].lower() not in _PARTS:
        return "", None
    return match[1].lower(), tidy(watts if match[3] == "mW" else watts * 1000)


def _measure(line: str) -> tuple[str, str, int | float | None]:
    """The value of `E-Cluster HW active residency: 77.43% (...)`, which has its unit behind."""
    match = _UNIT.match(line)
    name = _MEASURES.get(match[2].lower()) if match else None
    if not match or not name:
        return "", "", None
    unit = re.sub(r"[- ]", "", match[1]).lower()
    sign = {"mhz": "MHz", "mw": "mW"}.get(name, "%")
    cell = match[3] if match[3].endswith(sign) else f"{match[3]}{match[4][:4].strip()}"
    value = decimal(cell.removesuffix(sign)) if cell.endswith(sign) else None
    return unit, name, value if value is None or sign == "%" else tidy(value)


def _error(lines: list[str]) -> str | None:
    refused = (line.strip() for line in lines if "must be invoked as the superuser" in line)
    return next(refused, None) or complaint(lines, "powermetrics")

"""Cards, chips and memory: their bandwidth, and how much of their memory a model may take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

GIB = 1024**3
Kind = Literal["cuda", "metal", "cpu"]

# GB/s, as vendors state them; of two names that fit, the longer one is meant.
BANDWIDTH_GB_S: Mapping[str, float] = {
    **{"rtx 5090": 1792, "rtx 5080": 960, "rtx 4090": 1008, "rtx 4080": 717, "rtx 4070 ti": 504},
    **{"rtx 4060": 272, "rtx 3090 ti": 1008, "rtx 3090": 936, "rtx 3080": 760, "rtx 3070": 448},
    **{"rtx 3060": 360, "rtx 4000 ada": 360, "rtx 5000 ada": 576, "rtx 6000 ada": 960},
    **{"rtx a6000": 768, "rtx a5000": 768, "rtx a4000": 448, "tesla t4": 320, "t4": 320},
    **{"tesla p40": 347, "p40": 347, "tesla v100": 900, "v100": 900, "l4": 300, "l40": 864},
    **{"l40s": 864, "a10": 600, "a10g": 600, "rtx 4070 ti super": 672, "rtx 4080 super": 736},
    **{"a100": 1555, "a100 80gb": 2039, "a100 pcie 80gb": 1935, "a100 sxm4 80gb": 2039},
    **{"h100": 3350, "h100 pcie": 2039, "h200": 4800},
    # What engines reach of its 4000 in published runs: it has more bandwidth than cores for it.
    "h20": 2800,
    **{"apple m1": 68, "apple m1 pro": 200, "apple m1 max": 400, "apple m1 ultra": 800},
    **{"apple m2": 100, "apple m2 pro": 200, "apple m2 max": 400, "apple m2 ultra": 800},
    **{"apple m3": 100, "apple m3 pro": 150, "apple m3 max": 400, "apple m3 ultra": 819},
    **{"apple m4": 120, "apple m4 pro": 273, "apple m4 max": 546, "apple m5": 153},
    # Theory of their channels; what is measured is less, which the efficiency of a CPU takes in.
    **{"xeon 6980p": 844, "ryzen 7 7840hs": 90, "intel n150": 38},
}
# Of the memory as sold, what a driver gives: 24 GB cards report 23.58 to 23.67 GiB.
_REPORTED = 0.9825
CUDA_CONTEXT = 0.45 * GIB
"""Of each card, before anything is loaded; logs show 0.25 to 0.46 GiB."""
CPU_SHARE = 0.95
"""Of the memory that is available: with less left the kernel starts to take pages back."""
_OLD = ((36, 2 / 3), (1 << 20, 3 / 4))
_RECENT = ((8, 2 / 3), (24, 0.74), (48, 0.78), (64, 0.81), (1 << 20, 0.84))
_RECENT_CHIPS = re.compile(r"apple m([4-9]|1\d)\b")


@dataclass(frozen=True)
class Device:
    """What a model runs on; memory in bytes of one card, or of the machine."""

    kind: Kind
    name: str = ""
    count: int = 1
    memory: float | None = None
    bandwidth_gb_s: float | None = None
    limit: float | None = None
    """Bytes that a model may take, where the machine itself says so."""
    host_memory: float | None = None
    host_bandwidth_gb_s: float = 50.0
    """Beside a card: two channels of a desktop, for layers that do not fit."""


@dataclass(frozen=True)
class Limit:
    """Bytes that a model may take there, and where that figure is from."""

    usable: float
    source: str
    measured: bool = False


def bandwidth_gb_s(device: str) -> float | None:
    """GB/s of a card or chip by its name, as `NVIDIA GeForce RTX 3090`; None for one not known, and
    for those of laptops, which share names with faster ones."""
    words = f" {' '.join(re.findall('[a-z0-9]+', device.lower()))} "
    if " laptop " in words or " max q " in words:
        return None
    known = sorted(BANDWIDTH_GB_S, key=len, reverse=True)
    return next((BANDWIDTH_GB_S[one] for one in known if f" {one} " in words), None)


def memory_by_name(device: str) -> float | None:
    """GiB of a device that says so in its name, as `A100 80GB` or `2x Xeon, 1 TB`."""
    found = re.search(r"\b(\d+) ?(GB|GiB|TB)\b(?!/s)", device)
    if not found:
        return next((gib for name, gib in _MEMORY_GIB.items() if name in device.lower()), None)
    return float(found[1]) * (1000 if found[2] == "TB" else 1)


_MEMORY_GIB: Mapping[str, float] = {
    **{"tesla t4": 16, "rtx 3090": 24, "rtx 4090": 24, "rtx 5090": 32, "tesla p40": 24}
}


def limit_of(device: Device) -> Limit | None:
    """How much a model may take of all cards together, or of the machine; None: nobody says."""
    if device.limit:
        return Limit(device.limit, "as the machine says", measured=True)
    if not device.memory:
        return None
    gib = device.memory / GIB
    if device.kind == "cuda":
        whole = gib == round(gib)
        reported = device.memory * (_REPORTED if whole else 1.0)
        return Limit(reported * device.count, f"{gib:.4g} GiB as sold, less what a driver keeps")
    if device.kind == "metal":
        recent = bool(_RECENT_CHIPS.search(device.name.lower()))
        share = next(share for most, share in (_RECENT if recent else _OLD) if gib <= most)
        return Limit(
            device.memory * share, f"assumed: {share:.0%} of {gib:.4g} GiB, macOS' default"
        )
    return Limit(device.memory * CPU_SHARE, f"{CPU_SHARE:.0%} of {gib:.4g} GiB")

"""The processors of a host: `lscpu` or `lscpu -J`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import told
from magnusctl.parsers.linux_cells import count, decimal, refusal
from magnusctl.parsers.lscpu_cells import Pairs, pairs


@dataclass(frozen=True)
class Kind:
    """One of the models of core of a host that has several; speed in MHz."""

    model_name: str | None = None
    sockets: int | None = None
    cores_per_socket: int | None = None
    threads_per_core: int | None = None
    max_mhz: float | None = None


@dataclass(frozen=True)
class Cpu:
    """`cpus` counts what the kernel can run on, `cores` what is soldered; speed in MHz.

    Where the models of core differ, `kinds` has each, and a count per socket or core is None
    unless all have the same.
    """

    architecture: str | None = None
    cpus: int | None = None
    vendor: str | None = None
    model_name: str | None = None
    sockets: int | None = None
    cores_per_socket: int | None = None
    threads_per_core: int | None = None
    numa_nodes: int | None = None
    cores: int | None = None
    online: str | None = None
    max_mhz: float | None = None
    hypervisor: str | None = None
    virtualization: str | None = None
    virtualization_type: str | None = None
    l3_cache: str | None = None
    flags: frozenset[str] = frozenset()
    kinds: tuple[Kind, ...] = ()


def parse(text: str) -> Cpu:
    """The processors that the text tells of."""
    cells = pairs(text)
    first = first_of(cells)
    kinds = tuple(map(_kind, _parts(cells)))
    return Cpu(
        architecture=told(first.get("Architecture")),
        cpus=count(first.get("CPU(s)")),
        vendor=told(first.get("Vendor ID")),
        model_name=kinds[0].model_name if kinds else None,
        sockets=_shared([kind.sockets for kind in kinds]),
        cores_per_socket=_shared([kind.cores_per_socket for kind in kinds]),
        threads_per_core=_shared([kind.threads_per_core for kind in kinds]),
        numa_nodes=count(first.get("NUMA node(s)")),
        cores=_cores(cells),
        online=told(first.get("On-line CPU(s) list")),
        max_mhz=max((kind.max_mhz for kind in kinds if kind.max_mhz), default=None),
        hypervisor=told(first.get("Hypervisor vendor")),
        virtualization=told(first.get("Virtualization")),
        virtualization_type=told(first.get("Virtualization type")),
        l3_cache=told(first.get("L3 cache") or first.get("L3")),
        flags=frozenset(first.get("Flags", "").split()),
        kinds=kinds,
    )


def first_of(cells: Pairs) -> dict[str, str]:
    """The first value of each label."""
    found: dict[str, str] = {}
    for name, value in cells:
        found.setdefault(name, value)
    return found


def _parts(cells: Pairs) -> list[dict[str, str]]:
    """The cells of each model of core; a part begins with each name of a model but the first."""
    names = [at for at, (name, _) in enumerate(cells) if name == "Model name"]
    edges = [0, *names[1:], len(cells)]
    return [first_of(cells[at:end]) for at, end in pairwise(edges)]


def _kind(part: dict[str, str]) -> Kind:
    return Kind(
        model_name=told(part.get("Model name")),
        sockets=count(part.get("Socket(s)")),
        cores_per_socket=count(part.get("Core(s) per socket")),
        threads_per_core=count(part.get("Thread(s) per core")),
        max_mhz=decimal(part.get("CPU max MHz")),
    )


def _shared(values: list[int | None]) -> int | None:
    """The value that all have; None where they differ."""
    return values[0] if len(set(values)) == 1 else None


def _cores(cells: Pairs) -> int | None:
    """The cores of all models; small boards count them by cluster instead of by socket."""
    total = 0
    for part in _parts(cells):
        per, groups = count(part.get("Core(s) per socket")), count(part.get("Socket(s)"))
        if per is None or groups is None:
            per, groups = count(part.get("Core(s) per cluster")), count(part.get("Cluster(s)"))
        if per is None or groups is None:
            return None
        total += per * groups
    return total or None


_ALSO = {"model_name", "flags", "kinds"}


def facts(text: str) -> Facts:
    """The labels as they are, and the fields of Cpu; `model_name` lists every model."""
    cells = pairs(text)
    if not cells:
        return {"error": refusal(text)}
    found = parse(text)
    plain = {name: value for name, value in vars(found).items() if name not in _ALSO}
    models = [kind.model_name for kind in found.kinds if kind.model_name]
    kinds = [dict(vars(kind)) for kind in found.kinds]
    return {**first_of(cells), **plain, "model_name": models, "kinds": kinds}


def has_flag(cpu: Cpu, name: str) -> bool:
    """Whether the processors know an extension, as avx512f."""
    return re.sub(r"[.-]", "_", name.lower()) in cpu.flags

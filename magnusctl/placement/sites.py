"""Where a model could run: an engine on a device, with what is taken and kept there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from magnusctl.fit.devices import GIB, Device, Kind, limit_of
from magnusctl.fit.planner import UTILIZATION
from magnusctl.inventory.budgets import engines_of, models_of
from magnusctl.inventory.model import Host, Inventory
from magnusctl.inventory.select import variables_of
from magnusctl.inventory.variables import Variables
from magnusctl.placement.asked import Declared, Holder, Live, Rate, Reserve, Wanted

SUITED: Mapping[Kind, tuple[str, ...]] = {
    "cuda": ("vllm", "llamacpp", "ollama"),
    "metal": ("mlx", "llamacpp", "ollama"),
    "cpu": ("llamacpp", "ollama", "vllm"),
}
"""Engines of each kind of device, the one that suits it best first."""
ASSUMED_MB_S = {"mac": 2500.0, "nvme": 2000.0, "other": 500.0}


@dataclass(frozen=True)
class Site:
    """An engine on a host, and what it finds there."""

    host: str
    engine: str
    device: Device
    holders: tuple[Holder, ...] = ()
    reserve: Reserve = field(default_factory=Reserve)
    utilization: float = UTILIZATION
    batch: int | None = None
    kv_dtype: str = ""
    disk: Rate | None = None
    limit_source: str = ""
    """Who sets the device's limit, where neither it nor its maker does."""
    notes: tuple[str, ...] = ()

    @property
    def taken(self) -> float:
        """Bytes that others hold."""
        return sum(holder.bytes for holder in self.holders)


def sites(
    inventory: Inventory, host: str, wanted: Wanted, live: Live | None = None
) -> Iterator[Site]:
    """A host with each engine that could serve the model there."""
    for engine in _engines(inventory, host, wanted):
        yield site(inventory, host, engine, wanted, live)


def site(
    inventory: Inventory, host: str, engine: str, wanted: Wanted, live: Live | None = None
) -> Site:
    """One engine on a host."""
    variables = variables_of(inventory, host)
    device = device_of(inventory, host, engine, live)
    inference = variables.inference
    machine = inventory.hosts[host]
    own = next(wanted.declared_on(host, engine), None)
    return Site(
        host=host,
        engine=engine,
        device=device,
        holders=tuple(_holders(inventory, host, engine, wanted, device, live)),
        reserve=_reserve(variables, device, engine),
        utilization=_utilization(variables, device, own) if engine == "vllm" else UTILIZATION,
        batch=inference.vllm.max_batched_tokens if engine == "vllm" else None,
        kv_dtype=inference.ollama.cache_type if engine == "ollama" else "",
        disk=_disk(machine),
        limit_source=_limit_source(inventory, host, device, live),
        notes=tuple(_notes(variables, device, engine, live)),
    )


def device_of(inventory: Inventory, host: str, engine: str, live: Live | None = None) -> Device:
    """What an engine would run on: the cards of a host, the chip of a Mac, else its CPU."""
    del engine  # The limit of a Mac holds for all of its engines.
    machine, live = inventory.hosts[host], live or Live()
    hardware = machine.hardware
    if hardware.gpus:
        count = len(hardware.gpus)
        return Device(
            kind="cuda",
            name=hardware.gpus[0].name,
            count=count,
            # Of cards that differ, the smallest decides how layers can be spread.
            memory=min(gpu.memory for gpu in hardware.gpus),
            limit=live.limit_bytes,
            host_memory=hardware.memory,
        )
    memory = live.total_bytes or hardware.memory
    if not machine.macos:
        return Device(kind="cpu", name=hardware.cpu, memory=memory, limit=live.limit_bytes)
    limit = live.limit_bytes
    if limit is None and memory and _wired(inventory, host):
        limit = memory - variables_of(inventory, host).inference.mlx.wired_reserve
    return Device(kind="metal", name=hardware.cpu, memory=memory, limit=limit)


def _wired(inventory: Inventory, host: str) -> bool:
    """Whether the role sets the limit of what the GPU of a Mac may wire, for all engines there."""
    return "inference" in inventory.hosts[host].roles and "mlx" in engines_of(inventory, host)


def _limit_source(inventory: Inventory, host: str, device: Device, live: Live | None) -> str:
    if device.kind != "metal" or device.limit is None or (live and live.limit_bytes is not None):
        return ""
    reserve = variables_of(inventory, host).inference.mlx.wired_reserve
    return f"all but {reserve / GIB:g} GiB, as the role sets iogpu.wired_limit_mb"


def system_of(host: Host) -> str:
    """`macOS` or `Linux`, as engines want it."""
    return "macOS" if host.macos else "Linux"


def _engines(inventory: Inventory, host: str, wanted: Wanted) -> tuple[str, ...]:
    """The one that is asked for; else those of the host that read the model, else one that does."""
    if wanted.engine:
        return (wanted.engine,)
    suited = SUITED[device_of(inventory, host, "").kind]
    here = [one.served.engine for one in wanted.declared_on(host)]
    own = dict.fromkeys([*filter(None, here), *engines_of(inventory, host)])
    reading = tuple(engine for engine in own if wanted.forms(engine))
    others = (engine for engine in suited if wanted.forms(engine))
    return reading or tuple(others)[:1] or tuple(own) or suited[:1]


def other_engines(site: Site, wanted: Wanted) -> Iterator[str]:
    """Engines beside that of a site that its device has, and that read the model."""
    for engine in SUITED[site.device.kind]:
        if engine != site.engine and wanted.forms(engine):
            yield engine


def _holders(
    inventory: Inventory,
    host: str,
    engine: str,
    wanted: Wanted,
    device: Device,
    live: Live | None,
) -> Iterator[Holder]:
    """Who holds memory: what is really used where the host said so, else what is declared."""
    used = _used(device, live)
    if used is not None:
        yield from (Holder("in use", used),) if used > 0 else ()
        return
    own = {one.name for one in wanted.declared_on(host)}
    asked_for = [one for one in wanted.declared_on(host, "ollama") if not one.served.resident]
    for name, served in models_of(inventory, host).items():
        # Ollama puts its others out of memory when somebody asks for one that is not resident.
        yields = engine == "ollama" and served.engine == "ollama" and asked_for
        if name not in own and served.resident and served.memory and not yields:
            yield Holder(name, served.memory)


def _used(device: Device, live: Live | None) -> float | None:
    if live is None:
        return None
    limit = limit_of(device)
    if live.free_bytes is not None and limit is not None:
        return max(0.0, limit.usable - live.free_bytes)
    return live.used_bytes


def _reserve(variables: Variables, device: Device, engine: str) -> Reserve:
    """What stays free of a machine's own memory: for its system, and for finished prompts."""
    inference, parts = variables.inference, {}
    if device.kind == "cpu":
        parts["the system"] = inference.reserve.memory
    if device.kind != "cuda" and engine == "llamacpp":
        parts["cached prompts"] = inference.llamacpp.prompt_cache
    if engine == "mlx":
        parts["cached prompts"] = inference.mlx.prompt_cache
    words = (f"{size / GIB:.1f} GiB for {what}" for what, size in parts.items())
    return Reserve(sum(parts.values()), tuple(words), parts.get("cached prompts", 0.0))


def _utilization(variables: Variables, device: Device, own: Declared | None) -> float:
    """As the role tells it vLLM: the share that the model's `memory` is, at most the host's own."""
    most = variables.inference.vllm.gpu_share
    if own is None or not own.served.memory or not device.memory or device.kind != "cuda":
        return most
    return min(most, int(100 * own.served.memory / (device.memory * device.count)) / 100)


def _disk(host: Host) -> Rate:
    disks = sorted(host.hardware.disks, key=lambda disk: disk.purpose != "models")
    if disks and disks[0].read:
        return Rate(disks[0].read, f"declared for {disks[0].name}")
    nvme = bool(disks) and "nvme" in disks[0].name.lower()
    kind = "mac" if host.macos else "nvme" if nvme else "other"
    return Rate(ASSUMED_MB_S[kind], "assumed")


def _notes(variables: Variables, device: Device, engine: str, live: Live | None) -> Iterator[str]:
    if device.kind == "cuda" and engine == "llamacpp":
        layers = variables.inference.llamacpp.gpu_layers
        if layers == "0":
            yield "llama.cpp must be built for the card there: its archive says which it is"
    if live is not None and (live.used_bytes is not None or live.free_bytes is not None):
        yield "memory in use as the host said"

"""Do the models of a host fit beside each other? Sums of what was declared, nothing guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from magnusctl.inventory.model import Host, Inventory
from magnusctl.inventory.models import Engine, Served
from magnusctl.inventory.units import format_bytes
from magnusctl.inventory.variables import Variables

WIRED_SHARE = 0.85
"""Of the memory that the GPU of a Mac may wire: the rest is activations and fragmentation."""


@dataclass(frozen=True)
class Over:
    """What the models of a host want too much of, told with the sum."""

    host: str
    models: tuple[str, ...]
    message: str
    hint: str


def models_of(inventory: Inventory, host: str) -> Mapping[str, Served]:
    """The models that a host serves, each with its engine."""
    own = inventory.hosts[host].engine
    return {
        name: served if served.engine else served.model_copy(update={"engine": own})
        for name, served in inventory.models.items()
        if served.host == host
    }


def engines_of(inventory: Inventory, host: str) -> tuple[Engine, ...]:
    """The host's own engine, then those that its models name."""
    named = (served.engine for served in models_of(inventory, host).values())
    return tuple(dict.fromkeys(e for e in (inventory.hosts[host].engine, *named) if e))


def over(inventory: Inventory, name: str, variables: Variables) -> Iterator[Over]:
    """Each thing of a host that its models want more of than there is."""
    host, models = inventory.hosts[name], models_of(inventory, name)
    memory, told = usable_memory(host, variables)
    if memory is not None:
        yield from _too_much(name, models, memory, told)
    yield from _disk(name, host, models, variables)
    cores, reserve = host.hardware.cores, variables.inference.reserve.cores
    wanted = {model: served.cores for model, served in models.items() if served.cores}
    if cores is not None and sum(wanted.values()) > cores - reserve:
        parts = _sum([f"{model} {count}" for model, count in wanted.items()])
        there = f"{cores - reserve} are there ({cores} less a reserve of {reserve})"
        message = f"models of {name} want {sum(wanted.values())} cores, and {there}: {parts}"
        yield Over(name, tuple(wanted), message, "Give one fewer 'cores', or another host.")


def _disk(
    name: str, host: Host, models: Mapping[str, Served], variables: Variables
) -> Iterator[Over]:
    """The disk that is for models, or the one to boot from; a share of it stays free."""
    disks = sorted(host.hardware.disks, key=lambda disk: disk.purpose != "models")
    wanted = {model: served.size for model, served in models.items() if served.size}
    if not disks or not wanted:
        return
    there = disks[0].size * (100 - variables.storage.min_free_percent) // 100
    need = sum(wanted.values())
    if need > there:
        parts = _sum([f"{model} {format_bytes(size)}" for model, size in wanted.items()])
        of_it = f"{format_bytes(there)} of the disk {disks[0].name} are for them"
        message = f"models of {name} take {format_bytes(need)}, and {of_it}: {parts}"
        yield Over(name, tuple(wanted), message, "Give it a larger disk, or fewer models.")


def usable_memory(host: Host, variables: Variables) -> tuple[int | None, str]:
    """Bytes that models may take on a host, and how that was reckoned; None if nobody declared."""
    hardware, inference = host.hardware, variables.inference
    if hardware.gpus:
        total = sum(gpu.memory for gpu in hardware.gpus)
        return total, f"{format_bytes(total)} of the card"
    if hardware.memory is None:
        return None, ""
    if host.macos:
        wired = hardware.memory - inference.mlx.wired_reserve
        told = f"{WIRED_SHARE:.0%} of {_gib(wired)} that its GPU may wire"
        return int(wired * WIRED_SHARE), told
    left = hardware.memory - inference.reserve.memory
    reserve = format_bytes(inference.reserve.memory)
    return left, f"{format_bytes(hardware.memory)} less a reserve of {reserve}"


def _too_much(name: str, models: Mapping[str, Served], memory: int, told: str) -> Iterator[Over]:
    wanted = {m: served.memory for m, served in models.items() if served.memory}
    resident = {m: size for m, size in wanted.items() if models[m].resident}
    need, parts = sum(resident.values()), [f"{m} {format_bytes(s)}" for m, s in resident.items()]
    there = f"{_gib(memory)} are there ({told})"
    hint = "Take a smaller one, give it another host, or say 'resident: false' for one."
    if need > memory:
        message = f"models of {name} want {_gib(need)}, and {there}: {_sum(parts)}"
        yield Over(name, tuple(resident), message, hint)
    for model, size in wanted.items():
        if model not in resident and size > memory:
            message = f"model {model} wants {format_bytes(size)} of {name}, and {there}"
            yield Over(name, (model,), message, "Take a smaller one, or give it another host.")


def _sum(parts: Sequence[str]) -> str:
    return " + ".join(parts)


def _gib(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"

"""The lists by which people take over a machine that was built for them: what proves each line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from magnusctl.checks.throughput import TEN_GBIT
from magnusctl.inventory.budgets import engines_of, models_of
from magnusctl.inventory.model import Inventory
from magnusctl.report import Result

FIRST_TOKEN_MS = 100.0
LINK_GBIT = 9.4
NVCC = "12.6"
LEAST_70B, MOST_70B = 15.0, 20.0
"""Tokens per second."""


Hosts = Callable[[Inventory], Sequence[str]]


@dataclass(frozen=True)
class Item:
    """One line of a list: which hosts it is about, the results that prove it, and what to declare
    where there are none.

    `bound` is (least, most) of what those results measured; None is no bound.
    """

    words: str
    hosts: Hosts
    proves: Callable[[Inventory, Result], bool]
    missing: str
    bound: tuple[float | None, float | None] = (None, None)
    unit: str = ""
    every: int = 1
    """How many checks must have proved it."""
    measured: str = ""
    """What must have been found, where what is declared may be another thing."""
    each: bool = True
    """Whether every one of its hosts must be proved; else one is enough."""
    strict: bool = False
    """Whether what only warns is a failure here: a fallback is not what was bought."""


def _on(hosts: Callable[[Inventory], Sequence[str]], *checks: str) -> Callable[..., bool]:
    def proves(inventory: Inventory, result: Result) -> bool:
        mine = result.subject in hosts(inventory)
        return mine and any(fnmatchcase(result.check, check) for check in checks)

    return proves


def _with_cuda(inventory: Inventory) -> list[str]:
    return [name for name, host in inventory.hosts.items() if "cuda" in host.roles]


def _with_mlx(inventory: Inventory) -> list[str]:
    return [name for name in inventory.hosts if "mlx" in engines_of(inventory, name)]


def _laptops(inventory: Inventory) -> list[str]:
    return [name for name, host in inventory.hosts.items() if host.connection == "local"]


def _servers(inventory: Inventory) -> list[str]:
    """Machines at somebody else's: what trades, or says where it stands."""
    hosts = inventory.hosts.items()
    return [name for name, host in hosts if "trading" in host.roles or host.location]


def _speech(engine: str, size: str, what: str) -> Callable[[Inventory, Result], bool]:
    """Results of the models of an engine whose names tell this size, as `8b`."""
    pattern = re.compile(rf"(?<![0-9.]){size}(?![a-z0-9])", re.IGNORECASE)

    def proves(inventory: Inventory, result: Result) -> bool:
        if result.subject not in inventory.hosts:
            return False
        models = models_of(inventory, result.subject)
        return any(
            served.engine == engine
            and pattern.search(served.model)
            and result.check in (f"tokens.{name}.{what}", f"tokens.{name}.speaks", f"tokens.{name}")
            for name, served in models.items()
        )

    return proves


def _links(of: Callable[[Inventory], Sequence[str]], kind: str) -> Callable[..., bool]:
    """What iperf3 measured of links of a kind that end at some hosts."""

    def proves(inventory: Inventory, result: Result) -> bool:
        hosts = of(inventory)
        return any(
            result.subject == f"link {name}"
            and link.kind == kind
            and link.speed >= TEN_GBIT
            and {*link.ends} & {*hosts}
            for name, link in inventory.links.items()
        )

    return proves


def _link_checks(kind: str, prefix: str) -> Callable[..., bool]:
    """The checks of one kind of link on the Macs that serve."""

    def proves(inventory: Inventory, result: Result) -> bool:
        # Ten and more: a slower port is not what the list is about.
        fast = [pair for pair in inventory.links_of(result.subject) if pair[1].speed >= TEN_GBIT]
        links = [name for name, link in fast if link.kind == kind]
        return result.subject in _with_mlx(inventory) and result.check in [
            f"network.{prefix}-{name}" for name in links
        ]

    return proves


def _ping_from_laptop(inventory: Inventory, result: Result) -> bool:
    way = result.way
    to_mac = way is not None and way.what == "ping" and way.two in _with_mlx(inventory)
    return result.subject in _laptops(inventory) and to_mac


SETS: Mapping[str, tuple[Item, ...]] = {
    "linux-nvidia": (
        Item(
            "boots, and nvidia-smi sees the card",
            _with_cuda,
            _on(_with_cuda, "reachable", "cuda.card"),
            "a host with the role cuda and its gpus: below hardware:",
            every=2,
        ),
        Item(
            f"nvcc {NVCC}",
            _with_cuda,
            _on(_with_cuda, "cuda.toolkit"),
            f"variables: cuda: {{toolkit: '{NVCC}'}}",
            measured=NVCC,
        ),
        Item(
            "PyTorch on the GPU",
            _with_cuda,
            _on(_with_cuda, "training.pytorch", "inference.pytorch"),
            "the role training, or engine: vllm",
        ),
        Item(
            f"8B model on vLLM, first token under {FIRST_TOKEN_MS:g} ms",
            _with_cuda,
            _speech("vllm", "8b", "first-token"),
            "a model of 8B with engine: vllm, below models:",
            bound=(None, FIRST_TOKEN_MS),
            unit="ms",
            each=False,
        ),
        Item(
            f"iperf3 at {LINK_GBIT} Gbit/s or more, both ways",
            _with_cuda,
            _links(_with_cuda, "ethernet"),
            "a link of kind: ethernet to another host",
            bound=(LINK_GBIT, None),
            unit="Gbit/s",
            each=False,
            every=2,
        ),
    ),
    "mac-mlx": (
        Item(
            "its memory is seen",
            _with_mlx,
            _on(_with_mlx, "hardware.memory"),
            "a Mac with engine: mlx, and memory: 48GiB below hardware:",
        ),
        Item(
            "its 10 GbE port works",
            _with_mlx,
            _link_checks("ethernet", "link"),
            "a link of kind: ethernet that ends there",
            strict=True,
        ),
        Item(
            "Thunderbolt to the laptop",
            _with_mlx,
            _link_checks("thunderbolt", "link"),
            "a link of kind: thunderbolt between the two",
            each=False,
        ),
        Item(
            "MLX computes on the GPU",
            _with_mlx,
            _on(_with_mlx, "inference.mlx-device"),
            "a Mac with engine: mlx",
        ),
        Item(
            f"70B model at {LEAST_70B:g} to {MOST_70B:g} tokens/s",
            _with_mlx,
            _speech("mlx", "70b", "decode"),
            "a model of 70B with engine: mlx, below models:",
            bound=(LEAST_70B, None),
            unit="tok/s",
            each=False,
        ),
        Item(
            "its static address",
            _with_mlx,
            _link_checks("ethernet", "address"),
            "its address and service: below links:",
        ),
        Item(
            "ping from the laptop",
            _laptops,
            _ping_from_laptop,
            "the laptop, with connection: local",
        ),
        Item("SSH to the VPS", _servers, _on(_servers, "reachable"), "the VPS, with its location:"),
    ),
}

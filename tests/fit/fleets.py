"""Inventories to place models in: the examples, and small ones of the tests' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from magnusctl import fitting
from magnusctl.fitting import Question
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.validate import load
from magnusctl.placement import Candidate, Live
from magnusctl.remedies import Answer

EXAMPLES = Path(__file__).parents[2] / "inventory"

SMALL = """\
hosts:
  card:
    os: ubuntu-24.04
    hardware:
      memory: 64GiB
      gpus: [{name: NVIDIA GeForce RTX 3090, memory: 24GiB}]
      disks: [{name: SSD, size: 100GB, purpose: models}]
    roles: [base, inference]
    engine: vllm
  mac:
    os: macos-15
    hardware: {cpu: Apple M4 Pro, memory: 48GiB}
    roles: [base, inference]
    engine: mlx
  bare:
    os: debian-12
    hardware: {cpu: 8 vCPU, memory: 32GiB}
    roles: [base]
  trader:
    os: debian-12
    protected: true
    hardware: {cpu: 8 vCPU, memory: 512GiB}
    roles: [base, inference]
    engine: llamacpp
"""


def example(name: str) -> Inventory:
    """An inventory that ships with magnusctl."""
    return load([EXAMPLES / f"{name}.yaml"])


def small(folder: Path, models: str = "", *, replaced: tuple[str, str] = ("", "")) -> Inventory:
    """Four hosts of different kinds, with these models."""
    path = folder / "magnus.yaml"
    text = SMALL.replace(*replaced) if replaced[0] else SMALL
    path.write_text(text + models)
    return load([path])


def judged(
    inventory: Inventory, model: str, live: dict[str, Live] | None = None, **words: Any
) -> Answer:
    """The answer to a question about an inventory."""
    return fitting.on_inventory(Question(model, **words), inventory, live)


def on(answer: Answer, host: str, engine: str | None = None) -> Candidate:
    """What was found for a host."""
    return next(
        one for one in answer.candidates if one.host == host and engine in (None, one.engine)
    )

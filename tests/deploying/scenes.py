"""Deployments of the examples' models, made ready as a dry run makes them: nobody is asked."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from magnusctl.deploying import deploy
from magnusctl.deploying.deploy import Order, Placed
from magnusctl.deploying.prepare import Prepared
from magnusctl.fitting import Question
from magnusctl.fleet import open_fleet
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Model, Standing
from magnusctl.resources.file import File

INVENTORY = Path(__file__).parents[2] / "inventory"
GIB = 1024**3
VLLM = ("magnus", "primary")
LLAMA = ("mixtral-cpu", "mixtral")
MLX = ("magnus", "complex")
OLLAMA = ("rtx4090-ollama", "fast")
ALL = (VLLM, LLAMA, MLX, OLLAMA)
UNIT = "/etc/systemd/system/magnus-release-{model}-r1.service"
PLIST = "/Library/LaunchDaemons/net.magnus.release.complex.r1.plist"

FIRST = Record(
    model="primary",
    number=1,
    source="qwen2.5-14b@awq",
    engine="vllm",
    format="safetensors",
    quant="AWQ-int4-g128",
    path="/srv/models/store/qwen-1",
    digest="d" * 64,
    port=18100,
    front="10.0.0.2:8000",
    unit="magnus-release-primary-r1.service",
    context=32768,
    sequences=16,
)


def placed(example: str | Path, model: str, found: Standing | None = None, **words: Any) -> Placed:
    """Where a model of an example goes, on a host that serves nothing yet, or what is given."""
    return _placed(example, model, found or Standing(), words)[0]


def prepared(
    example: str | Path, model: str, found: Standing | None = None, **words: Any
) -> Prepared:
    """What a deployment of a model of an example wants of its host."""
    standing = found or Standing()
    order_words = {
        key: words.pop(key) for key in ("port", "arguments", "instead", "force") if key in words
    }
    made, path = _placed(example, model, standing, words)
    order = Order(Question(model, **words), **order_words)
    fleet = open_fleet([path])
    return deploy.made(fleet, path, made, order, standing, lambda host, text: None, live=False)


def _placed(
    example: str | Path, model: str, found: Standing, words: dict[str, Any]
) -> tuple[Placed, Path]:
    path = example if isinstance(example, Path) else INVENTORY / f"{example}.yaml"
    fleet = open_fleet([path])
    order = Order(Question(model, **words))
    host = deploy.host_of(fleet, order)
    assert host
    return deploy.place(fleet, order, {host: found}, host), path


def file_of(ready: Prepared, path: str) -> File:
    """One of the files that a deployment wants."""
    found = [one for one in ready.machine.desired if isinstance(one, File) and one.path == path]
    assert len(found) == 1, path
    return found[0]


def releases(first: Record, numbers: range) -> dict[int, Record]:
    """The same release under several numbers, as if its context had grown each time."""
    return {
        n: replace(
            first,
            number=n,
            port=18099 + n,
            path=f"/srv/models/store/qwen-{n}",
            context=n * 1024,
            unit=f"magnus-release-{first.model}-r{n}.service",
        )
        for n in numbers
    }


def model(
    serving: int, numbers: range, *, passed: range | None = None, switching: str = ""
) -> Model:
    """`primary` with releases of which some passed their gate."""
    gates = {n: {"decode_tps": f"{40 + n}.5"} for n in (numbers if passed is None else passed)}
    return Model("primary", serving, bool(serving), switching, releases(FIRST, numbers), gates)


@cache
def ready(case: tuple[str, str]) -> Prepared:
    """A case made ready, once for all tests."""
    return prepared(*case)


def unit_of(case: tuple[str, str]) -> File:
    """The unit of a release, or its job of launchd."""
    path = PLIST if case == MLX else UNIT.format(model=case[1])
    return file_of(ready(case), path)

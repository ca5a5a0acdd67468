"""The OpenAI-compatible servers of a host: where each listens, and what it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from magnusctl import catalogue, fit, placement
from magnusctl.checks.speech import Wanted
from magnusctl.errors import InputError
from magnusctl.inventory.budgets import engines_of
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.models import Served
from magnusctl.inventory.select import variables_of
from magnusctl.parsers.vllm_models import Model
from magnusctl.quote import Secret
from magnusctl.render import Render
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import LOGS
from magnusctl.roles.ports import listen_address, models_with_ports, needs_of


@dataclass(frozen=True)
class Server:
    """A server that speaks: on which host, where that host reaches it, and with which key."""

    host: str
    name: str
    engine: str
    address: str
    port: int
    names: tuple[str, ...]
    """What its model may be called, the likeliest first."""
    key: Secret | None
    wanted: Wanted
    look: str = ""
    """What to do where it does not speak."""

    @property
    def fetch(self) -> str:
        """What brings the model of an Ollama."""
        return f"There, when its time has come:  ollama pull {self.names[0]}"

    @property
    def speaks_at_once(self) -> bool:
        """Whether a word costs little: Ollama would load a model, and put out another."""
        return self.engine != "ollama"


def servers_of(
    inventory: Inventory, name: str, render: Render, secrets: Mapping[str, Secret]
) -> Iterator[Server]:
    """The servers of a host, in the order of the inventory's models."""
    host = inventory.hosts[name]
    if "inference" not in host.roles:
        return
    context = Context(inventory, name, host, variables_of(inventory, name), render)
    inference = context.variables.inference
    for engine in engines_of(inventory, name):
        key = secrets.get(inference.api_key or "") if engine in ("vllm", "llamacpp") else None
        for model, served, port in models_with_ports(context, engine):
            names = _names(engine, model, served, needs_of(context, engine, served))
            wanted = Wanted(
                served.target.decode,
                served.target.first_token,
                _predicted(context, engine, model, served),
            )
            where = (listen_address(context), port)
            look = _look(context, engine, model)
            yield Server(name, model, engine, *where, names, key, wanted, look)


def _look(context: Context, engine: str, model: str) -> str:
    if context.host.macos:
        return f"Look at its log there: tail {LOGS}/net.magnus.{engine}-{model}.log"
    unit = {"vllm": f"magnus-vllm@{model}", "ollama": "ollama"}.get(
        engine, f"magnus-{engine}-{model}"
    )
    return f"Look at its log there: journalctl -n 50 -u {unit}"


def _predicted(context: Context, engine: str, model: str, served: Served) -> float | None:
    """Tokens/s that are likely: by the model's own shape, else by the size of its files."""
    on_cpu = engine == "llamacpp" and context.variables.inference.llamacpp.gpu_layers == "0"
    if on_cpu and context.host.hardware.gpus:
        return None
    try:
        found = catalogue.find(served.model, engine)
    except InputError:
        found = None
    if found is None or found.artifact is None:
        return fit.decode_rate(engine, _devices(context), served.size)
    declared = placement.Declared(model, served, found.artifact)
    return placement.predicted(context.inventory, declared, found.entry)


def _devices(context: Context) -> list[str]:
    gpus = [gpu.name for gpu in context.host.hardware.gpus]
    return gpus or ([context.host.hardware.cpu] if context.host.macos else [])


def _names(engine: str, model: str, served: Served, path: str) -> tuple[str, ...]:
    # mlx_lm loads whatever a request names: this name stands for what it was started with.
    if engine == "mlx":
        return ("default_model",)
    return (served.model, model) if engine == "ollama" else (model, path, served.model)


def named(server: Server, listed: Sequence[Model]) -> str | None:
    """What to ask the server for, of what it lists; None when it lists nothing of it."""
    ids = [model.id for model in listed]
    if server.engine == "mlx":
        return server.names[0] if ids else None
    for name in server.names:
        # Ollama tells the tag that it adds by itself.
        for one in ids:
            if one in (name, f"{name}:latest"):
                return one
    return None


def body(server: Server, model: str, prompt: str, tokens: int) -> dict[str, object]:
    """A request for exactly so many tokens, where the engine can be told so, from no cache."""
    asked: dict[str, object] = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if server.engine in ("vllm", "llamacpp"):
        asked["ignore_eos"] = True
    if server.engine == "llamacpp":
        asked["cache_prompt"] = False
    return asked


_WORDS = (
    "You are given a list of words and you write a long and calm story in which each of them has a "
    "place: river, lantern, copper, winter, market, violin, bridge, harvest, letter, island, "
    "mountain, engine, garden, silver, morning, thunder, window, paper, station, orchard, candle, "
    "harbour, compass, meadow, feather, stone, ladder, mirror, rain, clock, forest, bread, glass, "
    "song, shadow, road, field, wheel, flame, salt, rope, horse, tower, snow, key, map, boat, well."
)


def prompt(number: int) -> str:
    """A text of fixed length that begins with a number: no server has its beginning in a cache."""
    return f"{number:08d}. {_WORDS} Do not stop early; write on until you are cut off."

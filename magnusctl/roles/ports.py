"""Where engines listen: an address that is never all of them, and a port for each model."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.inventory.budgets import engines_of, models_of
from magnusctl.inventory.models import Served
from magnusctl.inventory.serving import LOOPBACK, PORTS, shared_port
from magnusctl.roles.context import Context
from magnusctl.roles.storage import folder_of


def listen_address(context: Context) -> str:
    """The host's address on the link that its engines listen on, or loopback."""
    listen = context.variables.inference.listen
    if listen == LOOPBACK:
        return "127.0.0.1"
    return context.inventory.links[listen].ends[context.name].ip


def models_with_ports(context: Context, engine: str) -> list[tuple[str, Served, int]]:
    """The models of one engine, in the order of the inventory, each with its port."""
    models = models_of(context.inventory, context.name)
    taken = {served.port for served in models.values() if served.port}
    shared = ollama_port(context)
    taken |= {shared} if "ollama" in engines_of(context.inventory, context.name) else set()
    found, port = [], PORTS[engine]
    for name, served in models.items():
        if served.engine != engine:
            continue
        if engine == "ollama":
            found.append((name, served, shared))
            continue
        while not served.port and port in taken:
            port += 1
        own = served.port or port
        taken.add(own)
        found.append((name, served, own))
    return found


def ollama_port(context: Context) -> int:
    """The one port of Ollama on a host."""
    return shared_port(models_of(context.inventory, context.name))


def ports_of(context: Context) -> Iterator[tuple[int, str]]:
    """Every port of this host's engines, once, and what is behind it."""
    seen: dict[int, str] = {}
    for engine in engines_of(context.inventory, context.name):
        for name, _, port in models_with_ports(context, engine):
            seen.setdefault(port, f"{engine}: {name}")
        if engine == "ollama":
            seen[ollama_port(context)] = "ollama"
    yield from seen.items()


def needs_of(context: Context, engine: str, served: Served) -> str:
    """The file or folder without which a model cannot be served; Ollama keeps its own."""
    folder = {"vllm": "hf", "mlx": "hf", "llamacpp": "gguf"}.get(engine)
    return f"{folder_of(context)}/{folder}/{served.model}" if folder else ""

"""Engines that serve models: one role over all of them, on an address that is never all."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.errors import InputError
from magnusctl.inventory.budgets import engines_of
from magnusctl.roles import storage
from magnusctl.roles.context import Context
from magnusctl.roles.engines import ENGINES
from magnusctl.state import Resource


def resources(context: Context) -> Iterator[Resource]:
    """The folders of models, then every engine that the host or one of its models names."""
    engines = engines_of(context.inventory, context.name)
    if not engines:
        hint = "Add 'engine: vllm', 'mlx', 'ollama' or 'llamacpp' to the host."
        raise InputError("the role inference needs an engine", where=context.name, hint=hint)
    seen = set()
    for resource in _all(context, engines):
        # Engines share folders and helpers.
        if resource.id not in seen:
            seen.add(resource.id)
            yield resource


def _all(context: Context, engines: tuple[str, ...]) -> Iterator[Resource]:
    yield from storage.folders(context)
    for engine in engines:
        yield from ENGINES[engine](context)

"""An engine that serves models. Known so far: where its configuration lies."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.errors import InputError
from magnusctl.resources.directory import Directory
from magnusctl.roles.context import Context
from magnusctl.state import Resource


def resources(context: Context) -> Iterator[Resource]:
    """The folder of the engine's configuration."""
    if not context.host.engine:
        hint = "Add 'engine: vllm', 'mlx', 'ollama' or 'llamacpp' to the host."
        raise InputError("the role inference needs an engine", where=context.name, hint=hint)
    group = context.root_group
    yield Directory(path="/etc/magnus", group=group)
    yield Directory(path=f"/etc/magnus/{context.host.engine}", group=group)

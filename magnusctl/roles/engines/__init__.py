"""The engines that serve models, in a visible table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from magnusctl.roles.context import Context
from magnusctl.roles.engines import llamacpp, mlx, ollama, vllm
from magnusctl.state import Resource

ENGINES: Mapping[str, Callable[[Context], Iterator[Resource]]] = {
    "vllm": vllm.resources,
    "mlx": mlx.resources,
    "ollama": ollama.resources,
    "llamacpp": llamacpp.resources,
}

"""What runs a release: for each engine one function from an instance to how it is launched."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from magnusctl.engines import llamacpp, mlx, ollama, vllm
from magnusctl.engines.launch import Instance, Launch
from magnusctl.roles.context import Context

ENGINES: Mapping[str, Callable[[Context, Instance], Launch]] = {
    "vllm": vllm.launch,
    "mlx": mlx.launch,
    "llamacpp": llamacpp.launch,
    "ollama": ollama.launch,
}

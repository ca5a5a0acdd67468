"""Models as an inventory declares them: which host serves each, as what, within which bounds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from magnusctl.inventory.fields import HostName, Port, matching
from magnusctl.inventory.strict import Model
from magnusctl.inventory.units import Bytes, Seconds

Engine = Literal["vllm", "mlx", "ollama", "llamacpp"]
Tier = Literal["fast", "primary", "complex"]
ModelName = Annotated[
    str, matching(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}", "a model, as 'qwen2.5-14b-instruct-awq'")
]
Positive = Annotated[int, Field(ge=1)]


class Targets(Model):
    """What `verify` measures a model by; without them only what is likely counts."""

    decode: Annotated[
        float | None, Field(gt=0, description="Tokens per second of one conversation.")
    ] = None
    first_token: Annotated[
        Seconds | None, Field(description="Until the first token comes, as '100ms'.")
    ] = None


class Served(Model):
    """A model that a host serves: `deploy-model` brings it (docs/models.md), not `provision`."""

    host: HostName
    engine: Annotated[
        Engine | None, Field(description="Which of its engines; without it, the host's own.")
    ] = None
    model: Annotated[
        ModelName,
        Field(description="A folder below the models' `hf`, a file below `gguf`, or Ollama's tag."),
    ]
    tier: Annotated[Tier | None, Field(description="What it is for; the gateway's group.")] = None
    port: Port | None = None
    context: Annotated[Positive, Field(description="Tokens of one conversation.")] = 8192
    sequences: Annotated[Positive, Field(description="Conversations at the same time.")] = 4
    memory: Annotated[
        Bytes | None, Field(description="What it may take of the card, or of RAM without one.")
    ] = None
    size: Annotated[Bytes | None, Field(description="What its files take on the disk.")] = None
    cores: Annotated[Positive | None, Field(description="CPUs that are its own.")] = None
    target: Targets = Targets.model_construct()
    resident: Annotated[
        bool, Field(description="Whether it is in memory all the time, and counts beside others.")
    ] = True

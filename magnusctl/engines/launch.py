"""One release of a model on a host, and how an engine is launched with it."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.resources.file import File

CREDENTIAL = "%d/api-key"
"""Where systemd puts the key that only one unit sees."""


@dataclass(frozen=True)
class Instance:
    """A release that is to run: `path` is its file or folder on the host; `context` is tokens of
    one conversation, `memory` bytes of RAM that it may take, `arguments` what the user adds."""

    model: str
    number: int
    path: str
    port: int
    context: int
    sequences: int
    kind: str = "chat"
    kv_dtype: str = ""
    memory: int | None = None
    cores: int | None = None
    cpus: str = ""
    gpu_share: float | None = None
    gpu_layers: int | None = None
    arguments: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name of its unit, without its suffix."""
        return f"magnus-release-{self.model}-r{self.number}"

    @property
    def folder(self) -> str:
        """Where its configuration lies."""
        return f"/etc/magnus/releases/{self.model}-r{self.number}"


@dataclass(frozen=True)
class Launch:
    """How it is launched: words, environment, files that belong to it, and what its key is."""

    program: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    files: tuple[File, ...] = ()
    cache: str = ""
    """Below /var/cache/magnus, what the engine keeps between starts."""
    environment_file: str = ""
    credential: str = ""
    """A file that only this unit sees, as `api-key:/etc/...`."""
    key: str = "-"
    """How the host itself shows the key: `plain:FILE`, `env:FILE`, or nothing."""
    health: str = "/health"
    gpu: bool = False
    memory_max: int | None = None
    stop_s: int = 90
    driver: str = ""
    """Ollama, where no process is a release's own."""
    modelfile: str = ""

"""What an engine does that changes how much memory a model takes there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Family = Literal["llamacpp", "vllm", "mlx", "transformers"]


@dataclass(frozen=True)
class Engine:
    """An engine as the planner sees it: its family, and what of it differs from today's default."""

    family: Family
    name: str = ""
    flash: bool = True
    saves_windows: bool = True
    latent: bool = True
    chunked: bool = True
    graphs: bool = True
    batch: int = 512
    """Tokens of one pass of a prompt."""


def engine_of(text: str, format_: str = "") -> Engine:
    """Read a name, as `vllm`, or a free text, as `ik_llama.cpp CPU, no flash-attn`; without one
    the format decides. Raises ValueError for one that nobody knows."""
    words = text.lower()
    family = _family(words, format_)
    asked = re.search(r"u_?batch (\d+)", words)
    old = "late 2023" in words or "dec 2023" in words or "ik_llama" in words
    return Engine(
        family=family,
        name=text or family,
        flash=not _without_flash(words),
        saves_windows=not (old or "full-size swa" in words or "no swa" in words),
        latent="non-mla" not in words and "expanded" not in words,
        chunked="chunked prefill off" not in words,
        batch=int(asked[1]) if asked else 2048 if family in ("vllm", "mlx") else 512,
    )


def _family(words: str, format_: str) -> Family:
    if "mlx" in words:
        return "mlx"
    if "vllm" in words or "sglang" in words:
        return "vllm"
    if "transformers" in words:
        return "transformers"
    if any(word in words for word in ("llama", "ollama", "lm studio", "gguf")):
        return "llamacpp"
    if words:
        raise ValueError(f"the engine '{words}' is not known")
    by_format: dict[str, Family] = {"gguf": "llamacpp", "mlx": "mlx", "safetensors": "vllm"}
    if format_ not in by_format:
        raise ValueError("neither an engine nor a format is named")
    return by_format[format_]


def _without_flash(words: str) -> bool:
    """llama.cpp takes it by itself since 2025; benchmarks of 2024 and before did not."""
    if re.search(r"no flash|without flash|\(may 2024\)|2023", words):
        return True
    return " cpu" in words and "flash" not in words

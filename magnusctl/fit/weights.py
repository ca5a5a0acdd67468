"""How large a model's files are, and what of them lies where."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from magnusctl.fit.quants import gguf_bits
from magnusctl.fit.shape import Shape, Unknown
from magnusctl.fit.tensors import Tensor, tensors

_BITS_GROUP = re.compile(r"(\d+) ?-?bit(?:.*?g(?:s|roup)?[-_ ]?(\d+))?")
_INT_GROUP = re.compile(r"int(\d+)(?:.*?g(\d+))?")


@dataclass(frozen=True)
class Weights:
    """Bytes of the files; of them the table of the input, the output layer, and of a mixture all
    experts. `scaled` says that the size came from a file, not from a recipe."""

    file: float
    embedding: float
    output: float
    experts: float
    tied: bool
    measured: bool = False

    def read(self, active_share: float) -> float:
        """Bytes that one token reads: of the table only a row, of the experts a share."""
        table = 0.0 if self.tied else self.embedding
        return self.file - table - self.experts * (1 - active_share)


def weights_of(
    shape: Shape, format_: str, quant: str, artifact_bytes: float | None = None
) -> Weights:
    """The size of a checkpoint; the real one of its files is better where it is known.

    Raises Unknown for a quantisation that nobody knows.
    """
    bits = bits_of(shape, format_, quant)
    parts = {"token_embd": 0.0, "output": 0.0, "experts": 0.0, "rest": 0.0}
    for tensor in tensors(shape):
        role = "experts" if tensor.expert else tensor.role
        parts[role if role in parts else "rest"] += tensor.elements * bits(tensor) / 8
    whole = sum(parts.values())
    scale = artifact_bytes / whole if artifact_bytes else 1.0
    table = parts["token_embd"] * scale
    return Weights(
        file=whole * scale,
        embedding=table,
        output=table if shape.tied else parts["output"] * scale,
        experts=parts["experts"] * scale,
        tied=shape.tied,
        measured=bool(artifact_bytes),
    )


def bits_of(shape: Shape, format_: str, quant: str) -> Callable[[Tensor], float]:
    """Bits of each number, with its share of scales. Raises Unknown."""
    if format_ == "gguf":
        return gguf_bits(_first_known(quant), shape)
    if format_ == "mlx":
        return _mlx(quant)
    if format_ == "safetensors":
        return _safetensors(quant, shape)
    raise Unknown(f"the format '{format_}' is not known: one of gguf, mlx, safetensors")


def _first_known(quant: str) -> str:
    """Of `Q4_0 or Q4_K_M` the first: they differ by less than what else is not known."""
    return quant.split(" or ")[0]


def _mlx(quant: str) -> Callable[[Tensor], float]:
    words = quant.lower().removeprefix("mlx-")
    found = _BITS_GROUP.search(words)
    if not found:
        plain = _plain(words)
        return lambda tensor: plain
    # A scale and a bias of 16 bits for each group.
    packed = int(found[1]) + 32 / int(found[2] or 64)
    return lambda tensor: 16.0 if tensor.vector else packed


def _safetensors(quant: str, shape: Shape) -> Callable[[Tensor], float]:
    words = quant.lower()
    linear = _linear(words)
    if linear is None:
        plain = 32.0 if shape.encoder and words in ("", "auto") else _plain(words)
        return lambda tensor: plain
    kept = {"token_embd", "output", "router", "position_embd"}
    return lambda tensor: 16.0 if tensor.vector or tensor.role in kept else linear


def _linear(words: str) -> float | None:
    """Bits of a linear layer's numbers; None where nothing is quantised."""
    if "nf4" in words or "bnb" in words:
        # The scales of blocks of 64 are themselves quantised.
        return 4.127
    if "mxfp4" in words:
        return 4.25
    if "fp8" in words or "w8a8" in words:
        return 8.0 + 32 / 128**2 if "block" in words else 8.0
    found = _INT_GROUP.search(words) or _BITS_GROUP.search(words)
    if not found and ("awq" in words or "gptq" in words):
        return 4 + 20 / 128
    if not found:
        return None
    bits, group = int(found[1]), int(found[2] or 128)
    return bits + (16 + bits) / group


def _plain(words: str) -> float:
    known = {"bf16": 16, "f16": 16, "fp16": 16, "float16": 16, "bfloat16": 16, "f32": 32}
    known |= {"fp32": 32, "float32": 32, "": 16, "auto": 16, "none": 16}
    if words not in known:
        raise Unknown(f"the quantisation '{words}' is not known")
    return float(known[words])

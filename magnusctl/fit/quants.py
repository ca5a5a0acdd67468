"""How many bits a number of a GGUF file takes, tensor by tensor, by the label of the file.

Block sizes are those of ggml (package `gguf`, GGML_QUANT_SIZES).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from magnusctl.fit.recipes import recipe
from magnusctl.fit.shape import Shape
from magnusctl.fit.tensors import Tensor

BITS: Mapping[str, float] = {
    **{"F32": 32, "F16": 16, "BF16": 16, "Q8_0": 8.5, "Q6_K": 6.5625, "Q5_1": 6.0, "Q5_0": 5.5},
    **{"Q5_K": 5.5, "Q4_1": 5.0, "Q4_0": 4.5, "Q4_K": 4.5, "IQ4_NL": 4.5, "IQ4_XS": 4.25},
    **{"MXFP4": 4.25, "Q3_K": 3.4375, "IQ3_S": 3.4375, "IQ3_XXS": 3.0625, "Q2_K": 2.625},
    **{"IQ2_S": 2.5625, "IQ2_XS": 2.3125, "IQ2_XXS": 2.0625, "IQ1_M": 1.75, "IQ1_S": 1.5625},
}
# A row that is no multiple of 256 cannot be cut into blocks of that; 32 is what the others need.
_SHORTER: Mapping[str, str] = {
    **{"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0", "Q3_K": "IQ4_NL", "Q2_K": "IQ4_NL"},
    **{"IQ4_XS": "IQ4_NL", "IQ3_S": "IQ4_NL", "IQ3_XXS": "IQ4_NL", "IQ2_XXS": "IQ4_NL"},
    **{"IQ2_XS": "IQ4_NL", "IQ2_S": "IQ4_NL", "IQ1_S": "IQ4_NL", "IQ1_M": "IQ4_NL"},
}
_PLAIN = {"F32", "F16", "BF16"}
_AFTER_LABEL = re.compile(r"[ (/].*$")
_BPW = re.compile(r"\((\d+(?:\.\d+)?) bpw\)")


def gguf_bits(quant: str, shape: Shape) -> Callable[[Tensor], float]:
    """Bits of each number of a tensor in a GGUF file. Raises Unknown for no known label."""
    said = _BPW.search(quant)
    if said:
        return lambda tensor: float(said[1])
    chosen = recipe(_AFTER_LABEL.sub("", quant.strip()))

    def bits(tensor: Tensor) -> float:
        if tensor.vector or tensor.role == "router":
            return BITS["F32"]
        return BITS[_whole_blocks(chosen.kind(tensor, shape), tensor)]

    return bits


def _whole_blocks(kind: str, tensor: Tensor) -> str:
    if tensor.columns % 256 and kind in _SHORTER:
        kind = _SHORTER[kind]
    return "F16" if tensor.columns % 32 and kind not in _PLAIN else kind

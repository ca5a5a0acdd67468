"""How many bits a number takes, by the label of a quantisation; of GGUF, tensor by tensor.

Block sizes are those of ggml (package `gguf`, GGML_QUANT_SIZES); which tensor gets which type is
llama.cpp's recipe (llama-quant.cpp, llama_tensor_get_type).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from magnusctl.fit.shape import Shape, Unknown
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
}
_PLAIN = {"F32", "F16", "BF16"}
_AFTER_LABEL = re.compile(r"[ (/].*$")
_BPW = re.compile(r"\((\d+(?:\.\d+)?) bpw\)")

Recipe = Callable[[Tensor, Shape], str]


def gguf_bits(quant: str, shape: Shape) -> Callable[[Tensor], float]:
    """Bits of each number of a tensor in a GGUF file. Raises Unknown for no known label."""
    said = _BPW.search(quant)
    if said:
        return lambda tensor: float(said[1])
    label = _label(quant)
    recipe = _recipe(label)

    def bits(tensor: Tensor) -> float:
        if tensor.vector or tensor.role == "router":
            return BITS["F32"]
        return BITS[_whole_blocks(recipe(tensor, shape), tensor)]

    return bits


def _label(quant: str) -> str:
    label = _AFTER_LABEL.sub("", quant.strip()).upper().replace("UD-", "")
    return {"FP16": "F16", "FP32": "F32"}.get(label, label)


def _whole_blocks(kind: str, tensor: Tensor) -> str:
    if tensor.columns % 256 and kind in _SHORTER:
        kind = _SHORTER[kind]
    return "F16" if tensor.columns % 32 and kind not in _PLAIN else kind


def _recipe(label: str) -> Recipe:
    if label in ("F16", "BF16", "F32"):
        return lambda tensor, shape: label
    base = _BASES.get(label)
    if base is None:
        raise Unknown(f"the quantisation '{label}' is not known")

    def kind(tensor: Tensor, shape: Shape) -> str:
        if shape.family == "gpt_oss":
            return "MXFP4" if tensor.expert else "Q8_0"
        if tensor.role == "output" or (tensor.role == "token_embd" and shape.tied):
            return "Q8_0" if base in ("Q8_0", "MXFP4") else "Q6_K"
        if tensor.role == "token_embd":
            return "Q8_0" if base == "MXFP4" else base
        return _of_eight(tensor, shape, base) or _mixed(label, base, tensor, shape)

    return kind


_BASES: Mapping[str, str] = {
    **{name: name for name in ("Q8_0", "Q6_K", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "Q2_K", "MXFP4")},
    **{"Q5_K_M": "Q5_K", "Q5_K_S": "Q5_K", "Q5_K_XL": "Q5_K", "Q4_K_M": "Q4_K", "Q4_K_S": "Q4_K"},
    **{"Q4_K_XL": "Q4_K", "Q3_K_S": "Q3_K", "Q3_K_M": "Q3_K", "Q3_K_L": "Q3_K"},
    **{"IQ4_XS": "IQ4_XS", "IQ4_NL": "IQ4_NL", "Q2_K_S": "Q2_K", "Q4_K": "Q4_K", "Q5_K": "Q5_K"},
    **{"Q2_K_XL": "Q2_K", "Q3_K_XL": "Q3_K", "IQ3_M": "IQ3_S", "IQ3_S": "IQ3_S"},
    **{"IQ3_XXS": "IQ3_XXS", "IQ2_XXS": "IQ2_XXS", "IQ2_M": "IQ2_S", "IQ1_S": "IQ1_S"},
}
_SMALL = {"Q4_K", "Q3_K", "Q2_K", "IQ4_XS", "IQ4_NL", "Q4_0", "Q4_1", "IQ3_S", "IQ3_XXS"}


def _of_eight(tensor: Tensor, shape: Shape, base: str) -> str | None:
    """With 8 experts attention is a small part, and gets more bits."""
    if shape.experts is None or shape.experts.count != 8:
        return None
    if tensor.role in ("attn_k", "attn_v"):
        return "Q8_0"
    return "Q5_K" if tensor.role == "attn_output" and base in _SMALL else None


def _mixed(label: str, base: str, tensor: Tensor, shape: Shape) -> str:
    role = tensor.role.removesuffix("_exps").removesuffix("_shexp")
    layer, layers = tensor.layer, shape.layers
    grouped = shape.heads // shape.kv_heads >= 4
    found = base
    if role == "attn_v":
        found = _values(label, base, layer, layers, grouped)
        if layers == 80 and found in ("Q3_K", "Q4_K"):
            found = "Q5_K"
    elif role == "ffn_down":
        found = _downs(label, base, layer, layers)
    elif role == "attn_output":
        found = {"Q2_K": "Q3_K", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K"}.get(label, base)
    return found


def _more_bits(layer: int, layers: int) -> bool:
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def _values(label: str, base: str, layer: int, layers: int, grouped: bool) -> str:
    if label in ("Q4_K_M", "Q5_K_M", "Q4_K", "Q5_K"):
        return "Q6_K" if _more_bits(layer, layers) else base
    if label == "Q4_K_S":
        return "Q5_K" if layer < 4 else base
    if label in ("IQ4_XS", "IQ4_NL"):
        return "Q5_K" if grouped else base
    if label == "Q3_K_M":
        return "Q5_K" if layer < 2 else "Q4_K"
    return {"Q3_K_L": "Q5_K", "Q2_K": "Q4_K" if grouped else "Q3_K"}.get(label, base)


def _downs(label: str, base: str, layer: int, layers: int) -> str:
    if label in ("Q4_K_M", "Q5_K_M", "Q4_K", "Q5_K"):
        return "Q6_K" if _more_bits(layer, layers) else base
    if label in ("Q4_K_S", "IQ4_XS", "IQ4_NL"):
        return "Q5_K" if layer < layers // 8 else base
    if label == "Q3_K_M":
        first = layer < layers // 16
        return "Q5_K" if first else "Q4_K" if _more_bits(layer, layers) else base
    return {"Q3_K_L": "Q5_K", "Q2_K": "Q3_K"}.get(label, base)

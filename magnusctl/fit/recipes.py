"""Which type each tensor of a GGUF file gets, by the label of the file.

The choices are those of llama.cpp (llama-quant.cpp, llama_tensor_get_type). Files whose label
begins with IQ are taken to be made with an importance matrix, as those on the hub are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from magnusctl.fit.shape import Shape, Unknown
from magnusctl.fit.tensors import Tensor

_PLAIN = ("F32", "F16", "BF16")
# What tools call the same recipe by another name; unsloth's own mixes are near these.
_SAME: Mapping[str, str] = {
    **{"FP32": "F32", "FP16": "F16", "Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"},
    **{"Q4_K_XL": "Q4_K_M", "Q5_K_XL": "Q5_K_M", "Q2_K_XL": "Q2_K", "Q6_K_XL": "Q6_K"},
}
# Recipes of which the tables of words are kept in 8 bits.
_LARGE_TABLES: Mapping[str, str] = {
    **{"Q2_K_L": "Q2_K", "Q3_K_XL": "Q3_K_L", "Q4_K_L": "Q4_K_M", "Q5_K_L": "Q5_K_M"},
    **{"Q6_K_L": "Q6_K"},
}
_BASES: Mapping[str, str] = {
    **{name: name for name in ("Q8_0", "Q6_K", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "Q2_K", "MXFP4")},
    **{name: name for name in ("IQ4_XS", "IQ4_NL", "IQ3_S", "IQ3_XXS", "IQ1_M", "IQ1_S")},
    **{"Q5_K_M": "Q5_K", "Q5_K_S": "Q5_K", "Q4_K_M": "Q4_K", "Q4_K_S": "Q4_K", "Q2_K_S": "Q2_K"},
    **{"Q3_K_S": "Q3_K", "Q3_K_M": "Q3_K", "Q3_K_L": "Q3_K", "IQ3_XS": "IQ3_S", "IQ3_M": "IQ3_S"},
    **{"IQ2_XXS": "IQ2_XXS", "IQ2_XS": "IQ2_XS", "IQ2_S": "IQ2_XS", "IQ2_M": "IQ2_S"},
}
_FEWEST = {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M"}
_FEW_TABLES: Mapping[str, str] = {
    **{"IQ1_S": "Q2_K", "IQ1_M": "Q2_K", "IQ2_XXS": "Q2_K", "IQ2_XS": "Q2_K"},
    **{"IQ2_S": "IQ3_S", "IQ2_M": "IQ3_S", "IQ3_XXS": "IQ3_S"},
}
_OF_EIGHT = {
    *("Q2_K", "Q3_K_S", "Q3_K_M", "Q4_K_S", "Q4_K_M"),
    *("IQ3_XXS", "IQ3_XS", "IQ3_S", "IQ3_M", "IQ4_NL", "IQ4_XS"),
}
_OUTPUTS: Mapping[str, str] = {
    **{"Q2_K": "Q3_K", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K", "IQ3_XXS": "IQ3_S", "IQ3_M": "Q4_K"},
}
_FUSED: Mapping[str, str] = {
    **{"Q3_K_M": "Q4_K", "Q3_K_L": "Q4_K", "IQ3_M": "Q4_K", "Q4_K_M": "Q5_K", "Q5_K_M": "Q6_K"},
}


@dataclass(frozen=True)
class Recipe:
    """What a label stands for: the type that most tensors get, and those that get another."""

    label: str
    base: str
    tables: str = ""
    """The type of the tables of words, where the label says one."""

    def kind(self, tensor: Tensor, shape: Shape) -> str:
        """The type of a tensor, before it is known whether its rows can be cut so."""
        if self.base in _PLAIN:
            return self.base
        if shape.family == "gpt_oss":
            return "MXFP4" if tensor.expert else "Q8_0"
        if tensor.role == "output" or (tensor.role == "token_embd" and shape.tied):
            return self._output()
        if tensor.role == "token_embd":
            few = _FEW_TABLES.get(self.label, self.base)
            return self.tables or ("Q8_0" if self.base == "MXFP4" else few)
        part = _Part(self, tensor, shape)
        return part.of_fewest() if self.label in _FEWEST else part.mixed()

    def _output(self) -> str:
        if self.tables or self.base in ("Q8_0", "MXFP4"):
            return "Q8_0"
        return "Q5_K" if self.label in _FEWEST or self.label == "IQ3_XXS" else "Q6_K"


def recipe(label: str) -> Recipe:
    """What a label stands for, as `Q4_K_M`. Raises Unknown."""
    name = label.upper().removeprefix("UD-")
    dynamic = name != label.upper()
    if name in _LARGE_TABLES and not dynamic:
        inner = _LARGE_TABLES[name]
        return Recipe(inner, _BASES[inner], "Q8_0")
    name = _SAME.get(name, "Q3_K_M" if name == "Q3_K_XL" else name)
    base = name if name in _PLAIN else _BASES.get(name)
    if base is None:
        raise Unknown(f"the quantisation '{label}' is not known")
    return Recipe(name, base)


@dataclass(frozen=True)
class _Part:
    """One tensor of a layer."""

    recipe: Recipe
    tensor: Tensor
    shape: Shape

    @property
    def role(self) -> str:
        """What it is for, be it of an expert or not."""
        return self.tensor.role.removesuffix("_exps").removesuffix("_shexp")

    @property
    def grouped(self) -> bool:
        """Whether several heads share what this tensor makes: more bits cost little then."""
        return self.shape.heads // self.shape.kv_heads >= 4

    @property
    def experts(self) -> int:
        """How many of a mixture there are; 0 without."""
        return self.shape.experts.count if self.shape.experts else 0

    @property
    def first(self) -> bool:
        """Whether it is of the first eighth of the layers."""
        return self.tensor.layer < self.shape.layers // 8

    @property
    def more_bits(self) -> bool:
        """Whether it is of the layers that mixtures of types treat better: both ends, a third."""
        layer, layers = self.tensor.layer, self.shape.layers
        return self.first or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2

    def of_fewest(self) -> str:
        """In a file of about two bits."""
        label, base = self.recipe.label, self.recipe.base
        two = label in ("IQ2_S", "IQ2_M")
        better = "IQ3_S" if two else "Q2_K"
        if self.role == "attn_v":
            return "Q4_K" if self.grouped or self.experts >= 4 else better
        if self.role == "attn_k" and self.experts == 8:
            return "Q4_K"
        if self.role == "ffn_down" and self.first:
            return better
        if self.role == "attn_output":
            one = "IQ2_XXS" if label in ("IQ1_S", "IQ1_M") else base
            return "Q5_K" if self.experts == 8 else "IQ3_S" if two else one
        return base

    def mixed(self) -> str:
        """In any other file."""
        label, base = self.recipe.label, self.recipe.base
        if self.role in ("attn_k", "attn_v") and self.experts == 8:
            return "Q8_0"
        if self.role == "attn_v":
            found = self._values()
            # 70B and its like: small tensors that eight heads share.
            return "Q5_K" if self.shape.layers == 80 and found in ("Q3_K", "Q4_K") else found
        if self.role in ("attn_q", "attn_k"):
            return {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}.get(label, base)
        if self.role == "ffn_down":
            return self._downs()
        if self.role == "attn_output" and self.experts == 8:
            return "Q5_K" if label in _OF_EIGHT else base
        if self.role == "attn_output":
            return _OUTPUTS.get(label, base)
        if self.role == "attn_qkv":
            return _FUSED.get(label, base)
        if self.role in ("ffn_gate", "ffn_up") and label == "IQ3_XS":
            last = self.tensor.layer >= 7 * self.shape.layers // 8
            return base if self.first or last else "IQ3_XXS"
        return base

    def _values(self) -> str:
        label, base, layer = self.recipe.label, self.recipe.base, self.tensor.layer
        if label in ("Q4_K_M", "Q5_K_M"):
            return "Q6_K" if self.more_bits else base
        if label == "Q4_K_S":
            return "Q5_K" if layer < 4 else base
        if label == "Q3_K_M":
            return "Q5_K" if layer < 2 else "Q4_K"
        if label in ("IQ4_XS", "IQ4_NL"):
            return "Q5_K" if self.grouped else base
        if label in ("Q2_K_S", "IQ3_XXS", "IQ3_XS", "IQ3_S"):
            return "Q4_K" if self.grouped else base
        if label == "Q2_K":
            return "Q4_K" if self.grouped else "Q3_K"
        return {"Q3_K_L": "Q5_K", "IQ3_M": "Q4_K"}.get(label, base)

    def _downs(self) -> str:
        label, base = self.recipe.label, self.recipe.base
        if label in ("Q4_K_M", "Q5_K_M"):
            return "Q6_K" if self.more_bits else base
        if label == "Q4_K_S":
            return "Q5_K" if self.first else base
        if label == "Q3_K_M":
            return "Q5_K" if self.tensor.layer < self.shape.layers // 16 else "Q4_K"
        if label == "Q2_K_S":
            return "Q4_K" if self.first else base
        if label == "IQ3_M":
            better = self.first or (self.experts == 8 and self.more_bits)
            return "Q4_K" if better else base
        return {"Q3_K_L": "Q5_K", "Q2_K": "Q3_K"}.get(label, base)

"""What of a model's config.json decides how much memory it takes and how fast it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Config = Mapping[str, object]


class Unknown(ValueError):
    """A fact without which nothing can be said: the message names it."""


@dataclass(frozen=True)
class Experts:
    """Of a mixture: how many there are, how many each token takes, their width, those that all
    tokens take, and how many of the first layers are dense."""

    count: int
    active: int
    width: int
    shared: int = 0
    dense_layers: int = 0


@dataclass(frozen=True)
class Latent:
    """Ranks and widths of multi-head latent attention (DeepSeek)."""

    kv_rank: int
    q_rank: int
    rope: int
    nope: int
    value: int


@dataclass(frozen=True)
class Shape:
    """One architecture; `slides` says for each layer whether it only sees `window` tokens."""

    family: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocab: int
    tied: bool
    max_context: int | None = None
    window: int = 0
    slides: tuple[bool, ...] = field(default=(), repr=False)
    experts: Experts | None = None
    latent: Latent | None = None
    positions: int = 0
    """Of an encoder: how many learned positions it has; it keeps no cache."""

    @property
    def encoder(self) -> bool:
        """Whether it answers with vectors or classes, and so keeps no cache."""
        return self.family in ENCODERS

    @property
    def gated(self) -> bool:
        """Whether a feed-forward layer has three matrices, not two."""
        return self.family not in _UNGATED


ENCODERS = {"bert", "mpnet", "roberta", "xlm-roberta", "distilbert", "nomic-bert"}
_UNGATED = {*ENCODERS, "gpt2", "gpt_neox", "opt", "bloom", "mpt", "falcon", "phi", "starcoder2"}
_MOST_LAYERS = 2000


def shape_of(config: Config) -> Shape:
    """Read a config.json; of a model that also sees, its text part.

    Raises Unknown for what is missing: nothing is filled from a guess.
    """
    inner = config.get("text_config")
    if isinstance(inner, Mapping):
        config = {**config, **inner}
    family = str(config.get("model_type") or "")
    hidden, layers = _number(config, "hidden_size"), _number(config, "num_hidden_layers")
    heads = _number(config, "num_attention_heads")
    if not family:
        raise Unknown("config.json names no model_type")
    if layers > _MOST_LAYERS:
        raise Unknown(f"num_hidden_layers is {layers}: no model has so many")
    window, slides = _sliding(config, family, layers)
    return Shape(
        family=family,
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=_optional(config, "num_key_value_heads") or heads,
        head_dim=_optional(config, "head_dim") or hidden // heads,
        ffn=_number(config, "intermediate_size"),
        vocab=_number(config, "vocab_size"),
        tied=_tied(config, family),
        max_context=_optional(config, "max_position_embeddings"),
        window=window,
        slides=slides,
        experts=_experts(config),
        latent=_latent(config),
        positions=_optional(config, "max_position_embeddings") or 0 if family in ENCODERS else 0,
    )


def _tied(config: Config, family: str) -> bool:
    """Whether one table is both: Gemma's and encoders' files do not say so, their classes do."""
    said = config.get("tie_word_embeddings")
    return bool(said) if said is not None else family.startswith("gemma") or family in ENCODERS


def _experts(config: Config) -> Experts | None:
    names = ("num_local_experts", "num_experts", "n_routed_experts")
    count = next((found for name in names if (found := _optional(config, name))), None)
    if not count or count < 2:
        return None
    width = _optional(config, "moe_intermediate_size") or _number(config, "intermediate_size")
    shared = _optional(config, "n_shared_experts") or 0
    own = _optional(config, "shared_expert_intermediate_size")
    return Experts(
        count=count,
        active=_number(config, "num_experts_per_tok"),
        width=width,
        shared=-(-own // width) if own else shared,
        dense_layers=_optional(config, "first_k_dense_replace") or 0,
    )


def _latent(config: Config) -> Latent | None:
    rank = _optional(config, "kv_lora_rank")
    if not rank:
        return None
    return Latent(
        kv_rank=rank,
        q_rank=_optional(config, "q_lora_rank") or 0,
        rope=_number(config, "qk_rope_head_dim"),
        nope=_number(config, "qk_nope_head_dim"),
        value=_number(config, "v_head_dim"),
    )


def _sliding(config: Config, family: str, layers: int) -> tuple[int, tuple[bool, ...]]:
    """The window and which layers slide: what the file says, else what the family is known for."""
    window = _optional(config, "sliding_window") or 0
    if not window or config.get("use_sliding_window") is False:
        return 0, ()
    types = config.get("layer_types")
    if isinstance(types, Sequence) and not isinstance(types, str) and len(types) == layers:
        return window, tuple(str(one).startswith("sliding") for one in types)
    pattern = _optional(config, "sliding_window_pattern")
    if family.startswith("gemma3"):
        every = pattern or 6
        return window, tuple((layer + 1) % every != 0 for layer in range(layers))
    if family in ("gemma2", "gpt_oss"):
        return window, tuple(layer % 2 == 0 for layer in range(layers))
    if family == "mistral":
        return window, (True,) * layers
    if pattern:
        return window, tuple((layer + 1) % pattern != 0 for layer in range(layers))
    return 0, ()


def _optional(config: Config, name: str) -> int | None:
    """A positive number; of one per layer, the largest."""
    value = config.get(name)
    if isinstance(value, list) and value and all(isinstance(one, int) for one in value):
        value = max(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return int(value)


def _number(config: Config, name: str) -> int:
    found = _optional(config, name)
    if found is None:
        raise Unknown(f"config.json does not say {name}")
    return found

"""What a user may tell an engine beside: held against what is ours, and what the engine knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from magnusctl.asking import ask_one
from magnusctl.converge import Machine
from magnusctl.engines import llamacpp
from magnusctl.errors import InputError
from magnusctl.inventory.findings import nearest
from magnusctl.quote import sh
from magnusctl.state import Probe

CACHE_TYPES: Mapping[str, frozenset[str]] = {
    "vllm": frozenset({"auto", "f16", "fp16", "bf16", "fp8", "fp8_e4m3", "fp8_e5m2"}),
    "llamacpp": frozenset(llamacpp.CACHE_TYPES),
    "mlx": frozenset({"f16", "fp16", "bf16"}),
    "ollama": frozenset(),
}


def require_cache_type(engine: str, kind: str) -> None:
    """Hold a type of the cache against what the engine has. Raises InputError."""
    known = CACHE_TYPES[engine]
    if kind and kind not in known:
        hint = f"It has: {', '.join(sorted(known))}" if known else "Set cache_type of the role."
        raise InputError(f"{engine} has no cache of the type {kind}", hint=hint)


_FILES = ("timed.sh", "releases/models.sh")
_HELP_S = 60
_OURS = frozenset(
    f"--{name}"
    for name in (
        *("host", "port", "model", "config", "alias", "served-model-name", "api-key"),
        *("api-key-file", "max-model-len", "ctx-size", "parallel", "max-num-seqs", "models-dir"),
    )
)


def require_own_words(engine: str, words: Sequence[str]) -> None:
    """Refuse what a release itself decides, as its address and its name. Raises InputError."""
    if words and engine == "ollama":
        raise InputError("ollama takes no words for one model", where="--engine-arg")
    for word in words:
        flag = word.partition("=")[0]
        if flag in _OURS:
            hint = "Options of deploy-model and the inventory say it."
            raise InputError(f"{flag} is not yours to give", where="--engine-arg", hint=hint)
        if re.match(r"-[a-zA-Z]", flag):
            hint = "Write it out: short ones are not held against --help."
            raise InputError(f"{flag} is a short option", where="--engine-arg", hint=hint)


def check_arguments(machine: Machine, engine: str, program: str, arguments: Sequence[str]) -> None:
    """Hold what a user adds against what the engine itself says it knows. Raises InputError.

    Of an engine that says nothing within a minute the words are taken; it refuses them itself.
    """
    flags = [_flag(word) for word in arguments if word.startswith("--")]
    words = {
        # By itself `--help` of vLLM names no option but itself.
        "vllm": [program, "serve", "--help=all"],
        "mlx": [program, "-m", "mlx_lm.server", "--help"],
        "llamacpp": [program, "--help"],
    }[engine]
    question = Probe("help", sh("engine_help", _HELP_S, *words), -1, frozenset, _FILES)
    known = ask_one(machine, question)
    for flag in flags:
        if known and flag not in known:
            hint = nearest(flag, known) or f"It was asked there:  {' '.join(words)}"
            raise InputError(f"{engine} has no option {flag}", where=machine.name, hint=hint)


def _flag(word: str) -> str:
    """The option of `--cache_type=f16` and of `--compilation-config.mode`, as engines list it."""
    return word.partition("=")[0].partition(".")[0].replace("_", "-")

"""What to do next about a cause, with the names of the model and the host put in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from magnusctl.causes.signs import Cause

_FIT = "'magnusctl fit {model} --on {host}' tells"

STEPS: Mapping[str, str] = {
    Cause.oom_weights: f"Take a smaller model or a smaller quantisation: {_FIT} what fits.",
    Cause.oom_kv: f"Lower the context in the inventory: {_FIT} the largest that fits.",
    Cause.driver_mismatch: "Run 'magnusctl provision -l {host} -t cuda', and boot {host}.",
    Cause.cuda_too_new: (
        "Raise 'cuda: {{branch: …}}' in the inventory and run 'magnusctl provision -l {host} -t "
        "cuda', or take a build of {engine} for an older CUDA."
    ),
    Cause.unsupported_arch: "Take a newer {engine}, or {model} in a format that this one knows.",
    Cause.gated_repo: (
        "Accept the licence on the page of {model} with your account, and give {host} a token of "
        "that account."
    ),
    Cause.disk_full: (
        "Make room on {host}: 'df -h' there tells which disk is full, and models that nothing "
        "serves can go."
    ),
    Cause.port_taken: (
        "See who holds {port}: 'sudo ss -ltnp' on {host}, on a Mac 'sudo lsof -nP -iTCP "
        "-sTCP:LISTEN'."
    ),
    Cause.bad_flag: "Take {flag} out of the inventory, or write it as this {engine}'s --help does.",
    Cause.killed_by_os: (
        "Bound its memory with a smaller model or a lower context, or free memory on {host}: "
        f"{_FIT} what fits."
    ),
    Cause.asleep: (
        "Wake {host}, and keep it awake with 'magnusctl provision -l {host}'; then deploy again."
    ),
    Cause.unreachable: (
        "See that {host} is up and reaches what it asks for: 'magnusctl verify -l {host}'."
    ),
    Cause.timeout: (
        "Follow its log on {host} to see what it waits for; where it is only slow, give it longer."
    ),
    Cause.unknown: "Not recognised: read the log of {engine} on {host} from its last start.",
    "card": "Take a build of {engine} that is made for the card of {host}.",
    "context": "Lower the context in the inventory to what {model} was made for.",
    "others": (
        "See who holds the card's memory: 'nvidia-smi' on {host}; end it, or lower "
        "gpu_memory_utilization in the inventory."
    ),
    "no_repository": (
        "Check the name of {model}: the hub has none of that name that {host} may see without a "
        "token."
    ),
}
"""By cause, or by the name that a sign gives."""
_ENGINES = {
    **{"vllm": "vLLM", "llamacpp": "llama.cpp", "mlx": "mlx-lm", "ollama": "Ollama"},
    **{"hf": "hf", "curl": "curl"},
}
_LONGEST = 200
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@%+=:,./-]*", re.ASCII)


def next_step(name: str, engine: str, model: str, host: str, *, flag: str, port: str) -> str:
    """The sentence or the command. A name that a shell would not take as it is stands there as
    MODEL or HOST."""
    return STEPS[name].format(
        engine=_ENGINES.get(engine, "the engine"),
        model=_word(model) or "MODEL",
        host=_word(host) or "HOST",
        flag=flag or "the flag",
        port=port or "the port",
    )


def _word(name: str) -> str:
    plain = name.strip()
    return plain if len(plain) <= _LONGEST and _PLAIN.fullmatch(plain) else ""

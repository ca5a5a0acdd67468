"""llama-server with one GGUF file."""

from __future__ import annotations

from magnusctl.engines.launch import CREDENTIAL, Instance, Launch
from magnusctl.roles.context import Context
from magnusctl.roles.engines.llamacpp import BREW, FOLDER, KEY, MIB

CACHE_TYPES = {"f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl", "f32"}


def launch(context: Context, instance: Instance) -> Launch:
    """Its context is for all conversations together, and nothing is cut silently."""
    llama, mac = context.variables.inference.llamacpp, context.host.macos
    gpu = bool(context.host.hardware.gpus)
    options: dict[str, object] = {
        "--model": instance.path,
        "--alias": instance.model,
        "--host": "127.0.0.1",
        "--port": instance.port,
        "--ctx-size": instance.context * instance.sequences,
        "--parallel": instance.sequences,
        "--cache-ram": llama.prompt_cache // MIB,
    }
    if not mac:
        threads = instance.cores or _threads(context)
        # As it was planned: by itself the role leaves a card alone.
        layers = instance.gpu_layers if instance.gpu_layers is not None else "all"
        layers = layers if gpu else llama.gpu_layers
        options |= {"--threads": threads, "--threads-batch": threads, "--n-gpu-layers": layers}
        options |= {"--load-mode": llama.load_mode, "--timeout": f"{llama.timeout:.0f}"}
    if instance.kv_dtype in CACHE_TYPES:
        options |= {"--cache-type-k": instance.kv_dtype, "--cache-type-v": instance.kv_dtype}
    words = [str(word) for pair in options.items() for word in pair]
    words += ["--metrics", "--no-ui", "--offline"]
    if instance.kind != "chat":
        words.append("--embeddings")
    keyed = context.variables.inference.api_key
    if keyed:
        words += ["--api-key-file", KEY if mac else CREDENTIAL]
    return Launch(
        program=(BREW if mac else f"{FOLDER}/llama-server", *words, *instance.arguments),
        environment=(("HOME", "/var/magnus" if mac else "/var/cache/magnus/llamacpp"),),
        cache="llamacpp",
        credential=f"api-key:{KEY}" if keyed and not mac else "",
        key=f"plain:{KEY}" if keyed else "-",
        gpu=gpu,
        memory_max=None if gpu or mac else instance.memory,
    )


def _threads(context: Context) -> int:
    """All but the reserve: with one too many every token waits for it."""
    reserve = context.variables.inference.reserve.cores
    return max(1, (context.host.hardware.cores or 1 + reserve) - reserve)

"""mlx_lm.server, held to one model: by itself it loads whatever a request names."""

from __future__ import annotations

from magnusctl.engines.launch import Instance, Launch
from magnusctl.resources.file import File
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import LOGS
from magnusctl.roles.engines.mlx import ENVIRONMENT, GIB, LOG, WRAPPER
from magnusctl.roles.storage import folder_of


def launch(context: Context, instance: Instance) -> Launch:
    """Its health route answers before the model is loaded; what it lists is told only then."""
    mlx, mac = context.variables.inference.mlx, context.host.macos
    options: dict[str, object] = {
        "--model": instance.path,
        "--host": "127.0.0.1",
        "--port": instance.port,
        "--max-tokens": min(mlx.max_tokens, instance.context),
        "--decode-concurrency": min(mlx.decode_concurrency, instance.sequences),
        "--prompt-concurrency": mlx.prompt_concurrency,
        "--prefill-step-size": mlx.prefill_step_tokens,
        "--prompt-cache-size": mlx.prompt_cache_entries,
        "--prompt-cache-bytes": mlx.prompt_cache,
    }
    words = [str(word) for pair in options.items() for word in pair]
    home = "/var/magnus" if mac else "/var/cache/magnus/mlx"
    log = f"{LOGS}/{instance.label}.app.log" if mac else f"{home}/{instance.label}.log"
    return Launch(
        program=(f"{ENVIRONMENT}/bin/python", WRAPPER, *words, *instance.arguments),
        environment=(
            ("HOME", home),
            ("HF_HOME", f"{folder_of(context)}/hf"),
            ("HF_HUB_OFFLINE", "1"),
            ("HF_HUB_DISABLE_TELEMETRY", "1"),
            ("PYTHONUNBUFFERED", "1"),
            ("MAGNUS_LOG", log),
            ("MAGNUS_MODEL", instance.model),
            ("MAGNUS_CONTEXT", str(instance.context)),
        ),
        files=() if mac else (_wrapper(context),),
        cache="mlx",
        health="/v1/models",
        memory_max=None if mac else instance.memory,
    )


def _wrapper(context: Context) -> File:
    """On a Mac the role brings it, with the limits of its GPU."""
    memory = context.host.hardware.memory or 8 * GIB
    content = context.render(
        "inference/mlx_serve.py.j2",
        memory_limit_bytes=memory - context.variables.inference.reserve.memory,
        cache_limit_bytes=context.variables.inference.mlx.buffer_cache,
        **LOG,
    )
    return File(path=WRAPPER, content=content, mode="0755")

"""vLLM: what it is told stands in a file, and its key in another that only root reads."""

from __future__ import annotations

from magnusctl.engines.launch import Instance, Launch
from magnusctl.inventory.models import Served
from magnusctl.resources.file import File
from magnusctl.roles import storage
from magnusctl.roles.context import Context
from magnusctl.roles.engines.vllm import ENVIRONMENT, GIB
from magnusctl.roles.storage import folder_of

_HOME = "/var/cache/magnus/vllm"


def launch(context: Context, instance: Instance) -> Launch:
    """One server for one model; its share of the card is what the plan reckoned with."""
    inference, gpu = context.variables.inference, bool(context.host.hardware.gpus)
    share = instance.gpu_share or inference.vllm.gpu_share
    served = Served.model_construct(context=instance.context, sequences=instance.sequences)
    path, secret = f"{instance.folder}.yaml", f"{instance.folder}.env"
    text = context.render(
        "inference/vllm.yaml.j2",
        path=instance.path,
        name_of=instance.model,
        served=served,
        port=instance.port,
        host_address="127.0.0.1",
        vllm=inference.vllm,
        gpu=gpu,
        gpu_share=f"{share:.2f}",
    )
    if instance.kv_dtype not in ("", "f16", "bf16", "auto"):
        text += f"kv-cache-dtype: {instance.kv_dtype}\n"
    keys = context.render("inference/vllm.env.j2", api_key=inference.api_key)
    return Launch(
        program=(f"{ENVIRONMENT}/bin/vllm", "serve", "--config", path, *instance.arguments),
        environment=_environment(context, instance, gpu),
        files=(
            File(path=path, content=text, mode="0640", group=storage.MODELS),
            File(path=secret, content=keys, mode="0600"),
        ),
        cache="vllm",
        environment_file=secret,
        key=f"env:{secret}" if inference.api_key else "-",
        gpu=gpu,
        memory_max=inference.vllm.memory_max if gpu else instance.memory,
    )


def _environment(context: Context, instance: Instance, gpu: bool) -> tuple[tuple[str, str], ...]:
    names = {
        "HOME": _HOME,
        "HF_HOME": f"{folder_of(context)}/hf",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_CACHE_ROOT": _HOME,
        "VLLM_LOGGING_COLOR": "0",
    }
    if gpu:
        # The sampler of FlashInfer would be compiled with whatever nvcc it finds.
        names |= {"VLLM_USE_FLASHINFER_SAMPLER": "0", "FLASHINFER_WORKSPACE_BASE": _HOME}
    else:
        cache = context.variables.inference.vllm.cpu_cache // GIB
        # Else its inner links take the host's outer address.
        names |= {"VLLM_CPU_KVCACHE_SPACE": str(cache), "VLLM_HOST_IP": "127.0.0.1"}
        if instance.cpus:
            names["VLLM_CPU_OMP_THREADS_BIND"] = instance.cpus
    return tuple(names.items())

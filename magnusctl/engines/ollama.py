"""Ollama: one server has all models, so a release is a name in it, made from a file of words."""

from __future__ import annotations

from magnusctl.engines.launch import Instance, Launch
from magnusctl.resources.file import File
from magnusctl.roles.context import Context
from magnusctl.roles.engines.ollama import BREW, FOLDER


def launch(context: Context, instance: Instance) -> Launch:
    """Its context is explicit: by itself Ollama takes a shorter one, and cuts what is longer."""
    mac = context.host.macos
    path = f"{instance.folder}.modelfile"
    lines = [f"FROM {instance.path}", f"PARAMETER num_ctx {instance.context}"]
    if instance.gpu_layers is not None:
        lines.append(f"PARAMETER num_gpu {instance.gpu_layers}")
    text = "".join(f"{line}\n" for line in lines)
    return Launch(
        program=(BREW if mac else f"{FOLDER}/bin/ollama",),
        files=(File(path=path, content=text, group=context.root_group),),
        health="/api/version",
        gpu=bool(context.host.hardware.gpus),
        driver="ollama",
        modelfile=path,
    )

"""vLLM: an environment by its lock, and an instance of one unit for each model."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.inventory.models import Served
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.roles import python, storage
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import UNITS
from magnusctl.roles.engines import common
from magnusctl.roles.ports import listen_address, models_with_ports, needs_of
from magnusctl.state import Resource

GIB = 1024**3
UNIT = f"{UNITS}/magnus-vllm@.service"
ENVIRONMENT = "/opt/magnus/venvs/vllm"


def resources(context: Context) -> Iterator[Resource]:
    """The environment, the unit, and what each model is served with."""
    vllm = context.variables.inference.vllm
    # Triton and Inductor compile at run time.
    for name in ("gcc", "libc6-dev"):
        yield Package(package=name)
    installed: tuple[str, ...] = ()
    if vllm.lock != "none":
        yield from python.uv(context)
        yield from python.environment(context, "vllm", vllm.lock)
        installed = (f"environment:{ENVIRONMENT}",)
    yield from python.opt(context)
    yield from common.helpers(context)
    yield from common.gpu_nodes(context)
    yield from common.configuration(context, "vllm")
    yield File(path=UNIT, content=_unit(context), validator="unit", after=installed)
    for name, served, port in models_with_ports(context, "vllm"):
        yield from _model(context, name, served, port, installed)


def _unit(context: Context) -> str:
    vllm = context.variables.inference.vllm
    values = common.unit_values(context)
    values |= {"vllm": vllm, "cpu_cache_gib": vllm.cpu_cache // GIB}
    # On a card the budget of a model is the card's memory; RAM has a bound of its own.
    values["memory_max"] = vllm.memory_max
    return context.render("inference/vllm.service.j2", **values)


def _model(
    context: Context, name: str, served: Served, port: int, installed: tuple[str, ...]
) -> Iterator[Resource]:
    inference = context.variables.inference
    folder = "/etc/magnus/vllm"
    path = needs_of(context, "vllm", served)
    gpus = context.host.hardware.gpus
    values = {"vllm": inference.vllm, "gpu": bool(gpus), "gpu_share": _share(context, served)}
    yield File(
        path=f"{folder}/{name}.yaml",
        content=context.render(
            "inference/vllm.yaml.j2",
            path=path,
            name_of=name,
            served=served,
            port=port,
            host_address=listen_address(context),
            **values,
        ),
        mode="0640",
        group=storage.MODELS,
        after=(f"group:{storage.MODELS}",),
    )
    yield File(
        path=f"{folder}/{name}.env",
        content=context.render("inference/vllm.env.j2", api_key=inference.api_key),
        mode="0600",
    )
    drop_in = f"{UNITS}/magnus-vllm@{name}.service.d/10-magnus.conf"
    yield from _instance(context, name, served, drop_in)
    parts = (f"{folder}/{name}.yaml", f"{folder}/{name}.env", UNIT, drop_in)
    files = tuple(f"file:{part}" for part in parts)
    helpers = tuple(f"file:{common.LIBEXEC}/{helper}" for helper in common.HELPERS)
    yield Service(
        unit=f"magnus-vllm@{name}",
        restart_on=(*files, *helpers, *installed),
        after=(*common.waits_for(context), *storage.mounted(context), "package:gcc"),
        needs=path,
        seconds=int(inference.vllm.start_timeout) + common.MARGIN_S,
    )


def _share(context: Context, served: Served) -> str:
    """Of the cards' memory, what a model may take; one that does not say takes all but a rest."""
    most = context.variables.inference.vllm.gpu_share
    total = sum(gpu.memory for gpu in context.host.hardware.gpus)
    if not served.memory or not total:
        return f"{most:.2f}"
    # Rounded down: what one takes too much, another lacks.
    return f"{min(most, int(100 * served.memory / total) / 100):.2f}"


def _instance(context: Context, name: str, served: Served, path: str) -> Iterator[Resource]:
    """One unit is for all models: what each has of its own is in a drop-in of its own."""
    yield Directory(path=path.rpartition("/")[0])
    values = common.unit_values(context) | {
        "path": needs_of(context, "vllm", served),
        "cpus": common.cores_of(context).get(name, ""),
        "memory_max": common.memory_of(served),
    }
    yield File(path=path, content=context.render("inference/vllm-instance.conf.j2", **values))

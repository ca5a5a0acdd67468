"""Ollama: one server for all of its models, with every bound of it stated."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.package import Package
from magnusctl.roles import daemon, mac, python, storage
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import Job
from magnusctl.roles.engines import common
from magnusctl.roles.ports import listen_address, models_with_ports, ollama_port
from magnusctl.state import Resource

FOLDER = "/opt/magnus/ollama"
BREW = "/opt/homebrew/bin/ollama"


def resources(context: Context) -> Iterator[Resource]:
    """The program, its folders, and the service."""
    if context.host.macos:
        yield from _mac(context)
        return
    yield Package(package="zstd")
    yield from python.opt(context)
    yield from common.helpers(context)
    yield from common.gpu_nodes(context)
    yield from python.unpacked(
        context, FOLDER, context.variables.inference.ollama.archive, "package:zstd"
    )
    models = [served for _, served, _ in models_with_ports(context, "ollama")]
    values = common.unit_values(context)
    values |= {
        "ollama": context.variables.inference.ollama,
        "port": ollama_port(context),
        "cpus": common.cores_of(context).get("ollama", ""),
        "memory_max": None if values["gpu"] else common.memory_of(*models),
    }
    last = f"{daemon.UNITS}/ollama.service.d/zz-magnus.conf"
    yield Directory(path=last.rpartition("/")[0])
    yield File(path=last, content=context.render("inference/ollama-last.conf.j2", **values))
    needed = (f"archive:{FOLDER}", f"file:{common.LIBEXEC}/wait-addr", f"file:{last}")
    yield from daemon.unit(
        "ollama",
        context.render("inference/ollama.service.j2", **values),
        restart_on=needed,
        after=(
            *common.waits_for(context),
            *storage.mounted(context),
            f"directory:{storage.folder_of(context)}/ollama",
        ),
    )


def _mac(context: Context) -> Iterator[Resource]:
    """Not the app with `launchctl setenv`, which needs a login and forgets with each boot."""
    ollama = context.variables.inference.ollama
    yield Package(package="ollama")
    yield daemon.logs(storage.MAC_USER, f"user:{storage.MAC_USER}")
    environment = {
        "HOME": "/var/magnus",
        "OLLAMA_HOST": f"{listen_address(context)}:{ollama_port(context)}",
        "OLLAMA_MODELS": f"{storage.folder_of(context)}/ollama",
        "OLLAMA_KEEP_ALIVE": ollama.keep_alive,
        "OLLAMA_NUM_PARALLEL": str(ollama.parallel),
        "OLLAMA_MAX_LOADED_MODELS": str(ollama.loaded_models),
        "OLLAMA_CONTEXT_LENGTH": str(ollama.context_tokens),
        "OLLAMA_KV_CACHE_TYPE": ollama.cache_type,
        "OLLAMA_FLASH_ATTENTION": "1",
        "OLLAMA_MAX_QUEUE": str(ollama.max_queue),
        "OLLAMA_LOAD_TIMEOUT": f"{ollama.load_timeout:.0f}s",
        "OLLAMA_NO_CLOUD": "1",
        "OLLAMA_NOPRUNE": "1",
    }
    yield mac.lets_in(BREW, "package:ollama")
    wanted = Job(
        label="net.magnus.ollama",
        program=("/usr/bin/caffeinate", "-s", BREW, "serve"),
        user=storage.MAC_USER,
        environment=tuple(environment.items()),
        folder="/var/magnus",
        log=f"{daemon.LOGS}/ollama.log",
        keep_alive=True,
    )
    after = ("package:ollama", f"directory:{daemon.LOGS}")
    yield from daemon.job(context, wanted, after=after, needs=BREW)

"""llama.cpp: one llama-server for each model, from a GGUF file."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.inventory.models import Served
from magnusctl.resources.file import File
from magnusctl.resources.package import Package
from magnusctl.roles import daemon, mac, python, storage
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import Job
from magnusctl.roles.engines import common
from magnusctl.roles.ports import listen_address, models_with_ports, needs_of
from magnusctl.state import Resource

FOLDER = "/opt/magnus/llama.cpp"
BREW = "/opt/homebrew/bin/llama-server"
KEY = "/etc/magnus/llamacpp/api-key"
MIB = 1024**2
START_S = 900


def resources(context: Context) -> Iterator[Resource]:
    """The program, and a service for each model."""
    if context.host.macos:
        yield Package(package="llama.cpp")
        yield daemon.logs(storage.MAC_USER, f"user:{storage.MAC_USER}")
        yield mac.lets_in(BREW, "package:llama.cpp")
        yield from common.configuration(context, "llamacpp")
        yield from _key(context)
        for name, served, port in models_with_ports(context, "llamacpp"):
            yield from _mac(context, name, served, port)
        return
    # What upstream's build is linked with.
    yield Package(package="libgomp1")
    yield from python.opt(context)
    yield from common.helpers(context)
    yield from python.unpacked(context, FOLDER, context.variables.inference.llamacpp.archive)
    yield from common.gpu_nodes(context)
    yield from common.configuration(context, "llamacpp")
    yield from _key(context)
    for name, served, port in models_with_ports(context, "llamacpp"):
        yield from _linux(context, name, served, port)


def _key(context: Context) -> Iterator[Resource]:
    """The key that clients show. On a Mac the server itself reads the file."""
    secret, mac_user = context.variables.inference.api_key, context.host.macos
    if secret:
        yield File(
            path=KEY,
            content=context.render("inference/api-key.j2", api_key=secret),
            mode="0400" if mac_user else "0600",
            owner=storage.MAC_USER if mac_user else "root",
            group=context.root_group,
            after=(f"user:{storage.MAC_USER}",) if mac_user else (),
        )


def threads_of(context: Context, served: Served) -> int:
    """Its own cores; else all but the reserve: with one too many every token waits for it."""
    reserve = context.variables.inference.reserve.cores
    return served.cores or max(1, (context.host.hardware.cores or 1 + reserve) - reserve)


def _linux(context: Context, name: str, served: Served, port: int) -> Iterator[Resource]:
    inference = context.variables.inference
    endpoint = f"/etc/magnus/llamacpp/{name}.endpoint"
    address = listen_address(context)
    yield File(
        path=endpoint,
        content=context.render("inference/endpoint.j2", host_address=address, port=port),
    )
    values = common.unit_values(context) | {
        "llamacpp": inference.llamacpp,
        "prompt_cache_mib": inference.llamacpp.prompt_cache // MIB,
        "name_of": name,
        "served": served,
        "path": needs_of(context, "llamacpp", served),
        "port": port,
        "program": f"{FOLDER}/llama-server",
        "context_total": served.context * served.sequences,
        "threads": threads_of(context, served),
        "start_timeout_s": START_S,
        "api_key": inference.api_key,
        "cpus": common.cores_of(context).get(name, ""),
    }
    values["memory_max"] = None if values["gpu"] else common.memory_of(served)
    key = (f"file:{KEY}",) if inference.api_key else ()
    helpers = tuple(f"file:{common.LIBEXEC}/{helper}" for helper in common.HELPERS)
    yield from daemon.unit(
        f"magnus-llamacpp-{name}",
        context.render("inference/llamacpp.service.j2", **values),
        restart_on=(f"archive:{FOLDER}", f"file:{endpoint}", *helpers, *key),
        after=(*common.waits_for(context), *storage.mounted(context), "package:libgomp1"),
        needs=needs_of(context, "llamacpp", served),
        seconds=START_S + common.MARGIN_S,
    )


def _mac(context: Context, name: str, served: Served, port: int) -> Iterator[Resource]:
    llama, words = context.variables.inference.llamacpp, [BREW]
    options = {
        "--model": needs_of(context, "llamacpp", served),
        "--alias": name,
        "--host": listen_address(context),
        "--port": port,
        "--ctx-size": served.context * served.sequences,
        "--parallel": served.sequences,
        "--cache-ram": llama.prompt_cache // MIB,
    }
    key = context.variables.inference.api_key
    if key:
        options["--api-key-file"] = KEY
    words += [str(word) for pair in options.items() for word in pair]
    wanted = Job(
        label=f"net.magnus.llamacpp-{name}",
        program=("/usr/bin/caffeinate", "-s", *words, "--metrics", "--no-ui", "--offline"),
        user=storage.MAC_USER,
        environment=(("HOME", "/var/magnus"),),
        folder="/var/magnus",
        log=f"{daemon.LOGS}/llamacpp-{name}.log",
        keep_alive=True,
    )
    after = ("package:llama.cpp", f"directory:{daemon.LOGS}")
    triggers = (f"file:{KEY}",) if key else ()
    needs = needs_of(context, "llamacpp", served)
    yield from daemon.job(context, wanted, restart_on=triggers, after=after, needs=needs)

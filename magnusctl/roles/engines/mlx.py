"""mlx_lm.server on a Mac: bounded on every side, since without bounds the kernel panics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from magnusctl.errors import InputError
from magnusctl.inventory.models import Served
from magnusctl.resources.file import File
from magnusctl.roles import daemon, mac, python, storage
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import JOBS, LOGS, Job
from magnusctl.roles.engines import common
from magnusctl.roles.ports import listen_address, models_with_ports, needs_of
from magnusctl.state import Resource

ENVIRONMENT = "/opt/magnus/venvs/mlx"
WRAPPER = f"{common.LIBEXEC}/mlx_serve.py"
WATCHDOG = f"{common.LIBEXEC}/mlx-watchdog"
WIRED = "net.magnus.iogpu"
ROOT_LOGS = "/var/log"
"""Of root's own jobs: not the folder of the engines, where another account could put a link."""
MIB, GIB = 1024**2, 1024**3
LOG = {"log_bytes": 10 * MIB, "log_count": 5}
MISSES, HOUR_S = 3, 3600
ROTATED = {"keep": 5, "size_kib": 10240}


def resources(context: Context) -> Iterator[Resource]:
    """The environment, the memory limit, and a server with its watchdog for each model."""
    inference, user = context.variables.inference, f"user:{storage.MAC_USER}"
    yield daemon.logs(storage.MAC_USER, user)
    yield from python.uv(context)
    yield from python.environment(context, "mlx", inference.mlx.lock)
    yield from _wired(context)
    yield File(
        path=WRAPPER,
        content=context.render(
            "inference/mlx_serve.py.j2",
            memory_limit_bytes=wired_limit_mib(context) * MIB,
            cache_limit_bytes=inference.mlx.buffer_cache,
            **LOG,
        ),
        mode="0755",
        group="wheel",
    )
    yield mac.lets_in(f"{ENVIRONMENT}/bin/python", f"environment:{ENVIRONMENT}")
    models = models_with_ports(context, "mlx")
    for name, served, port in models:
        yield from _model(context, name, served, port)
    names = [f"{LOGS}/{_label(name)}.log" for name, _, _ in models]
    yield File(
        path="/etc/newsyslog.d/magnus.conf",
        content=context.render(
            "base/newsyslog.conf.j2", logs=names, owner=storage.MAC_USER, **ROTATED
        ),
        group="wheel",
    )


def wired_limit_mib(context: Context) -> int:
    """MiB that the GPU may wire: all of the memory less what stays with macOS.

    Raises InputError for a Mac whose memory nobody declared.
    """
    memory = context.host.hardware.memory
    if memory is None:
        hint = f"Add 'memory: 48GiB' below hosts: {context.name}: hardware:."
        raise InputError("mlx needs to know how much memory the Mac has", hint=hint)
    limit = memory - context.variables.inference.mlx.wired_reserve
    if limit < GIB:
        hint = "Lower 'wired_reserve' below variables: inference: mlx:, or take another engine."
        raise InputError("less than 1 GiB is left for models beside macOS", hint=hint)
    return limit // MIB


def _wired(context: Context) -> Iterator[Resource]:
    """It is gone with every boot, so a job of launchd sets it again."""
    limit = f"iogpu.wired_limit_mb={wired_limit_mib(context)}"
    wanted = Job(
        label=WIRED,
        program=("/usr/sbin/sysctl", limit),
        log=f"{ROOT_LOGS}/{WIRED}.log",
    )
    yield from daemon.job(context, wanted)


def _label(name: str) -> str:
    return f"net.magnus.mlx-{name}"


def _model(context: Context, name: str, served: Served, port: int) -> Iterator[Resource]:
    folder, path = storage.folder_of(context), needs_of(context, "mlx", served)
    environment = f"environment:{ENVIRONMENT}"
    yield from daemon.job(
        context,
        _server(context, name, _words(context, served, port)),
        restart_on=(f"file:{WRAPPER}", environment, f"file:{JOBS}/{WIRED}.plist"),
        after=(f"directory:{LOGS}", f"directory:{folder}/hf/hub"),
        needs=path,
    )
    yield from _watchdog(context, name, port, path)


def _words(context: Context, served: Served, port: int) -> list[str]:
    """How the server is called; each bound of it is one of memory."""
    mlx = context.variables.inference.mlx
    options = {
        "--model": needs_of(context, "mlx", served),
        "--host": listen_address(context),
        "--port": port,
        "--max-tokens": mlx.max_tokens,
        "--decode-concurrency": min(mlx.decode_concurrency, served.sequences),
        "--prompt-concurrency": mlx.prompt_concurrency,
        "--prefill-step-size": mlx.prefill_step_tokens,
        "--prompt-cache-size": mlx.prompt_cache_entries,
        "--prompt-cache-bytes": mlx.prompt_cache,
    }
    return [str(word) for pair in options.items() for word in pair]


def _server(context: Context, name: str, words: Sequence[str]) -> Job:
    folder = storage.folder_of(context)
    # While the server lives the Mac does not sleep, and no longer.
    awake = ("/usr/bin/caffeinate", "-s")
    return Job(
        label=_label(name),
        program=(*awake, f"{ENVIRONMENT}/bin/python", WRAPPER, *words),
        user=storage.MAC_USER,
        environment=(
            ("HOME", "/var/magnus"),
            ("HF_HOME", f"{folder}/hf"),
            ("HF_HUB_OFFLINE", "1"),
            ("HF_HUB_DISABLE_TELEMETRY", "1"),
            ("PYTHONUNBUFFERED", "1"),
            ("MAGNUS_LOG", f"{LOGS}/{_label(name)}.app.log"),
        ),
        folder="/var/magnus",
        log=f"{LOGS}/{_label(name)}.log",
        keep_alive=True,
    )


def _watchdog(context: Context, name: str, port: int, path: str) -> Iterator[Resource]:
    mlx, script = context.variables.inference.mlx, f"{WATCHDOG}-{name}"
    yield File(
        path=script,
        content=context.render(
            "inference/mlx-watchdog.j2",
            url=f"http://{listen_address(context)}:{port}",
            label=_label(name),
            restarts_per_hour=mlx.watchdog_restarts_per_hour,
            misses=MISSES,
            hour_s=HOUR_S,
        ),
        mode="0755",
        group="wheel",
        validator="shell",
    )
    watchdog = Job(
        label=f"{_label(name)}-watchdog",
        program=(script,),
        interval_s=int(mlx.watchdog_interval),
        log=f"{ROOT_LOGS}/{_label(name)}-watchdog.log",
    )
    yield from daemon.job(
        context,
        watchdog,
        restart_on=(f"file:{script}",),
        needs=path,
    )

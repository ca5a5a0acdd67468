"""What proves each role, in a visible table: questions to a host, each with its judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from magnusctl.checks import (
    cards,
    clock,
    disk,
    diskspeed,
    doors,
    engine,
    gpu,
    mac,
    realtime,
    upkeep,
    wire,
)
from magnusctl.checks.custom import Custom, Judge, Judgement, failed, passed, unknown
from magnusctl.inventory.budgets import engines_of
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.select import variables_of
from magnusctl.render import Render
from magnusctl.roles import cuda, network, storage
from magnusctl.roles.context import Context
from magnusctl.roles.engines import mlx
from magnusctl.roles.mac import NEVER_SLEEP
from magnusctl.roles.ports import listen_address, models_with_ports, needs_of, ollama_port

CLOCK_S = 0.005
"""What a clock may be off by, in seconds: what a VPS over the internet can hold."""
Found = Iterator[tuple[str, str, Judge]]
_TORCH = """
"$MAGNUS_ROOT/opt/magnus/venvs/{}/bin/python" -B -c '
import torch; print(torch.__version__, torch.cuda.is_available())' 2>&1 | tail -n 1
"""


def _base(context: Context) -> Found:
    if context.host.connection == "local":
        return
    yield "sshd", doors.SSHD, doors.sshd
    yield "key-files", doors.KEY_FILES, doors.key_files
    if context.host.macos:
        yield "memory-pressure", mac.MEMORY, mac.memory
        if "inference" in context.host.roles:
            yield from _mac(context)
        return
    yield "clock", clock.RUN, clock.offset_judge(CLOCK_S)
    if context.variables.base.firewall.enabled:
        yield "firewall", doors.FIREWALL, doors.firewall
    yield "journal", upkeep.JOURNAL, upkeep.journal
    yield "boot-due", upkeep.BOOT, upkeep.boot
    yield "updates", upkeep.UPDATES, upkeep.updates


def _mac(context: Context) -> Found:
    base = context.variables.base
    yield "sleep", mac.SLEEP, mac.awake(NEVER_SLEEP)
    yield "updates", mac.UPDATES, mac.updates
    yield "filevault", mac.FILEVAULT, mac.filevault(base.filevault)
    yield "full-disk-access", mac.FULL_DISK, mac.full_disk
    if base.firewall.enabled:
        yield "firewall", mac.FIREWALL, mac.firewall


def _network(context: Context) -> Found:
    macos = context.host.macos
    for name, link in context.inventory.links_of(context.name):
        end = link.ends[context.name]
        if link.kind not in ("ethernet", "thunderbolt"):
            continue
        if macos:
            run = wire.static_macos(network.service_of(link, end), end.interface)
            yield f"address-{name}", run, wire.macos_address(end.address, link.mtu)
        else:
            judge = wire.linux_address(end.address, end.mac, end.interface, link.mtu)
            yield f"address-{name}", wire.ADDRESSES, judge
        if macos and link.kind == "thunderbolt":
            yield f"link-{name}", wire.THUNDERBOLT, wire.thunderbolt(link.speed)
        if link.kind != "ethernet" or not (end.mac or macos):
            continue
        run = wire.macos(end.interface) if macos else wire.linux(end.mac or "")
        yield f"link-{name}", run, wire.speed(link.speed, link.fallback)


def _storage(context: Context) -> Found:
    percent = context.variables.storage.min_free_percent
    folder = storage.folder_of(context)
    yield "room-for-models", disk.room(folder), disk.enough(percent)
    of_models = [one for one in context.host.hardware.disks if one.purpose == "models"]
    wanted = of_models[0].read if of_models else None
    yield "read-speed", diskspeed.text(folder, context.host.macos), diskspeed.fast(wanted)


def _cuda(context: Context) -> Found:
    wanted, gpus = context.variables.cuda, context.host.hardware.gpus
    yield "driver", gpu.DRIVER, gpu.driver
    if gpus:
        judges = {
            "card": cards.card([one.name for one in gpus]),
            "memory": cards.memory(min(one.memory for one in gpus)),
            "persistence": cards.PERSISTENCE,
            "power": cards.power(wanted.power_limit_watts),
            "temperature": cards.temperature(wanted.max_celsius),
            "throttle": cards.THROTTLE,
            "pcie": cards.PCIE,
            "ecc": cards.ECC,
        }
        if wanted.toolkit:
            judges["runtime"] = cards.runtime(wanted.toolkit)
        for name, judge in judges.items():
            yield name, gpu.SMI, judge
    yield "secure-boot", gpu.SECURE_BOOT, gpu.secure_boot
    yield "held-packages", upkeep.HOLDS, upkeep.holds(cuda.driver_packages(context))
    if wanted.toolkit:
        yield "toolkit", gpu.nvcc(wanted.toolkit), gpu.toolkit(wanted.toolkit)
    if wanted.tensorrt:
        yield "tensorrt", gpu.TENSORRT, gpu.tensorrt


def _inference(context: Context) -> Found:
    address = listen_address(context)
    for name in engines_of(context.inventory, context.name):
        if name == "ollama":
            port = ollama_port(context)
            yield "ollama-address", engine.sockets(port), engine.bound(address)
            url = f"http://{address}:{port}/api/version"
            yield "ollama-answers", engine.answers(url), engine.alive
            if context.host.hardware.gpus:
                url = f"http://{address}:{port}/api/ps"
                yield "ollama-on-gpu", engine.said(url), engine.on_gpu
            continue
        for model, served, port in models_with_ports(context, name):
            url, needs = f"http://{address}:{port}", needs_of(context, name, served)
            asked = {
                "address": (engine.sockets(port), engine.bound(address)),
                "answers": (engine.answers(f"{url}/health"), engine.alive),
            }
            if context.variables.inference.api_key and name in ("vllm", "llamacpp"):
                # llama-server lists its models to everybody.
                shut = "/props" if name == "llamacpp" else "/v1/models"
                asked["key"] = (engine.answers(f"{url}{shut}"), engine.locked)
            for what, (run, judge) in asked.items():
                yield f"{model}-{what}", engine.unless_waiting(needs, run), judge
        if (
            name == "vllm"
            and context.host.hardware.gpus
            and context.variables.inference.vllm.lock != "none"
        ):
            yield "pytorch", _TORCH.format("vllm"), _torch
        if name == "mlx":
            yield "mlx-device", mac.DEVICE, mac.device
            yield "wired-memory", mac.WIRED, mac.wired(mlx.wired_limit_mib(context))
            yield "kernel-panics", mac.PANICS, mac.panics
    secret_files = list(_secret_files(context))
    if secret_files:
        yield "secret-files", engine.private(secret_files), engine.kept_private


def _secret_files(context: Context) -> Iterator[str]:
    if not context.variables.inference.api_key:
        return
    engines = engines_of(context.inventory, context.name)
    if "llamacpp" in engines and not context.host.macos:
        yield "/etc/magnus/llamacpp/api-key"
    if "vllm" in engines:
        for model, _, _ in models_with_ports(context, "vllm"):
            yield f"/etc/magnus/vllm/{model}.env"


def _training(context: Context) -> Found:
    yield "pytorch", _TORCH.format("train"), _torch


def _torch(lines: Sequence[str]) -> Judgement:
    words = lines[0].split() if lines else []
    if len(words) == 2 and words[1] == "True":
        return passed(f"{words[0]} sees the card", "sees the card")
    if len(words) == 2 and words[1] == "False":
        remedy = "Driver too old for this build, or no driver: see the check cuda.driver."
        return failed(f"{words[0]} sees no card", "sees the card", remedy)
    return unknown(" ".join(words)[:80] or "it said nothing", "magnusctl provision")


def _trading(context: Context) -> Found:
    trading = context.variables.trading
    yield "huge-pages", realtime.HUGE_PAGES, realtime.huge_pages(trading.huge_pages)
    if trading.own_cmdline:
        yield "isolated-cpus", realtime.ISOLATED, realtime.isolated(trading.isolated_cpus)
    yield "io_uring", realtime.IO_URING, realtime.io_uring
    yield "governor", realtime.GOVERNOR, realtime.governor
    yield "rt-limits", realtime.LIMITS, realtime.limits(trading.max_priority)


CHECKS: Mapping[str, Callable[[Context], Found]] = {
    "base": _base,
    "network": _network,
    "storage": _storage,
    "cuda": _cuda,
    "inference": _inference,
    "training": _training,
    "trading": _trading,
}
SECONDS: Mapping[str, int] = {"pytorch": 60, "mlx-device": 60, "read-speed": 60}
LOAD = {"read-speed"}
"""What takes so much of a host that nothing else should need it then."""
_SHARED = {gpu.SMI: "nvidia-smi", wire.THUNDERBOLT: "thunderbolt", wire.ADDRESSES: "addresses"}
"""Questions that several checks ask."""


def checks_of(inventory: Inventory, name: str, render: Render) -> Iterator[Custom]:
    """The checks of a host's roles, in the order of the roles."""
    host = inventory.hosts[name]
    context = Context(inventory, name, host, variables_of(inventory, name), render)
    for role in host.roles:
        for check, run, judge in CHECKS[role](context) if role in CHECKS else ():
            seconds = SECONDS.get(check, 20)
            here, asks = frozenset({name}), _SHARED.get(run, "")
            yield Custom(f"{role}.{check}", run, judge, here, seconds, asks, check in LOAD)

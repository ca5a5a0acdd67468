"""A release as resources: the front that clients know, the model's files, its unit, the switch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from magnusctl.engines import ENGINES
from magnusctl.engines.launch import CREDENTIAL, Instance, Launch
from magnusctl.errors import InputError
from magnusctl.quote import sh
from magnusctl.releases.front import FRONT_LABEL, front
from magnusctl.releases.record import FOLDER, Record, text
from magnusctl.resources.artifact import Artifact
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.release import Release
from magnusctl.roles import storage
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import JOBS, LOGS, UNITS, Job
from magnusctl.roles.engines import common
from magnusctl.roles.ports import listen_address, ollama_port
from magnusctl.state import Resource, canonical, digest

TOKEN = "/etc/magnus/hub-token"
RESIDENT_SHARE = 0.85
"""Of the predicted weights, what must be in the memory where it belongs: less is a fallback."""
SPEAK_S = 120
SLOWEST_DISK = 100e6
"""Bytes/s that a start is given time for; a disk that was measured to be slower gets more."""
_PULL_S = 24 * 3600
_FLOOR_SHARE = 0.4
"""Of the predicted speed: a model on the wrong device is slower by far more."""


@dataclass(frozen=True)
class Wish:
    """What a deployment wants of a host: the release, its files, how it is switched to."""

    record: Record
    artifact: Artifact | None
    switch: str
    floor_tps: float = 0.0
    disk_bytes_s: float = SLOWEST_DISK
    drain_s: int = 60
    memory: int | None = None
    cores: int | None = None
    cpus: str = ""
    gpu_share: float | None = None


def resources(context: Context, wish: Wish) -> Iterator[Resource]:
    """Everything that a release stands on, in the order in which it comes to be."""
    yield from front(context, wish.record)
    if wish.artifact:
        yield Directory(
            path=f"{storage.folder_of(context)}/store",
            group=context.root_group if context.host.macos else storage.MODELS,
            mode="0755",
        )
        yield from hub_token(context)
        yield wish.artifact
    yield from release(context, wish)


def hub_token(context: Context) -> Iterator[Resource]:
    """What the hub wants to see, in a file that only root reads."""
    secret = context.variables.inference.hub_token
    if secret:
        text = f"{context.placeholder(secret)}\n"
        yield Directory(path="/etc/magnus", group=context.root_group)
        yield File(path=TOKEN, content=text, mode="0600", group=context.root_group)


def release(context: Context, wish: Wish) -> Iterator[Resource]:
    """The unit of a release, what the host keeps of it, and that it serves."""
    record, group = wish.record, context.root_group
    instance = instance_of(wish)
    launch = ENGINES[record.engine](context, instance)
    for path in ("/var/lib/magnus/models", f"{FOLDER}/{record.model}", record.folder):
        yield Directory(path=path, mode="0700", group=group)
    if launch.files:
        yield Directory(path="/etc/magnus/releases", group=group)
    units = [] if launch.driver else [_unit(context, record, instance, launch)]
    pulled = [*_pulled(context, record, launch)]
    yield from pulled
    files = [*launch.files, *units]
    for name, content in (("how", how(context, wish, launch)), ("record", text(record))):
        path = f"{record.folder}/{name}"
        files.append(File(path=path, content=content, mode="0600", group=group))
    yield from files
    front_runs = f"launchd:{FRONT_LABEL}" if context.host.macos else "service:magnus-front"
    weights = (wish.artifact.id,) if wish.artifact else ()
    yield Release(
        model=record.model,
        number=record.number,
        switch="instead" if wish.switch == "instead" else "beside",
        drain_s=wish.drain_s,
        seconds=switch_seconds(wish),
        # Without one of these there is nothing to switch to.
        after=(front_runs, *weights, *(one.id for one in (*pulled, *files))),
    )


def _pulled(context: Context, record: Record, launch: Launch) -> Iterator[Resource]:
    """What Ollama fetches itself: by its own digests, and gone on with after a cut."""
    if launch.driver and not record.digest:
        told = (
            f"OLLAMA_HOST={sh(ollama_address(context))} HOME=/root system {sh(launch.program[0])}"
        )
        yield Command(
            label=f"ollama pulls {record.path}",
            run=f"{told} pull {sh(record.path)}",
            unless=f"{told} show {sh(record.path)}",
            seconds=_PULL_S,
        )


def ollama_address(context: Context) -> str:
    """Where the one server of Ollama listens."""
    return f"{listen_address(context)}:{ollama_port(context)}"


def launch_digest(context: Context, wish: Wish) -> str:
    """What an engine is told of a release, but for what every release has of its own."""
    instance = replace(instance_of(wish), number=0, port=0)
    launch = ENGINES[wish.record.engine](context, instance)
    files = [(file.path, file.content, file.mode) for file in launch.files]
    told = [launch.program, launch.environment, files, launch.memory_max, instance.cpus]
    return digest(canonical(told))[:16]


def instance_of(wish: Wish) -> Instance:
    """The release as its engine is told of it."""
    record = wish.record
    return Instance(
        model=record.model,
        number=record.number,
        path=record.path,
        port=record.port,
        context=record.context,
        sequences=record.sequences,
        kind=record.kind,
        kv_dtype=record.kv_dtype,
        memory=wish.memory,
        cores=wish.cores,
        cpus=wish.cpus,
        gpu_share=wish.gpu_share,
        gpu_layers=record.gpu_layers,
        arguments=record.arguments,
    )


def _unit(context: Context, record: Record, instance: Instance, launch: Launch) -> File:
    if context.host.macos:
        wanted = Job(
            label=record.unit,
            # While the server lives the Mac does not sleep, and no longer.
            program=("/usr/bin/caffeinate", "-s", *launch.program),
            user=storage.MAC_USER,
            environment=launch.environment,
            folder="/var/magnus",
            log=f"{LOGS}/{record.unit}.log",
            keep_alive=True,
        )
        content = context.render("daemon/job.plist.j2", job=wanted)
        path = f"{JOBS}/{record.unit}.plist"
        return File(path=path, content=content, group="wheel", validator="plist")
    values = common.unit_values(context) | {
        "instance": instance,
        "launch": launch,
        "engine": record.engine,
        "cpus": instance.cpus,
        "memory_max": launch.memory_max,
        "words": [systemd_word(word) for word in launch.program],
    }
    content = context.render("inference/release.service.j2", **values)
    return File(path=f"{UNITS}/{record.unit}", content=content, validator="unit")


def systemd_word(word: str) -> str:
    """A word of a command line as a unit has it. Raises InputError for one of several lines.

    Of systemd's own specifiers only that of the credential is meant as one.
    """
    if not word.isprintable():
        raise InputError(f"{word!r} is no single line", hint="Give one word at a time.")
    if word == CREDENTIAL:
        return word
    plain = word.replace("%", "%%").replace("$", "$$")
    if re.fullmatch(r"[\w@%+=:,./$-]+", plain):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def start_seconds(wish: Wish) -> int:
    """How long a start may take: its bytes at the disk's rate, twice, and what engines compile."""
    compiles = 300 if wish.record.engine == "vllm" else 60
    return int(2 * wish.record.weights / wish.disk_bytes_s) + compiles


def switch_seconds(wish: Wish) -> int:
    """How long a switch may take: its start, its answers, and the start of the old one again."""
    return 2 * start_seconds(wish) + 6 * SPEAK_S + 2 * wish.drain_s + 300


def how(context: Context, wish: Wish, launch: Launch) -> str:
    """What the host itself must know to start, judge and stop a release: a line for each value."""
    record, mac = wish.record, context.host.macos
    cuda = launch.gpu and not mac
    floor = wish.floor_tps or _FLOOR_SHARE * (record.predicted_tps or 0)
    values = {
        "UNIT": record.unit,
        "PLIST": f"{JOBS}/{record.unit}.plist" if mac else "-",
        "ADDRESS": listen_address(context) if launch.driver else "127.0.0.1",
        "PORT": record.port,
        "DRIVER": launch.driver or "-",
        "PROGRAM": launch.program[0],
        "MODELFILE": launch.modelfile or "-",
        "FRONT": record.front,
        "MODEL": f"{record.model}:{record.label}" if launch.driver else record.model,
        "KIND": record.kind,
        "HEALTH": launch.health,
        "KEY": launch.key,
        "MEMORY": "cuda" if cuda else "process",
        "RESIDENT": int(RESIDENT_SHARE * record.weights) if record.gpu_layers is None else 0,
        "FLOOR": f"{floor:.2f}",
        "SECONDS": start_seconds(wish),
        "SPEAK": SPEAK_S,
        "LOG": f"{LOGS}/{record.unit}.log" if mac else "-",
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())

"""Where models lie: a disk of their own, by its label, and a folder for each kind of file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from magnusctl.quote import sh
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.group import Group
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.resources.user import User
from magnusctl.roles.context import Context
from magnusctl.state import Resource

MODELS = "magnus-models"
SERVES = "magnus-llm"
TRAINS = "magnus-train"
MAC_USER = "_magnus"
HEALTH_PACKAGE = "smartmontools"


def folder_of(context: Context) -> str:
    """The folder of models on this host."""
    default = "/var/magnus" if context.host.macos else "/srv/models"
    return context.variables.storage.folder or default


def device_of(context: Context) -> str:
    """What is mounted there, or nothing."""
    storage = context.variables.storage
    return f"/dev/disk/by-label/{storage.label}" if storage.label else storage.device or ""


def mounted(context: Context) -> tuple[str, ...]:
    """What must be done before anything is written there: else it would fill the boot disk."""
    if "storage" not in context.host.roles or not device_of(context) or context.host.macos:
        return ()
    return (f"service:{mount_unit(folder_of(context))}",)


def mount_unit(folder: str) -> str:
    """The unit of a mount point, named as systemd-escape(1) has it."""
    return f"{_escaped(folder)}.mount"


def _escaped(path: str) -> str:
    words = path.strip("/").split("/")
    return "-".join(re.sub(r"[^A-Za-z0-9:_.]", lambda m: f"\\x{ord(m[0]):02x}", w) for w in words)


def resources(context: Context) -> Iterator[Resource]:
    """The mount, the folders, and what tells of a disk that dies."""
    if context.host.macos:
        yield from folders(context)
        yield from _mac(context)
        return
    yield Package(package=HEALTH_PACKAGE)
    if device_of(context):
        yield from _mount(context)
    # Flash that is never told what is free gets slower with every model that was replaced.
    yield Service(unit="fstrim.timer")
    yield from folders(context)


def _mount(context: Context) -> Iterator[Resource]:
    storage, folder, device = context.variables.storage, folder_of(context), device_of(context)
    unit = mount_unit(folder)
    there = f"model disk {device}"
    if device.startswith("/dev/"):
        hint = f"no such disk: e2label or xfs_admin -L gives it the label, lsblk -f lists {device}"
        yield Command(
            label=there,
            run=f"fail {sh(hint)}",
            unless=f'[ -e "$ROOT"{sh(device)} ]',
        )
    path = f"/etc/systemd/system/{unit}"
    yield File(
        path=path,
        content=context.render(
            "storage/models.mount.j2",
            device=device,
            folder=folder,
            filesystem=storage.filesystem,
            options=storage.options,
            timeout=storage.mount_timeout,
            checked=_escaped(device) if device.startswith("/dev/") else "",
        ),
        validator="unit",
    )
    after = (f"command:{there}",) if device.startswith("/dev/") else ()
    yield Service(unit=unit, restart_on=(f"file:{path}",), after=after)


def accounts(context: Context) -> Iterator[Resource]:
    """Who reads models, and who serves them: nobody that logs in."""
    if context.host.macos:
        yield Group(group=MAC_USER, system=True)
        yield User(
            user=MAC_USER,
            home="/var/magnus",
            shell="/usr/bin/false",
            comment="magnusctl engines",
            system=True,
            after=(f"group:{MAC_USER}",),
        )
        return
    yield Group(group=MODELS, system=True)
    trains = {TRAINS: "magnusctl training"} if "training" in context.host.roles else {}
    for name, comment in {SERVES: "magnusctl engines", **trains}.items():
        yield User(
            user=name,
            home=f"/var/lib/{name}",
            shell="/usr/sbin/nologin",
            comment=comment,
            groups=(MODELS,),
            system=True,
            after=(f"group:{MODELS}",),
        )


def folders(context: Context) -> Iterator[Resource]:
    """A folder for each kind of file. New files belong to the group that reads them (2750)."""
    yield from accounts(context)
    top, mac = folder_of(context), context.host.macos
    owner, group = (MAC_USER, MAC_USER) if mac else (SERVES, MODELS)
    after = (*mounted(context), f"user:{owner}", f"group:{group}")
    if top != "/" and not (mounted(context) and not mac):
        yield Directory(
            path=top, owner=owner if mac else "root", group=context.root_group, after=after
        )
    # Without its folder `hub` mlx_lm.server answers /v1/models with an empty body.
    for name in ("hf", "hf/hub", "gguf", "ollama", "adapters", "datasets"):
        mode = "0750" if mac else "2750"
        trains = name == "adapters" and "training" in context.host.roles
        who = TRAINS if trains else owner
        first = (*after, *([f"user:{TRAINS}"] if trains else []))
        yield Directory(path=f"{top}/{name}", mode=mode, owner=who, group=group, after=first)


def _mac(context: Context) -> Iterator[Resource]:
    """Weights are neither searched nor backed up: they can be had again."""
    path = f'"$ROOT"{sh(folder_of(context))}'
    # On the folder itself: a list of paths (-p) needs Full Disk Access.
    yield Command(
        label="no backups of models",
        run=f"system tmutil addexclusion {path}",
        unless=f"system tmutil isexcluded {path} | grep -q Excluded",
        undo=f"system tmutil removeexclusion {path}",
        after=(f"directory:{folder_of(context)}",),
    )

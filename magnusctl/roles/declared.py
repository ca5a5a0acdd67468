"""Resources that the inventory declares directly, beside its roles."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.inventory.specs import FileSpec, Resources
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.group import Group
from magnusctl.resources.hostname import Hostname
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.roles.context import Context, placed
from magnusctl.state import Resource


def groups(declared: Resources) -> Iterator[Resource]:
    """Groups come before everything, roles too, so that any user can be in them.

    A member that is declared as a user joins when the user is made.
    """
    for name, group in declared.groups.items():
        members = tuple(member for member in group.members if member not in declared.users)
        yield Group(group=name, members=members, system=group.system, ensure=group.ensure)


def resources(context: Context, declared: Resources) -> Iterator[Resource]:
    """In a fixed order, so that what is needed comes first: packages, users, files, services."""
    for package in declared.packages:
        yield Package(package=package)
    if declared.hostname:
        yield Hostname(hostname=declared.hostname)
    for name, user in declared.users.items():
        joined = (group for group, spec in declared.groups.items() if name in spec.members)
        yield User(
            user=name,
            home=user.home or "",
            shell=user.shell or "",
            comment=user.comment,
            groups=tuple(dict.fromkeys((*user.groups, *joined))),
            system=user.system,
            ensure=user.ensure,
        )
    for path, folder in declared.directories.items():
        group_name = folder.group or context.root_group
        yield Directory(
            path=path,
            mode=folder.mode,
            owner=folder.owner,
            group=group_name,
            ensure=folder.ensure,
        )
    for path, file in declared.files.items():
        yield _file(context, path, file)
    yield from _active(declared)


def _file(context: Context, path: str, file: FileSpec) -> File:
    with placed(f"for host {context.name}, resources: files: {path}"):
        content = context.render(file.template) if file.template else file.content or ""
    if file.secret:
        content = context.placeholder(file.secret) + "\n"
    return File(
        path=path,
        content=content,
        mode=file.mode,
        owner=file.owner,
        group=file.group or context.root_group,
        validator=file.validator or "-",
        ensure=file.ensure,
    )


def _active(declared: Resources) -> Iterator[Resource]:
    for key, value in declared.sysctls.items():
        yield Sysctl(key=key, value=str(value))
    for unit, service in declared.services.items():
        yield Service(
            unit=unit,
            enabled=service.enabled,
            running=service.running,
            reload=service.reload,
            restart_on=service.restart_on,
            after=service.after,
        )
    for label, command in declared.commands.items():
        yield Command(
            label=label,
            run=command.run,
            unless=command.unless,
            undo=command.undo,
            seconds=int(command.timeout),
            restart_on=command.restart_on,
            after=command.after,
        )

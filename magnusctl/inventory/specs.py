"""Resources as an inventory declares them directly, beside its roles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from magnusctl.inventory.fields import (
    AbsolutePath,
    Comment,
    HostName,
    Line,
    Member,
    Mode,
    PackageName,
    SysctlKey,
    Unit,
    UserName,
)
from magnusctl.inventory.providers import SecretName
from magnusctl.inventory.strict import Model
from magnusctl.inventory.units import Seconds


class FileSpec(Model):
    """A file: its text, a template of the project's folder `templates`, or a secret on a line."""

    content: str | None = None
    template: Line | None = None
    secret: SecretName | None = None
    mode: Mode = "0644"
    owner: UserName = "root"
    group: UserName | None = None
    validator: (
        Literal["apt", "chrony", "netplan", "newsyslog", "nft", "perl", "pf", "plist"]
        | Literal["shell", "sshd", "sudoers", "unit"]
        | None
    ) = None
    ensure: Literal["present", "absent"] = "present"


class DirectorySpec(Model):
    """A directory."""

    mode: Mode = "0755"
    owner: UserName = "root"
    group: UserName | None = None
    ensure: Literal["present", "absent"] = "present"


class UserSpec(Model):
    """A user account."""

    home: AbsolutePath | None = None
    shell: AbsolutePath | None = None
    groups: tuple[UserName, ...] = ()
    system: bool = False
    comment: Comment = ""
    ensure: Literal["present", "absent"] = "present"


class GroupSpec(Model):
    """A group of users."""

    members: tuple[Member, ...] = ()
    system: bool = False
    ensure: Literal["present", "absent"] = "present"


class ServiceSpec(Model):
    """A unit of systemd."""

    enabled: bool = True
    running: bool = True
    reload: bool = False
    restart_on: tuple[Line, ...] = ()
    after: tuple[Line, ...] = ()


class CommandSpec(Model):
    """A command that runs unless its guard succeeds, or when its triggers changed."""

    run: str
    unless: str = ""
    undo: Annotated[
        str, Field(description="What takes it back: run by a rollback, where 'unless' holds.")
    ] = ""
    timeout: Annotated[
        Seconds, Field(description="How long it may take, before all of it is killed.")
    ] = 600.0
    restart_on: tuple[Line, ...] = ()
    after: tuple[Line, ...] = ()


class Resources(Model):
    """Things declared directly, beside roles; they are applied in this order."""

    packages: tuple[PackageName, ...] = ()
    hostname: HostName | None = None
    groups: dict[UserName, GroupSpec] = {}
    users: dict[UserName, UserSpec] = {}
    directories: dict[AbsolutePath, DirectorySpec] = {}
    files: dict[AbsolutePath, FileSpec] = {}
    sysctls: dict[SysctlKey, Line | int] = {}
    services: dict[Unit, ServiceSpec] = {}
    commands: dict[Line, CommandSpec] = {}

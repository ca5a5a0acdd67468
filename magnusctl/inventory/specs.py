"""Resources as an inventory declares them directly, beside its roles."""

from __future__ import annotations

from typing import Literal

from magnusctl.inventory.fields import (
    AbsolutePath,
    Comment,
    Line,
    Member,
    Mode,
    PackageName,
    SysctlKey,
    Unit,
    UserName,
)
from magnusctl.inventory.strict import Model


class FileSpec(Model):
    """A file: its text, or a template in the project's folder `templates`."""

    content: str | None = None
    template: Line | None = None
    mode: Mode = "0644"
    owner: UserName = "root"
    group: UserName | None = None
    validator: Literal["sshd", "sudoers", "chrony", "netplan", "unit", "plist"] | None = None
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
    restart_on: tuple[Line, ...] = ()
    after: tuple[Line, ...] = ()


class Resources(Model):
    """Things declared directly, beside roles; they are applied in this order."""

    packages: tuple[PackageName, ...] = ()
    groups: dict[UserName, GroupSpec] = {}
    users: dict[UserName, UserSpec] = {}
    directories: dict[AbsolutePath, DirectorySpec] = {}
    files: dict[AbsolutePath, FileSpec] = {}
    sysctls: dict[SysctlKey, Line | int] = {}
    services: dict[Unit, ServiceSpec] = {}
    commands: dict[Line, CommandSpec] = {}

"""Variables that roles read, with their defaults."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from magnusctl.inventory.fields import (
    AbsolutePath,
    Address,
    Comment,
    Line,
    PackageName,
    PublicKey,
    SysctlKey,
    UserName,
)
from magnusctl.inventory.strict import Model

Sysctls = Annotated[
    dict[SysctlKey, Line | int | None],
    Field(description="Kernel parameters; null takes one of the defaults away."),
]


class UserAccount(Model):
    """A person or program that logs in."""

    name: UserName
    authorized_keys: tuple[PublicKey, ...] = ()
    groups: tuple[UserName, ...] = ()
    shell: AbsolutePath | None = None
    comment: Comment = ""


class BaseVariables(Model):
    """Variables of the role base."""

    users: tuple[UserAccount, ...] = ()
    packages: tuple[PackageName, ...] = ()
    ntp_servers: tuple[Address, ...] = (
        "0.pool.ntp.org",
        "1.pool.ntp.org",
        "2.pool.ntp.org",
        "3.pool.ntp.org",
    )
    ssh_groups: Annotated[
        tuple[UserName, ...], Field(min_length=1, description="Groups that may log in.")
    ] = ("magnus-ssh",)
    ssh_max_sessions: Annotated[int, Field(ge=1, le=1000)] = 20
    sysctls: Sysctls = {"vm.swappiness": 10, "kernel.panic": 30}


class NetworkVariables(Model):
    """Variables of the role network."""

    hosts_file: bool = True
    sysctls: Sysctls = {
        "net.ipv4.tcp_mtu_probing": 1,
        "net.core.rmem_max": 67108864,
        "net.core.wmem_max": 67108864,
        "net.ipv4.tcp_rmem": "4096 131072 67108864",
        "net.ipv4.tcp_wmem": "4096 131072 67108864",
    }


class Variables(Model):
    """Variables by role; `custom` is free, for templates of your own."""

    base: BaseVariables = BaseVariables.model_construct()
    network: NetworkVariables = NetworkVariables.model_construct()
    custom: dict[str, str | int | float | bool] = {}

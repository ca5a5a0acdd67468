"""Variables of the roles base and network, with their defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from magnusctl.inventory.fields import (
    AbsolutePath,
    Address,
    Comment,
    Label,
    Line,
    Network,
    PackageName,
    Port,
    PublicKey,
    SysctlKey,
    UserName,
)
from magnusctl.inventory.strict import Model
from magnusctl.inventory.units import Bytes, Seconds

Sysctls = Annotated[
    dict[SysctlKey, Line | int | None],
    Field(description="Kernel parameters; null takes one of the defaults away."),
]
GIB = 1024**3


class UserAccount(Model):
    """A person or program that logs in."""

    name: UserName
    authorized_keys: tuple[PublicKey, ...] = ()
    groups: tuple[UserName, ...] = ()
    shell: AbsolutePath | None = None
    comment: Comment = ""


class SshVariables(Model):
    """How many may knock at sshd, and for how long."""

    max_startups: Annotated[
        Line, Field(description="Logins under way: from so many on some are refused, in percent.")
    ] = "20:30:60"
    login_grace: Seconds = 30.0
    alive_interval: Seconds = 30.0
    alive_count: Annotated[int, Field(ge=1, le=100)] = 4


class ClockVariables(Model):
    """How the clock is set."""

    max_change: Annotated[
        Seconds, Field(description="A protected host's clock never changes by more,")
    ] = 1.0
    max_change_after: Annotated[
        int, Field(ge=0, le=100, description="but for the first updates after a start.")
    ] = 3


class JournalVariables(Model):
    """How much of the system's log is kept."""

    max_use: Bytes = 2 * GIB
    keep_free: Bytes = 5 * GIB
    max_retention: Seconds = 30 * 86400.0
    rate_interval: Seconds = 30.0
    rate_burst: Annotated[int, Field(ge=0)] = 20_000


class Opening(Model):
    """A port that the firewall opens."""

    port: Port
    protocol: Literal["tcp", "udp"] = "tcp"
    sources: Annotated[
        tuple[Network, ...], Field(description="Networks that may use it; none named is everybody.")
    ] = ()


class FirewallVariables(Model):
    """What is let in. Everything else is dropped, but for what links and engines declare."""

    enabled: bool = True
    ssh_port: Annotated[
        Port | None, Field(description="Where sshd listens; without it the host's port, or 22.")
    ] = None
    ssh_sources: Annotated[
        tuple[Network, ...],
        Field(description="Networks that log in without a limit; from elsewhere it is counted."),
    ] = ()
    ssh_elsewhere: Annotated[
        bool, Field(description="Whether a login from any other network is let in at all.")
    ] = True
    ssh_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 10
    ssh_burst: Annotated[int, Field(ge=1, le=10_000)] = 20
    mdns: Annotated[
        bool, Field(description="Whether it is found by its name that ends in .local.")
    ] = True
    open: tuple[Opening, ...] = ()


class UpdatesVariables(Model):
    """Security updates that come by themselves."""

    enabled: bool = True
    blacklist: Annotated[
        tuple[Line, ...],
        Field(description="Python patterns of packages that never do, from their beginning."),
    ] = (
        "nvidia-",
        "libnvidia-",
        "linux-modules-nvidia-",
        "cuda-",
        "libcudnn",
        "libnvinfer",
        "tensorrt",
        "linux-(image|headers|modules|generic)",
    )


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
    ssh: SshVariables = SshVariables.model_construct()
    clock: ClockVariables = ClockVariables.model_construct()
    journal: JournalVariables = JournalVariables.model_construct()
    firewall: FirewallVariables = FirewallVariables.model_construct()
    updates: UpdatesVariables = UpdatesVariables.model_construct()
    filevault: Annotated[
        Literal["off", "on"],
        Field(
            description="macOS. With 'on' nothing starts after a power cut until somebody types"
            " the password: then that is not told as a fault."
        ),
    ] = "off"
    display_sleep: Annotated[
        Seconds, Field(description="macOS: when the display goes dark; the machine never sleeps.")
    ] = 600.0
    sysctls: Sysctls = {"vm.swappiness": 10, "kernel.panic": 30}


class NetworkVariables(Model):
    """Variables of the role network."""

    hosts_file: bool = True
    unsupported_sfp: Annotated[
        bool, Field(description="Have the ixgbe driver take modules that are not coded by Intel.")
    ] = False
    internet_service: Annotated[
        Line | None,
        Field(description="macOS: the network service that leads to the internet; it comes first."),
    ] = None
    sysctls: Sysctls = {
        "net.ipv4.tcp_mtu_probing": 1,
        "net.core.rmem_max": 67108864,
        "net.core.wmem_max": 67108864,
        "net.ipv4.tcp_rmem": "4096 131072 67108864",
        "net.ipv4.tcp_wmem": "4096 131072 67108864",
    }


class StorageVariables(Model):
    """Variables of the role storage."""

    folder: Annotated[
        AbsolutePath | None,
        Field(description="Where models are; without it /srv/models, or /var/magnus on macOS."),
    ] = None
    label: Annotated[
        Label | None, Field(description="The label of the model disk's file system.")
    ] = None
    device: Annotated[
        Line | None, Field(description="What is mounted there, where it has no label.")
    ] = None
    filesystem: Literal["ext4", "xfs", "btrfs", "tmpfs"] = "ext4"
    options: tuple[Line, ...] = ("noatime",)
    mount_timeout: Seconds = 30.0
    min_free_percent: Annotated[int, Field(ge=0, le=99)] = 15

"""The inventory as types: what a person declares, checked where it enters."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from magnusctl.inventory.fields import (
    AbsolutePath,
    Address,
    Device,
    GroupName,
    HostName,
    HostPattern,
    Interface,
    Label,
    Line,
    LoginName,
    Mac,
    Port,
    Unit,
)
from magnusctl.inventory.models import Engine, Served
from magnusctl.inventory.providers import SecretName, SecretSpec
from magnusctl.inventory.rolenames import RoleName
from magnusctl.inventory.specs import Resources
from magnusctl.inventory.strict import Model
from magnusctl.inventory.units import BitsPerSecond, Bytes, Seconds
from magnusctl.inventory.variables import Variables
from magnusctl.inventory.windows import Window

Os = Annotated[
    Literal["ubuntu-22.04", "ubuntu-24.04", "debian-12", "debian-13", "macos-15", "macos-26"],
    Field(description="The operating system; plans are refused on a host that says otherwise."),
]


class Gpu(Model):
    """A graphics card."""

    name: Line
    memory: Bytes


class Nic(Model):
    """A network card."""

    name: Line
    speed: BitsPerSecond
    port: Literal["rj45", "sfp+", "sfp28", "thunderbolt", "wifi"] = "rj45"


class Disk(Model):
    """A disk, and what it is for."""

    name: Line
    size: Bytes
    purpose: Literal["boot", "models", "data"] = "boot"
    read: Annotated[
        int | None, Field(gt=0, description="MB/s that `verify` wants of the disk of models.")
    ] = None


class Hardware(Model):
    """What the machine is said to be."""

    cpu: Line = ""
    cores: Annotated[int, Field(gt=0)] | None = None
    memory: Bytes | None = None
    gpus: tuple[Gpu, ...] = ()
    nics: tuple[Nic, ...] = ()
    disks: tuple[Disk, ...] = ()


class Ssh(Model):
    """What ssh is told beyond the user's own ssh_config."""

    config: Annotated[
        Line, Field(description="An ssh_config file; 'none' reads none, not even the user's.")
    ] = ""
    known_hosts: Line = ""
    identity: Line = ""
    jump: Annotated[
        Line, Field(description="A host of this inventory, or [user@]host[:port], to go through.")
    ] = ""
    timeout: Seconds = 10.0
    forward_agent: bool = False


class Group(Model):
    """Hosts with something in common; a later group wins over an earlier one."""

    hosts: tuple[HostPattern, ...] = ()
    variables: Variables = Variables.model_construct()
    resources: Resources = Resources.model_construct()


class Host(Model):
    """One machine."""

    os: Os
    address: Annotated[
        Address | None,
        Field(
            description="Where ssh finds it; without it, the host's name, as in your ssh_config."
        ),
    ] = None
    port: Port | None = None
    user: LoginName | None = None
    connection: Literal["ssh", "local"] = "ssh"
    become: Annotated[
        bool, Field(description="Get root's rights with sudo; not needed for a login as root.")
    ] = True
    sudo_password: Annotated[
        SecretName | None, Field(description="The secret that sudo is told, where it asks.")
    ] = None
    root: Annotated[
        AbsolutePath | None,
        Field(description="Put every path below this folder; for tests and the demo."),
    ] = None
    simulated: Annotated[
        bool, Field(description="Stand-ins answer for this machine; every report says so.")
    ] = False
    ssh: Ssh = Ssh.model_construct()
    confirm_timeout: Annotated[
        Seconds,
        Field(
            description="How long the host waits to be reached anew before it takes back what "
            "could have cut it off."
        ),
    ] = 120.0
    boot_timeout: Annotated[
        Seconds, Field(description="How long a boot may take until the host lets somebody in.")
    ] = 900.0
    freeze: Annotated[
        tuple[Label, ...],
        Field(description="Windows during which nothing is changed on this host."),
    ] = ()
    maintenance: Annotated[
        tuple[Label, ...],
        Field(description="Windows during which disruptions need not be named."),
    ] = ()
    protected_services: Annotated[
        tuple[Unit, ...], Field(description="Services that nothing may disturb unasked.")
    ] = ()
    protected: Annotated[
        bool,
        Field(
            description="What disturbs it needs consent; true where services are protected, and "
            "with the role trading."
        ),
    ] = False
    location: Line = ""
    hardware: Hardware = Hardware.model_construct()
    roles: tuple[RoleName, ...] = ()
    engine: Engine | None = None
    variables: Variables = Variables.model_construct()
    resources: Resources = Resources.model_construct()

    @model_validator(mode="before")
    @classmethod
    def _protected_with_its_services(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "protected" in given:
            return given
        trades = "trading" in (given.get("roles") or ())
        return {**given, "protected": True} if given.get("protected_services") or trades else given

    @property
    def macos(self) -> bool:
        """Whether this is a Mac."""
        return self.os.startswith("macos")

    @property
    def os_name(self) -> str:
        """The name without its version, as os-release and the facts say it."""
        return self.os.partition("-")[0]


class LinkEnd(Model):
    """One host's side of a link."""

    address: Interface
    interface: Device
    mac: Mac | None = None
    service: Annotated[
        Line | None, Field(description="macOS: the network service, as networksetup names it.")
    ] = None
    port: Literal["rj45", "sfp+", "sfp28", "thunderbolt", "wifi"] | None = None

    @property
    def ip(self) -> str:
        """The address without its prefix."""
        return str(ipaddress.IPv4Interface(self.address).ip)


class Link(Model):
    """A cable or network between two hosts."""

    kind: Literal["ethernet", "thunderbolt", "wifi", "internet"]
    speed: BitsPerSecond
    mtu: Annotated[int, Field(ge=576, le=65535)] = 1500
    media: Literal["copper", "dac", "fiber", "switch", "thunderbolt"] | None = None
    fallback: Annotated[
        BitsPerSecond | None,
        Field(description="A slower speed that it may run at; then verify warns, and names it so."),
    ] = None
    target: Annotated[
        BitsPerSecond | None,
        Field(description="What iperf3 must reach; without it, 94 % of the speed of a cable."),
    ] = None
    ends: Annotated[dict[HostName, LinkEnd], Field(min_length=2, max_length=2)]


def _some(hosts: dict[str, Host]) -> dict[str, Host]:
    if not hosts:
        raise ValueError("an inventory needs at least one host")
    return hosts


class Inventory(Model):
    """A cluster: its hosts, what they share, and how they are joined."""

    cluster: Label = "magnus"
    variables: Variables = Variables.model_construct()
    secrets: dict[SecretName, SecretSpec] = {}
    groups: dict[GroupName, Group] = {}
    hosts: Annotated[dict[HostPattern, Host], AfterValidator(_some)]
    links: dict[Label, Link] = {}
    models: Annotated[
        dict[Label, Served], Field(description="What is served, and by which host.")
    ] = {}
    windows: Annotated[
        dict[Label, Window], Field(description="Hours that hosts refer to; see protection.md.")
    ] = {}

    def links_of(self, host: str) -> list[tuple[str, Link]]:
        """The links that end at a host, by name."""
        return [(name, link) for name, link in self.links.items() if host in link.ends]

    def groups_of(self, host: str) -> list[str]:
        """The groups that hold a host, in their order; ranges are already expanded."""
        return [name for name, group in self.groups.items() if host in group.hosts]

    def addresses(self) -> dict[str, list[str]]:
        """Every host's addresses on links, without prefixes."""
        found: dict[str, list[str]] = {name: [] for name in self.hosts}
        for link in self.links.values():
            for host, end in link.ends.items():
                found[host].append(end.ip)
        return found

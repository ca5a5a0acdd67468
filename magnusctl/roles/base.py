"""What every machine needs: its packages, who logs in and how, the right time, closed doors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from magnusctl.inventory.basevars import UserAccount
from magnusctl.resources.block import Block
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.group import LOGIN, Group
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.roles import firewall, mac
from magnusctl.roles.context import Context
from magnusctl.roles.reasons import REASONS
from magnusctl.state import Resource, Risk

LINUX_PACKAGES = (
    *("openssh-server", "sudo", "chrony", "ethtool", "iperf3", "jq", "curl", "ca-certificates"),
    *("nftables", "unattended-upgrades", "needrestart"),
)
MAC_PACKAGES = ("iperf3", "jq")
SPARED = ("^magnus-", "^(ollama|vllm|redis-server|nvidia-)")
"""Units that no upgrade of a package restarts, as patterns of Perl."""
ORIGINS = {
    "ubuntu": ("origin=Ubuntu,archive=${distro_codename}-security",),
    "debian": ("origin=Debian,codename=${distro_codename}-security,label=Debian-Security",),
}


def resources(context: Context) -> Iterator[Resource]:
    """The base of a Linux host, of a Mac that serves, or lightly of the control machine."""
    wanted = MAC_PACKAGES if context.host.macos else LINUX_PACKAGES
    for name in dict.fromkeys((*wanted, *context.variables.base.packages)):
        yield Package(package=name)
    if context.host.connection == "local":
        return
    yield from _people(context)
    if context.host.macos:
        yield from _sshd(context, "/etc/ssh/sshd_config.d/050-magnus.conf")
        yield from mac.resources(context)
        yield from firewall.of_mac(context)
    else:
        yield from _linux(context)


def _people(context: Context) -> Iterator[Resource]:
    users = context.variables.base.users
    for user in users:
        yield User(
            user=user.name,
            shell=user.shell or ("/bin/zsh" if context.host.macos else "/bin/bash"),
            comment=user.comment,
            groups=user.groups,
        )
        yield from _keys(context, user)
    names = (LOGIN, *(user.name for user in users))
    if context.host.macos:
        yield mac.may_log_in([user.name for user in users])
        return
    for group in context.variables.base.ssh_groups:
        yield Group(
            group=group,
            members=names,
            risk=Risk.CONNECTIVITY,
            after=tuple(f"user:{user.name}" for user in users),
        )


def _keys(context: Context, user: UserAccount) -> Iterator[Resource]:
    """A block in authorized_keys: keys that somebody else put there stay, and keep their login."""
    home = f"/Users/{user.name}" if context.host.macos else f"/home/{user.name}"
    if user.name == "root":
        home = "/var/root" if context.host.macos else "/root"
    group = "staff" if context.host.macos else user.name
    account = (f"user:{user.name}",)
    if user.authorized_keys:
        yield Directory(
            path=f"{home}/.ssh", mode="0700", owner=user.name, group=group, after=account
        )
    yield Block(
        path=f"{home}/.ssh/authorized_keys",
        content="".join(f"{key}\n" for key in user.authorized_keys),
        ensure="present" if user.authorized_keys else "absent",
        mode="0600",
        owner=user.name,
        group=group,
        risk=Risk.CONNECTIVITY,
        after=account,
    )


def _linux(context: Context) -> Iterator[Resource]:
    yield from _sshd(context, "/etc/ssh/sshd_config.d/10-magnus.conf")
    # Ubuntu 24.04 enables ssh.socket, not ssh.service; both run once somebody is logged in.
    drop_in = "file:/etc/ssh/sshd_config.d/10-magnus.conf"
    yield Service(unit="ssh", enabled=None, reload=True, restart_on=(drop_in,))
    yield from _chrony(context)
    yield from _journal(context)
    yield from _updates(context)
    wanted = context.variables.base.sysctls
    if "trading" in context.host.roles:
        wanted = {k: v for k, v in wanted.items() if k not in context.variables.trading.sysctls}
    yield from sysctls(context, "99-zz-magnus.conf", wanted)
    yield from firewall.resources(context)


def _sshd(context: Context, path: str) -> Iterator[Resource]:
    base = context.variables.base
    groups = () if context.host.macos else base.ssh_groups
    yield File(
        path=path,
        content=context.render(
            "base/sshd.conf.j2", groups=groups, max_sessions=base.ssh_max_sessions, ssh=base.ssh
        ),
        group=context.root_group,
        validator="sshd",
        risk=Risk.CONNECTIVITY,
        after=tuple(f"group:{group}" for group in groups),
    )


def _chrony(context: Context) -> Iterator[Resource]:
    conf, sources = "/etc/chrony/conf.d/10-magnus.conf", "/etc/chrony/sources.d/magnus.sources"
    base, package = context.variables.base, ("package:chrony",)
    yield File(
        path=conf,
        content=context.render(
            "base/chrony.conf.j2",
            never_step=context.host.protected,
            clock=base.clock,
            always=-1,
        ),
        validator="chrony",
        after=package,
    )
    yield File(
        path=sources,
        content=context.render("base/chrony.sources.j2", servers=base.ntp_servers),
        after=package,
    )
    triggers = (f"file:{conf}", f"file:{sources}")
    yield Service(unit="chrony", after=package, restart_on=triggers)


def _journal(context: Context) -> Iterator[Resource]:
    path = "/etc/systemd/journald.conf.d/10-magnus.conf"
    yield Directory(path="/etc/systemd/journald.conf.d")
    yield File(
        path=path,
        content=context.render("base/journald.conf.j2", journal=context.variables.base.journal),
    )
    yield Service(unit="systemd-journald", enabled=None, restart_on=(f"file:{path}",))


def _updates(context: Context) -> Iterator[Resource]:
    updates = context.variables.base.updates
    yield File(
        path="/etc/apt/apt.conf.d/52magnus-unattended",
        content=context.render(
            "base/unattended.conf.j2",
            origins=ORIGINS[context.host.os_name],
            every_days=int(updates.enabled),
            blacklist=updates.blacklist,
        ),
        after=("package:unattended-upgrades",),
    )
    yield File(
        path="/etc/needrestart/conf.d/50-magnus.conf",
        content=context.render(
            "base/needrestart.conf.j2", protected=context.host.protected, spared=SPARED
        ),
        after=("package:needrestart",),
    )


def sysctls(
    context: Context, file: str, wanted: Mapping[str, str | int | None]
) -> Iterator[Resource]:
    """Kernel parameters, for the next boot in a file and for now in the kernel."""
    pairs = [(key, str(value)) for key, value in wanted.items() if value is not None]
    if not pairs:
        return
    yield File(
        path=f"/etc/sysctl.d/{file}",
        content=context.render(
            "base/sysctl.conf.j2",
            sysctls=pairs,
            reasons={key: REASONS.get(key, "") for key, _ in pairs},
        ),
    )
    for key, value in pairs:
        yield Sysctl(key=key, value=value)

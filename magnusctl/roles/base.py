"""What every machine needs: its packages, who logs in and how, the right time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from magnusctl.inventory.variables import UserAccount
from magnusctl.resources.block import Block
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.group import LOGIN, Group
from magnusctl.resources.package import Package
from magnusctl.resources.pmset import Pmset
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.roles.context import Context
from magnusctl.state import Resource, Risk

LINUX_PACKAGES = ("openssh-server", "sudo", "chrony", "ethtool", "iperf3", "jq")
MAC_PACKAGES = ("iperf3", "jq")
MAC_LOGIN_GROUP = "com.apple.access_ssh"
# A server must come back and stay awake; ttyskeepawake alone does not hold it awake at night.
NEVER_SLEEP = {
    "sleep": 0,
    "disksleep": 0,
    "displaysleep": 10,
    "powernap": 0,
    "standby": 0,
    "womp": 1,
    "autorestart": 1,
    "ttyskeepawake": 1,
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
        yield from _mac(context)
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
    for group in _login_groups(context):
        yield Group(
            group=group,
            members=names,
            risk=Risk.CONNECTIVITY,
            after=tuple(f"user:{user.name}" for user in users),
        )


def _login_groups(context: Context) -> tuple[str, ...]:
    return (MAC_LOGIN_GROUP,) if context.host.macos else context.variables.base.ssh_groups


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
    yield from sysctls(context, "99-zz-magnus.conf", context.variables.base.sysctls)


def _sshd(context: Context, path: str) -> Iterator[Resource]:
    groups = () if context.host.macos else context.variables.base.ssh_groups
    yield File(
        path=path,
        content=context.render(
            "base/sshd.conf.j2",
            groups=groups,
            max_sessions=context.variables.base.ssh_max_sessions,
        ),
        group=context.root_group,
        validator="sshd",
        risk=Risk.CONNECTIVITY,
        after=tuple(f"group:{group}" for group in groups),
    )


def _chrony(context: Context) -> Iterator[Resource]:
    conf, sources = "/etc/chrony/conf.d/10-magnus.conf", "/etc/chrony/sources.d/magnus.sources"
    package = ("package:chrony",)
    yield File(
        path=conf,
        content=context.render("base/chrony.conf.j2", never_step=context.host.protected),
        validator="chrony",
        after=package,
    )
    yield File(
        path=sources,
        content=context.render(
            "base/chrony.sources.j2", servers=context.variables.base.ntp_servers
        ),
        after=package,
    )
    triggers = (f"file:{conf}", f"file:{sources}")
    yield Service(unit="chrony", after=package, restart_on=triggers)


def sysctls(
    context: Context, file: str, wanted: Mapping[str, str | int | None]
) -> Iterator[Resource]:
    """Kernel parameters, for the next boot in a file and for now in the kernel."""
    pairs = [(key, str(value)) for key, value in wanted.items() if value is not None]
    if not pairs:
        return
    yield File(
        path=f"/etc/sysctl.d/{file}",
        content=context.render("base/sysctl.conf.j2", sysctls=pairs),
    )
    for key, value in pairs:
        yield Sysctl(key=key, value=value)


def _mac(context: Context) -> Iterator[Resource]:
    yield from _sshd(context, "/etc/ssh/sshd_config.d/050-magnus.conf")
    yield Command(
        label="network time on",
        run="system systemsetup -setusingnetworktime on",
        unless="system systemsetup -getusingnetworktime | grep -q ': On$'",
        undo="system systemsetup -setusingnetworktime off",
    )
    if "inference" in context.host.roles:
        for key, value in NEVER_SLEEP.items():
            yield Pmset(key=key, value=value)

"""What can cut a host off is known as such, whoever declares it and however it is spelled."""

from __future__ import annotations

import pytest

from magnusctl.plan import diff
from magnusctl.resources.block import Block
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.group import Group
from magnusctl.resources.package import Package
from magnusctl.resources.risks import judged
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.state import ABSENT, Observed, Resource, Risk, State

CUTTING: list[Resource] = [
    *(
        File(path=path, content="x\n")
        for path in (
            *("/etc/nftables.conf", "/etc/netplan/1.yaml", "/etc/ssh/sshd_config.d/9.conf"),
            *("/etc/ssh/sshrc", "/etc/nologin", "/run/nologin", "/etc/sudo.conf", "/etc/group"),
            *("/etc/sudoers.d/zz", "/etc/pam.d/common-auth", "/etc/security/access.conf"),
            *("/home/me/.ssh/authorized_keys", "/home/me/.ssh/rc", "/home/me/.bashrc"),
            *("/root/.cshrc", "/Users/me/.zshenv", "/etc/environment", "/etc/ld.so.preload"),
            *("/etc/NetworkManager/conf.d/x", "/etc/wireguard/wg0.conf"),
            *("/etc/systemd/system/ssh.service", "/etc/systemd/system/ssh.service.d/x.conf"),
            *("/private/etc/sudoers.d/x", "/etc/SSH/sshd_config", "/etc/ssh/keys/me"),
        )
    ),
    File(path="/etc/security/limits.d/x", content="* hard maxlogins 0\n"),
    File(path="/etc/security/limits.conf", content="# a\nme - nproc 0\n"),
    File(path="/etc/sysctl.d/9.conf", content="net/ipv6/conf/all/disable_ipv6=1\n"),
    File(path="/usr/lib/sysctl.d/9.conf", content="-net.ipv4.conf.all.rp_filter = 1\n"),
    Block(path="/etc/sudoers", marker="x", content="y\n"),
    *(Service(unit=unit) for unit in ("ssh", "sshd.service", "ssh.socket", "wg-quick@wg0")),
    *(Service(unit=unit) for unit in ("NetworkManager", "dbus", "systemd-logind", "ip6tables")),
    Sysctl(key="net.ipv4.conf.eth0.rp_filter", value="1"),
    *(Package(package=name, ensure="absent") for name in ("openssh-server", "sudo")),
]
HARMLESS: list[Resource] = [
    *(
        File(path=path, content="x\n")
        for path in (
            *("/etc/chrony/chrony.conf", "/etc/hosts", "/opt/app/.bashrc.d", "/etc/motd"),
            *("/etc/systemd/system/app.service", "/srv/models/x", "/usr/local/bin/tool"),
            *("/Library/LaunchDaemons/vllm.plist", "/etc/profile.d/cuda.sh", "/etc/ssh/ssh_config"),
            *("/home/me/.ssh/known_hosts", "/etc/ld.so.conf.d/cuda.conf", "/home/me/.profile"),
        )
    ),
    File(
        path="/etc/security/limits.d/x", content="@app - memlock unlimited\n@app - nofile 65536\n"
    ),
    File(path="/etc/sysctl.d/9.conf", content="vm.swappiness = 10\n"),
    *(Service(unit=unit) for unit in ("chrony", "nginx.service", "magnus-vllm@primary")),
    Sysctl(key="vm.swappiness", value="10"),
    Package(package="openssh-server"),
    Package(package="systemd-timesyncd", ensure="absent"),
]
DIRECTORY: State = {"ensure": "present", "type": "directory", "mode": "0700"}


@pytest.mark.parametrize("resource", CUTTING, ids=lambda one: str(one.id))
def test_what_can_cut_a_host_off_is_guarded(resource: Resource) -> None:
    assert judged(resource).risk is Risk.CONNECTIVITY


@pytest.mark.parametrize("resource", HARMLESS, ids=lambda one: str(one.id))
def test_what_cannot_is_not(resource: Resource) -> None:
    assert judged(resource).risk is Risk.NONE


@pytest.mark.parametrize(
    ("path", "validator"),
    [
        ("/etc/ssh/sshd_config.d/9.conf", "sshd"),
        ("/private/etc/sudoers.d/x", "sudoers"),
        ("/etc/SUDOERS.D/x", "sudoers"),
        ("/etc/sudoers", "-"),
    ],
)
def test_a_file_is_judged_by_the_validator_of_its_place(path: str, validator: str) -> None:
    found = judged(File(path=path, content="x\n"))
    assert isinstance(found, File)
    assert found.validator == validator


FILE: State = {"ensure": "present", "content": "x", "mode": "0755"}
USER: State = {"ensure": "present", "shell": "/bin/bash", "groups": "", "without": "", "home": "/x"}
GROUP: State = {"ensure": "present", "members": "", "without": "me", "gid": "7"}


@pytest.mark.parametrize(
    ("resource", "before", "cuts"),
    [
        (User(user="me", shell="/usr/sbin/nologin"), USER, True),
        (User(user="me", shell="/usr/sbin/nologin"), ABSENT, False),
        (User(user="me", ensure="absent"), USER, False),
        (User(user="vllm", comment="serves"), USER, False),
        (File(path="/usr/bin/sudo", content="y\n"), FILE, True),
        (File(path="/usr/bin/sudo", content="y\n"), ABSENT, False),
        (Directory(path="/models", mode="0777"), DIRECTORY, False),
        (Group(group="staff", without=("me",)), {**GROUP, "without": ""}, True),
        (Group(group="sudo", members=("me",)), GROUP, True),
        (Group(group="app", members=("me",)), GROUP, False),
        (Group(group="app", ensure="absent"), GROUP, False),
        (Group(group="magnus-ssh", ensure="absent"), GROUP, True),
        (Group(group="magnus-ssh"), ABSENT, False),
        *(
            (Directory(path=path, mode="0777"), DIRECTORY, True)
            for path in (
                "/",
                "/home",
                "/root",
                "/etc",
                "/var",
                "/home/me",
                "/Users/me",
                "/run/sshd",
            )
        ),
        (Directory(path="/home/me/.ssh", mode="0777"), DIRECTORY, True),
        (Directory(path="/home/me/.ssh", mode="0777"), ABSENT, False),
        (Directory(path="/home/me/.ssh", ensure="absent"), DIRECTORY, False),
        (Directory(path="/srv/models", mode="0777"), DIRECTORY, False),
        (Directory(path="/home/me/.config/app", mode="0777"), DIRECTORY, False),
        (Directory(path="/etc/app", mode="0777"), DIRECTORY, False),
    ],
    ids=str,
)
def test_an_account_or_a_folder_is_a_way_in_only_if_it_was_there(
    resource: Resource, before: State, cuts: bool
) -> None:
    (change,) = diff("h", [resource], {resource.id: Observed(before, "answer")}).changes
    assert (change.resource.risk is Risk.CONNECTIVITY) is cuts

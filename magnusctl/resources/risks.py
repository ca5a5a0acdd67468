"""Which resources can cut a host off, whoever declares them, and who judges such a file.

A path that is missing here is a host that somebody has to drive to; one too many costs a
confirmation. So whole folders are named rather than files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

from magnusctl.resources.block import Block
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.group import Group
from magnusctl.resources.hostname import Hostname
from magnusctl.resources.interface import Interface
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.netservice import Netservice
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service, unit_name
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.state import Action, Resource, Risk

_UNITS = (
    *(
        "nftables",
        "magnus-nftables",
        "ufw",
        "firewalld",
        "netfilter-persistent",
        "iptables",
        "ip6tables",
        "fail2ban",
    ),
    *("ssh", "ssh@", "ssh@*", "sshd", "sshd@", "sshd@*", "ssh.socket", "sshd.socket"),
    *("networking", "networkmanager", "systemd-networkd", "systemd-networkd.socket"),
    *("systemd-resolved", "wpa_supplicant", "wpa_supplicant@*", "dhcpcd", "ifup@*"),
    *("wg-quick@*", "tailscaled", "zerotier-one", "openvpn", "openvpn@*", "openvpn-client@*"),
    *("dbus", "dbus-broker", "systemd-logind", "systemd-user-sessions", "sssd", "nslcd", "winbind"),
)
_NETWORK = (
    *("/etc/nftables.conf", "/etc/nftables.d/*", "/etc/iptables/*", "/etc/ufw/*"),
    *("/etc/firewalld/*", "/etc/fail2ban/*", "/etc/pf.conf", "/etc/pf.anchors/*"),
    *("/etc/hosts.allow", "/etc/hosts.deny", "/etc/netplan/*", "/etc/systemd/network/*"),
    *("/run/systemd/network/*", "/etc/network/*", "/etc/networkmanager/*", "/etc/iproute2/*"),
    *("/etc/dhcp/*", "/etc/dhcpcd.conf", "/etc/wpa_supplicant/*", "/etc/wireguard/*"),
    *("/etc/openvpn/*", "/etc/hostname", "/etc/resolv.conf", "/etc/resolver/*"),
    *("/etc/systemd/resolved.conf*", "/etc/systemd/networkd.conf*"),
)
_LOGIN = (
    *("/etc/nsswitch.conf", "/etc/pam.conf", "/etc/pam.d/*", "/etc/security/*", "/etc/login.defs"),
    *("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/shells", "/etc/nologin"),
    *("/run/nologin", "/var/run/nologin", "/etc/ssh/*", "*/.ssh/*", "/etc/sudo*"),
    *("/etc/environment", "/etc/bash.bashrc", "/etc/zshenv", "/etc/zsh/zshenv", "/etc/csh*"),
    *("/etc/fish/*", "/etc/ld.so.preload", "/etc/selinux/*", "/etc/apparmor.d/*"),
)
_OF_CLIENTS = (
    *("/etc/ssh/ssh_config*", "/etc/ssh/ssh_known_hosts*", "*/.ssh/known_hosts*"),
    *("*/.ssh/config*", "*/.ssh/id_*"),
)
_HOMES = ("/root", "/home/*", "/users/*", "/var/root")
_SHELLS = (*(".bashrc", ".zshenv", ".cshrc", ".tcshrc", ".config/fish/*", ".pam_environment"),)
"""What a shell reads even where it only runs a command for ssh."""
_PROGRAMS = (
    *("/bin/*", "/sbin/*", "/usr/bin/*", "/usr/sbin/*", "/usr/lib/openssh/*", "/usr/lib/sudo/*"),
    *("/usr/lib/systemd/systemd*", "/lib/systemd/systemd*", "/usr/lib/*/security/*"),
    *("/lib/*/security/*", "/lib64/ld-*", "/lib/ld-*", "/usr/lib64/ld-*", "/usr/lib/ld-*"),
)
_TOPS = {
    *("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/root", "/run", "/sbin"),
    *("/usr", "/var", "/users", "/private", "/library", "/system"),
}
_UNIT_FOLDERS = tuple(f"{top}/systemd/system" for top in ("/etc", "/run", "/usr/lib", "/lib"))
_FILES = (
    *(*_NETWORK, *_LOGIN),
    *(f"{home}/{name}" for home in _HOMES for name in _SHELLS),
)
_UNIT_FILES = tuple(
    f"{folder}/{unit_name(unit)}{end}"
    for folder in _UNIT_FOLDERS
    for unit in _UNITS
    for end in ("", ".d/*")
)
_FOLDERS = (
    *(*_NETWORK, *_LOGIN, *_PROGRAMS, "*/.ssh", "/run/sshd", "/etc/ssh", "/etc/pam.d"),
    *("/etc/security", "/etc/netplan", "/etc/network", "/etc/systemd", "/etc/systemd/system"),
    *("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local", "/usr/local/bin", "/var/lib", "/var/run"),
)
_LIMITS_FILES = ("/etc/security/limits.conf", "/etc/security/limits.d/*")
_HARMLESS_LIMITS = ("core", "memlock", "msgqueue", "nice", "rtprio", "rttime")
_SYSCTL_FILES = ("/etc/sysctl.*", "/run/sysctl.d/*", "/usr/lib/sysctl.d/*", "/lib/sysctl.d/*")
_KEYS = (
    *("net.ipv?.conf.*.rp_filter", "net.ipv?.conf.*.arp_*", "net.ipv6.conf.*.disable_ipv6"),
    *("net.ipv6.conf.*.accept_ra*", "net.ipv?.conf.*.accept_local", "kernel.pid_max"),
)
_PACKAGES = {
    *("openssh-server", "sudo", "systemd", "systemd-resolved", "libpam-modules", "libpam-runtime"),
    *("netplan.io", "network-manager", "ifupdown", "dbus"),
}
"""Those that nobody takes away from afar: what they held could not be had again."""
_GROUPS = ("*ssh*", "*login*", "sudo", "wheel", "admin", "admins", "root", "com.apple.access_*")
_VALIDATORS = (
    ("/etc/ssh/sshd_config.d/*.conf", "sshd"),
    ("/etc/sudoers.d/*", "sudoers"),
    ("/etc/netplan/*.yaml", "netplan"),
    ("/etc/nftables.conf", "nft"),
    ("/etc/nftables.d/*.nft", "nft"),
    ("/etc/apt/apt.conf.d/*", "apt"),
    ("/etc/needrestart/conf.d/*.conf", "perl"),
    ("/etc/newsyslog.d/*.conf", "newsyslog"),
)


def judged(resource: Resource) -> Resource:
    """The resource with the risk that its name tells, and with the validator of its path."""
    if isinstance(resource, File) and resource.validator == "-" and not resource.kept:
        path = _plain(resource.path)
        found = (v for pattern, v in _VALIDATORS if fnmatchcase(path, pattern))
        resource = replace(resource, validator=next(found, "-"))
    if resource.risk is Risk.NONE and _cuts_off(resource):
        return replace(resource, risk=Risk.CONNECTIVITY)
    return resource


def stirred(resource: Resource, action: Action, different: Collection[str]) -> Resource:
    """The resource with the risk that lies in changing some attributes of what is there: what is
    only now made (an account, a group, a folder, a program) was nobody's way in. The host itself
    refuses to remove the account that somebody came in with."""
    if action is Action.CREATE or resource.risk is not Risk.NONE:
        return resource
    if _is_way_in(resource, action, different):
        return replace(resource, risk=Risk.CONNECTIVITY)
    return resource


def _is_way_in(resource: Resource, action: Action, different: Collection[str]) -> bool:
    match resource:
        case User():
            return not {"shell", "home", "without"}.isdisjoint(different)
        case File():
            return _any(_plain(resource.path), _PROGRAMS)
        case Group():
            return bool(resource.without) or _any(resource.group, _GROUPS)
        case Directory() if action is not Action.DELETE:
            # Only an empty one is ever removed.
            path = _plain(resource.path)
            home = path.count("/") == 2 and _any(path, _HOMES)
            return path in _TOPS or home or _any(path, _FOLDERS)
    return False


def _cuts_off(resource: Resource) -> bool:
    match resource:
        case File() | Block():
            path = _plain(resource.path)
            lines = resource.content.splitlines()
            if _any(path, _LIMITS_FILES):
                return not all(map(_is_harmless_limit, lines))
            if _any(path, _OF_CLIENTS):
                return False
            if path.startswith(tuple(f"{folder}/" for folder in _UNIT_FOLDERS)):
                return _any(path, _UNIT_FILES)
            if _any(path, _SYSCTL_FILES):
                return any(_is_risky_key(line.partition("=")[0]) for line in lines)
            return _any(path, _FILES)
        case Service():
            return _any(unit_name(resource.unit).removesuffix(".service").lower(), _UNITS)
        case Sysctl():
            return _is_risky_key(resource.key)
        case Launchd():
            return resource.label in ("com.openssh.sshd", "com.apple.pfctl")
        case Package():
            return resource.ensure == "absent" and resource.package in _PACKAGES
        case Interface() | Netservice() | Hostname():
            return True
    return False


def _is_harmless_limit(line: str) -> bool:
    """A line of limits.conf that leaves every login enough: most files of that kind only raise."""
    fields = line.partition("#")[0].split()
    if len(fields) != 4:
        return not fields
    _, _, item, value = fields
    return item in _HARMLESS_LIMITS or value in ("unlimited", "infinity", "-1") or _is_ample(value)


def _is_ample(value: str) -> bool:
    return value.isdecimal() and int(value) >= 1024


def _is_risky_key(written: str) -> bool:
    """Keys may be written with slashes, and with a sign before them that lets one fail."""
    return _any(written.strip(" -\t").replace("/", "."), _KEYS)


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _plain(path: str) -> str:
    """A path as the patterns have it: on macOS case tells no files apart, and /etc is a link."""
    lower = path.lower()
    return lower.removeprefix("/private") if lower.startswith("/private/") else lower

"""Which files and units can cut a host off, whoever declares them, and who judges such a file."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from magnusctl.resources.block import Block
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.hostname import Hostname
from magnusctl.resources.interface import Interface
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.netservice import Netservice
from magnusctl.resources.service import Service, unit_name
from magnusctl.resources.sysctl import Sysctl
from magnusctl.state import Resource, Risk

_PATHS = (
    *("/etc/nftables.conf", "/etc/nftables.d/*", "/etc/iptables/*", "/etc/ufw/*"),
    *("/etc/pf.conf", "/etc/pf.anchors/*", "/etc/hosts.allow", "/etc/hosts.deny"),
    *("/etc/netplan/*", "/etc/systemd/network/*", "/etc/network/interfaces*"),
    *("/etc/NetworkManager/*", "/etc/hostname", "/etc/resolv.conf", "/etc/systemd/resolved.conf*"),
    *("/etc/resolver/*", "/etc/nsswitch.conf", "/etc/pam.d/*", "/etc/passwd", "/etc/shadow"),
    *("/etc/ssh/sshd_config*", "/etc/ssh/ssh_host_*", "/etc/sudoers*", "*/.ssh/authorized_keys*"),
    *("/etc/security/access.conf", "/etc/shells"),
)
_UNITS = {
    *("nftables", "ufw", "firewalld", "netfilter-persistent", "iptables"),
    *("ssh", "sshd", "networking", "systemd-networkd", "systemd-resolved", "NetworkManager"),
    *("ssh.socket", "systemd-networkd.socket", "wpa_supplicant"),
}
_KEYS = ("net.ipv?.conf.*.rp_filter", "net.ipv?.conf.*.arp_*", "net.ipv6.conf.*.disable_ipv6")
_VALIDATORS = (
    ("/etc/ssh/sshd_config.d/*.conf", "sshd"),
    ("/etc/sudoers.d/*", "sudoers"),
    ("/etc/netplan/*.yaml", "netplan"),
    ("/etc/nftables.conf", "nft"),
)


def judged(resource: Resource) -> Resource:
    """The resource with the risk that its name tells, and with the validator of its path."""
    if isinstance(resource, File) and resource.validator == "-" and not resource.kept:
        found = (v for pattern, v in _VALIDATORS if fnmatchcase(resource.path, pattern))
        resource = replace(resource, validator=next(found, "-"))
    if resource.risk is Risk.NONE and _cuts_off(resource):
        return replace(resource, risk=Risk.CONNECTIVITY)
    return resource


def _cuts_off(resource: Resource) -> bool:
    match resource:
        case File(path=path, content=content) if path.startswith("/etc/sysctl."):
            keys = (line.partition("=")[0].strip(" -\t") for line in content.splitlines())
            return any(fnmatchcase(key, pattern) for key in keys for pattern in _KEYS)
        case File() | Block() | Directory():
            return any(fnmatchcase(resource.path, pattern) for pattern in _PATHS)
        case Service():
            return unit_name(resource.unit).removesuffix(".service") in _UNITS
        case Sysctl():
            return any(fnmatchcase(resource.key, pattern) for pattern in _KEYS)
        case Launchd():
            return resource.label in ("com.openssh.sshd", "com.apple.pfctl")
        case Interface() | Netservice() | Hostname():
            return True
    return False

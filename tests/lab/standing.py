"""What roles make on a host, so that before and after can be compared."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from tests.faults.snapshot import Snapshot, differences, files, runtime
from tests.lab.host import Host

_FOLDERS = ("/etc", "/opt", "/srv/models", "/usr/local", "/root", "/home", "/boot")
_QUESTIONS = {
    "values": "sysctl -a -r '^net[.](core|ipv4[.]tcp)_' 2>/dev/null | grep -v mem_max",
    "users": "getent passwd | grep -E '^(magnus|admin|root)'",
    "groups": "getent group | grep -E '^(magnus|admin|root)'",
}
# What a package brings it keeps, and what tools keep of their last change: docs/rollback.md.
_KEPT = (
    *("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sub[ug]id", "/etc/*-"),
    *("/etc/rc[0-6S].d/*", "/etc/init.d", "/etc/ld.so.cache", "/etc/ssl/*", "/etc/alternatives/*"),
    # Made by the scripts of packages, and listed by none.
    *("/etc/apt/apt.conf.d/20auto-upgrades", "/etc/apt/apt.conf.d/50unattended-upgrades"),
    *("/etc/ca-certificates.conf", "/usr/local/share/ca-certificates", "/etc/default/sysstat"),
    *("/etc/chrony/chrony.conf", "/etc/chrony/chrony.keys", "/etc/runit/runsvdir/default/*"),
    *("/etc/systemd/system/chronyd.service", "/etc/systemd/system/smartd.service"),
    *("/etc/systemd/system/*.wants/*", "/etc/apparmor.d/*", "/home/magnus", "/home/magnus/*"),
)
# What packages list, and what their scripts made or know.
_OWNED = """
cat /var/lib/dpkg/info/*.list
dpkg-query -W -f '${Conffiles}\n' | awk '{ print $1 }'
"""
_ASKED = re.compile(r"(values|users|groups|rules|sshd|addresses|cards|routes|name|rights|failed): ")


def standing(host: Host) -> Snapshot:
    """Every file that a role may have made, and what is set and runs."""
    asked = {k: v for k, v in runtime(host, _QUESTIONS).items() if _ASKED.match(k)}
    return {**files(host, _FOLDERS), **asked}


def left(host: Host, before: Snapshot) -> dict[str, tuple[str, str]]:
    """What is otherwise than before, and came with no package."""
    owned = set(host.run(_OWNED).stdout.splitlines())
    found = differences(before, standing(host))
    return {
        name: pair
        for name, pair in found.items()
        if name not in owned and not any(fnmatchcase(name, kept) for kept in _KEPT)
    }

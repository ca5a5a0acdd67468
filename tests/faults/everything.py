"""One host with everything that can be declared for it, in two versions."""

from __future__ import annotations

from typing import Any

from tests.lab.cluster import LINK, SYSCTLS, UNSETTABLE

PACKAGES = (
    *("chrony", "ethtool", "jq", "curl", "ca-certificates", "unattended-upgrades"),
    *("needrestart", "tree"),
)
"""What both versions install, and the vendor did not."""
_UNIT = """\
[Unit]
Description=Ours
[Service]
ExecStart=/usr/local/bin/ours
[Install]
WantedBy=multi-user.target
"""
_RULES = """\
#!/usr/sbin/nft -f
flush ruleset
table inet ours {{
  chain version{0} {{
    tcp dport 9 drop
  }}
}}
"""
_PROGRAM = "#!/bin/sh\n# {0}\nexec sleep 1000\n"


def first(key: str) -> dict[str, Any]:
    """What is declared at first."""
    return _host(key, "1", members=["@login"], hostname="first") | {"roles": ["base", "network"]}


def second(key: str) -> dict[str, Any]:
    """Other values for most of it, and some of it no more."""
    host = _host(key, "2", members=["alice"], hostname="second")
    host["resources"]["files"]["/etc/ours/more.conf"] = {"content": "more\n"}
    host["resources"]["files"]["/etc/motd"] = {"ensure": "absent"}
    return host | {"roles": ["base", "network"]}


def _host(key: str, version: str, *, members: list[str], hostname: str) -> dict[str, Any]:
    user = {"name": "magnus", "authorized_keys": [f"{key} {version}"], "groups": ["adm"]}
    return {
        "variables": {
            "base": {"sysctls": UNSETTABLE, "users": [user]},
            "network": {"sysctls": SYSCTLS},
        },
        "resources": {
            "packages": ["tree"],
            "hostname": hostname,
            "groups": {"ours": {"members": members}, "users": {"members": ["@login"]}},
            "users": {
                "alice": {"shell": "/bin/sh", "comment": f"Alice {version}"},
                "games": {"shell": "/bin/sh"},
            },
            "directories": {"/etc/ours": {"mode": "0750"}, "/opt": {"mode": "0711"}},
            "files": _files(version),
            "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.tcp_fin_timeout": 10 + int(version)},
            "services": {
                "ours": {"restart_on": ["file:/usr/local/bin/ours"]},
                "nftables": {"restart_on": ["file:/etc/nftables.conf"]},
                "e2scrub_all.timer": {"running": False, "enabled": False},
            },
            "commands": {
                "mark": {
                    "run": "touch /root/mark",
                    "unless": "test -e /root/mark",
                    "undo": "rm /root/mark",
                }
            },
        },
    }


def _files(version: str) -> dict[str, Any]:
    rules = _RULES.format(version)
    return {
        "/etc/systemd/system/ours.service": {"content": _UNIT},
        "/usr/local/bin/ours": {"content": _PROGRAM.format(version), "mode": "0755"},
        "/etc/nftables.conf": {"content": rules, "mode": "0755"},
        "/etc/ours/ours.conf": {"content": f"version {version}\n", "mode": "0640"},
        "/etc/motd": {"content": f"ours {version}\n"},
        "/home/admin/.profile": {"content": "# ours\n", "owner": "admin", "group": "admin"},
        "/var/spool/ours": {"content": f"{version}\n", "mode": "0600", "owner": "alice"},
        "/etc/sudoers.d/ours": {"content": "alice ALL=(ALL) ALL\n", "mode": "0440"},
    }


def link(mac: str) -> dict[str, Any]:
    """The cable to a host that is not there."""
    mine = {"address": "10.231.79.1/24", "interface": LINK, "mac": mac}
    ends = {"one": mine, "peer": {"address": "10.231.79.2/24", "interface": "eth0"}}
    return {"10g": {"kind": "ethernet", "speed": "10Gbit/s", "mtu": 9000, "ends": ends}}

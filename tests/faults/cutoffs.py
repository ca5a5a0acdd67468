"""Every kind of change that can cut a host off: one that does, and one like it that is good.

Each is declared as a user would, and each is valid for the validator of its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAC = "02:4d:47:00:01:01"
"""Of the card host0 of the first host of a lab, through which ssh comes."""
ADDRESS, GATEWAY, CONTROL = "10.231.77.11/24", "10.231.77.1", "10.231.78.0/30"
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDk5RKUzd9yzua0P+kL4Hu8huiMZCRY44MQVBKojAmaO nobody\n"
_UPLINK = """\
network:
  version: 2
  ethernets:
    uplink:
      match: {{macaddress: "{mac}"}}
      link-local: []
      {more}
"""
_MORE = _UPLINK.format(mac=MAC, more="mtu: 1400")
_ROUTES = f"routes: [{{to: {CONTROL}, via: {GATEWAY}}}]"
_FAST = """\
network:
  version: 2
  ethernets:
    lan10g:
      link-local: []
      ignore-carrier: true
      addresses: [10.231.79.1/24]
      routes: [{{to: {to}, via: 10.231.79.9}}]
"""
_NFT = """\
#!/usr/sbin/nft -f
flush ruleset
table inet filter {{
  chain input {{ type filter hook input priority 0; {rule}; }}
}}
"""
_BY_HAND = (
    "nft 'add table inet byhand; add set inet byhand s { type ipv4_addr; elements = { 10.9.9.9 } }'"
)
_BY_HAND_6 = (
    "ip -6 addr add fd00:77::11/64 dev host0; ip -6 route add fd00:78::/64 via fd00:77::1; sleep 2"
)
_ONLY_HERE = "echo 'admin one=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin"


@dataclass(frozen=True)
class Kind:
    """A kind of change. `bad` and `good` are what a host is declared to have, `proof` prints
    something only where the good one stands, and `setup` comes before anything is declared."""

    name: str
    bad: Mapping[str, Any]
    good: Mapping[str, Any]
    proof: str
    setup: str = ""
    good_setup: str = ""
    top: Mapping[str, Any] = field(default_factory=dict)
    good_top: Mapping[str, Any] = field(default_factory=dict)
    cuts: bool = True
    why: str = ""
    """A word of why no new connection came in."""


def _link(network: str, mtu: int) -> dict[str, Any]:
    """A link whose end here is the card that ssh comes through."""
    mine = {"address": f"{network}.11/24", "interface": "host0", "mac": MAC}
    peer = {"address": f"{network}.99/24", "interface": "eth0"}
    ends = {"one": mine, "peer": peer}
    return {"links": {"a": {"kind": "ethernet", "speed": "1Gbit/s", "mtu": mtu, "ends": ends}}}


_NETWORK = {
    "roles": ["network"],
    "variables": {
        "network": {
            "hosts_file": False,
            "sysctls": {
                "net.core.rmem_max": None,
                "net.core.wmem_max": None,
                "net.ipv4.tcp_mtu_probing": None,
                "net.ipv4.tcp_rmem": None,
                "net.ipv4.tcp_wmem": None,
            },
        }
    },
}


def _files(path: str, content: str, mode: str = "0644", **more: Any) -> dict[str, Any]:
    return {"resources": {"files": {path: {"content": content, "mode": mode} | more}}}


def _with(declared: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resources": declared["resources"] | more}


def _applied(declared: dict[str, Any]) -> dict[str, Any]:
    """Files of netplan, and the command that makes them count."""
    triggers = [f"file:{path}" for path in declared["resources"]["files"]]
    return _with(declared, commands={"netplan": {"run": "netplan apply", "restart_on": triggers}})


def _route(to: str) -> dict[str, Any]:
    return _applied(_files("/etc/netplan/70-fast.yaml", _FAST.format(to=to), "0600"))


def _nft(rule: str) -> dict[str, Any]:
    path = "/etc/nftables.conf"
    service = {"nftables": {"restart_on": [f"file:{path}"]}}
    return _with(_files(path, _NFT.format(rule=rule), "0755"), services=service)


def _sshd(line: str) -> dict[str, Any]:
    path = "/etc/ssh/sshd_config.d/05-ours.conf"
    service = {"ssh": {"reload": True, "restart_on": [f"file:{path}"]}}
    return _with(_files(path, f"{line}\n"), services=service)


def _sudoers(line: str) -> dict[str, Any]:
    return _files("/etc/sudoers.d/zz-ours", f"{line}\n", "0440")


def _keys(content: str) -> dict[str, Any]:
    path = "/home/admin/.ssh/authorized_keys"
    return _files(path, content, "0600", owner="admin", group="admin")


def _user(shell: str) -> dict[str, Any]:
    return {"resources": {"users": {"admin": {"shell": shell}}}}


def _folder(path: str, mode: str, owner: str = "admin") -> dict[str, Any]:
    settings = {"mode": mode, "owner": owner, "group": owner}
    return {"resources": {"directories": {path: settings}}}


def _netplan_file(more: str) -> str:
    """A file that the vendor left, which configures the card that ssh comes through."""
    text = _UPLINK.format(mac=MAC, more=more)
    return f"umask 077; cat >/etc/netplan/50-vendor.yaml <<'END'\n{text}END\nnetplan apply\nsleep 1"


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "address",
            _NETWORK,
            _NETWORK,
            "ip link show dev host0 | grep 1400 && networkctl status host0 | grep 10-netplan-a",
            # Merged with what is declared, by the name of the link.
            setup=_BY_HAND_6,
            good_setup=_netplan_file(_ROUTES).replace("uplink", "a").replace("netplan apply", ""),
            top=_link("10.231.99", 1500),
            good_top=_link("10.231.77", 1400),
            why="the first one came too late",
        ),
        Kind(
            "address of netplan",
            _NETWORK,
            _applied(_files("/etc/netplan/60-more.yaml", _MORE, "0600")),
            "ip link show dev host0 | grep 'mtu 1400'",
            setup=_netplan_file(f"addresses: [{ADDRESS}]\n      {_ROUTES}"),
            top=_link("10.231.99", 1500),
            why="the first one came too late",
        ),
        Kind(
            "route",
            _route("10.231.78.1/32"),
            _route("10.99.0.0/24"),
            "ip route show 10.99.0.0/24 via 10.231.79.9 | grep .",
            why="the first one came too late",
        ),
        Kind(
            "firewall",
            _nft("policy accept; tcp dport 22 drop"),
            _nft("policy accept; tcp dport 9 drop"),
            "nft list ruleset | grep 'dport 9 drop'",
            setup=_BY_HAND,
            why="the first one came too late",
        ),
        Kind(
            "sshd users",
            _sshd("AllowUsers nobody"),
            _sshd("MaxAuthTries 4"),
            "sshd -T | grep 'maxauthtries 4'",
            why="was refused",
        ),
        Kind("sshd port", _sshd("Port 2222"), _sshd("Port 22\nPort 2222"), "sshd -T | grep 2222"),
        Kind(
            "sshd address",
            _sshd("ListenAddress 127.0.0.1"),
            _sshd("ListenAddress 0.0.0.0:22\nListenAddress 127.0.0.1:2222"),
            "ss -Hltn | grep 127.0.0.1:2222",
            why="connection refused",
        ),
        Kind(
            "sudoers",
            _sudoers("admin ALL=(ALL) !ALL"),
            _sudoers("admin ALL=(ALL) NOPASSWD: ALL"),
            "sudo -l -U admin | grep -c 'NOPASSWD: ALL' | grep 2",
            why="sudo",
        ),
        Kind(
            "keys",
            _keys(_KEY),
            _keys("{own}" + _KEY),
            "grep nobody /home/admin/.ssh/authorized_keys",
            why="was refused",
        ),
        Kind(
            "hostname",
            {"resources": {"hostname": "other"}},
            {"resources": {"hostname": "other"}},
            "hostname | grep other && grep other /etc/hostname",
            setup=_ONLY_HERE,
            good_setup="echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin",
            why="sudo",
        ),
        Kind(
            "login shell",
            _user(shell="/usr/sbin/nologin"),
            _user(shell="/bin/dash"),
            "getent passwd admin | grep /bin/dash",
            why="the login shell refuses to run commands",
        ),
        Kind(
            "mode of a home",
            _folder("/home/admin", "0777"),
            _folder("/home/admin", "0711"),
            "stat -c %a /home/admin | grep 711",
            why="was refused",
        ),
        Kind(
            "mode of all homes",
            _folder("/home", "0700", "root"),
            # The next boot gives /home its own mode again.
            _folder("/home/admin", "0750"),
            "stat -c %a /home/admin | grep 750",
            why="was refused",
        ),
        Kind(
            "nologin",
            _files("/etc/nologin", "Go away.\n"),
            _files("/etc/ssh/sshrc", ":\n"),
            "test -e /etc/ssh/sshrc",
        ),
        Kind(
            "plugins of sudo",
            _files("/etc/sudo.conf", "Plugin nothing nothing.so\n"),
            _files("/etc/sudo.conf", "Set disable_coredump true\n"),
            "grep '^Set disable_coredump' /etc/sudo.conf",
            why="sudo",
        ),
        Kind(
            "what a login runs",
            _files("/home/admin/.bashrc", "exit 1\n", owner="admin", group="admin"),
            _files("/home/admin/.bashrc", ":\n", owner="admin", group="admin"),
            "grep -qx : /home/admin/.bashrc && echo yes",
        ),
        Kind(
            "resolver",
            _files("/etc/resolv.conf", "nameserver 192.0.2.1\noptions timeout:1\n"),
            _files("/etc/resolv.conf", "nameserver 10.231.77.1\n"),
            "grep 10.231.77.1 /etc/resolv.conf",
            cuts=False,
        ),
    )
}

"""Where and how a host is reached: the inventory's words over the user's own ssh_config."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from magnusctl.errors import InputError, PreconditionError
from magnusctl.inventory.model import Host, Inventory
from magnusctl.inventory.references import DESTINATION

_NO_CONFIG = "none"


@dataclass(frozen=True)
class Target:
    """Effective values of one connection; `jump` is gone through first.

    `agent` allows every key of the agent, not only those that `identities` name.
    """

    host: str
    address: str
    port: int
    user: str
    key_name: str
    known_hosts: tuple[Path, ...]
    identities: tuple[Path, ...]
    agent: bool
    timeout_s: float
    agent_socket: str | None = ""
    """Nothing for the usual one, None for no agent at all."""
    revoked_keys: Path | None = None
    forward_agent: bool = False
    proxy_command: str = ""
    jump: Target | None = None


def target(inventory: Inventory, name: str, seen: tuple[str, ...] = ()) -> Target:
    """The effective connection of a host of the inventory; `seen` are the hosts that jump here."""
    host = inventory.hosts[name]
    values = _ssh_values(host, name)
    return Target(
        host=name,
        address=_one(values, "hostname") or host.address or name,
        port=int(_one(values, "port") or host.port or 22),
        user=_one(values, "user") or host.user or getpass.getuser(),
        key_name=_one(values, "hostkeyalias"),
        known_hosts=_known_hosts(host, values),
        identities=_identities(host, values),
        agent=not host.ssh.identity and _one(values, "identitiesonly") != "yes",
        timeout_s=host.ssh.timeout,
        agent_socket=_agent_socket(values),
        revoked_keys=_revoked_keys(values),
        forward_agent=host.ssh.forward_agent,
        proxy_command=_proxy_command(values, name),
        jump=_through(inventory, host, host.ssh.jump or _one(values, "proxyjump"), (*seen, name)),
    )


def _ssh_values(host: Host, name: str) -> dict[str, list[str]]:
    """What `ssh -G` says, so that Include, Match and ProxyJump mean what they mean to ssh."""
    if host.ssh.config == _NO_CONFIG:
        return {}
    options = ["-F", host.ssh.config] if host.ssh.config else []
    options += ["-o", f"HostName={host.address}"] if host.address else []
    options += ["-p", str(host.port)] if host.port else []
    options += ["-l", host.user] if host.user else []
    return _ask_ssh([*options, "--", name])


def _ask_ssh(arguments: Sequence[str]) -> dict[str, list[str]]:
    try:
        answer = subprocess.run(
            ["ssh", "-G", *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise PreconditionError(
            "the program ssh is missing on this machine: it reads your ssh_config",
            hint="Install it (openssh-client), or write 'ssh: {config: none}' for the host.",
        ) from None
    except subprocess.TimeoutExpired:
        message = "ssh did not read your ssh_config within 10 s: is a 'Match exec' in it slow?"
        raise InputError(message, where=arguments[-1]) from None
    if answer.returncode != 0:
        message = f"ssh does not accept your ssh_config: {answer.stderr.strip()}"
        raise InputError(message, where=arguments[-1])
    values: dict[str, list[str]] = {}
    for line in answer.stdout.splitlines():
        key, _, value = line.partition(" ")
        values.setdefault(key, []).append(value)
    return values


def _one(values: dict[str, list[str]], key: str) -> str:
    return values.get(key, [""])[0]


def _with_tokens(written: str, values: dict[str, list[str]]) -> str:
    """A word of ssh_config with its tokens expanded, which `ssh -G` prints as written."""
    local = socket.gethostname()
    tokens = {
        "%": "%",
        "d": str(Path.home()),
        "h": _one(values, "hostname"),
        "i": str(os.getuid()),
        "k": _one(values, "hostkeyalias") or _one(values, "host"),
        "L": local.partition(".")[0],
        "l": local,
        "n": _one(values, "host"),
        "p": _one(values, "port"),
        "r": _one(values, "user"),
        "u": getpass.getuser(),
    }
    return re.sub("%(.)", lambda match: tokens.get(match[1], match[0]), written)


def _path(written: str, values: dict[str, list[str]]) -> Path:
    """A path of ssh_config; it may hold variables, too."""
    text = _with_tokens(written, values)
    text = re.sub(r"\$\{(\w+)\}", lambda match: os.environ.get(match[1], match[0]), text)
    return Path(text).expanduser()


def _known_hosts(host: Host, values: dict[str, list[str]]) -> tuple[Path, ...]:
    if host.ssh.known_hosts:
        return (Path(host.ssh.known_hosts).expanduser(),)
    named = _one(values, "userknownhostsfile") or "~/.ssh/known_hosts"
    files = f"{named} {_one(values, 'globalknownhostsfile')}".split()
    return tuple(_path(file, values) for file in files if file != _NO_CONFIG)


def _identities(host: Host, values: dict[str, list[str]]) -> tuple[Path, ...]:
    if host.ssh.identity:
        return (Path(host.ssh.identity).expanduser(),)
    if not values:
        names = [f"~/.ssh/id_{kind}" for kind in ("ed25519", "ecdsa", "rsa")]
    else:
        names = values.get("identityfile", [])
    paths = [_path(name, values) for name in names]
    return tuple(path for path in paths if path.is_file())


def _proxy_command(values: dict[str, list[str]], name: str) -> str:
    """The command with its tokens expanded: `ssh -G` prints them as they are written."""
    command = _one(values, "proxycommand")
    if command in ("", _NO_CONFIG):
        return ""
    # Its variables are the shell's to expand.
    return _with_tokens(command, {"host": [name], **values})


def _agent_socket(values: dict[str, list[str]]) -> str | None:
    """The socket that `IdentityAgent` names; see Target.agent_socket."""
    named = _one(values, "identityagent")
    if named == _NO_CONFIG:
        return None
    if named in ("", "SSH_AUTH_SOCK"):
        return ""
    if re.fullmatch(r"\$\w+", named):
        return os.environ.get(named[1:], "")
    return str(_path(named, values))


def _revoked_keys(values: dict[str, list[str]]) -> Path | None:
    named = _one(values, "revokedhostkeys")
    return None if named in ("", _NO_CONFIG) else _path(named, values)


def _through(
    inventory: Inventory, host: Host, written: str, seen: tuple[str, ...]
) -> Target | None:
    """The last of some jump hosts (`a,user@b:2222`); those before it become its own jump."""
    if not written or written == _NO_CONFIG:
        return None
    before, _, last = written.rpartition(",")
    if last in seen:
        raise InputError(f"jump hosts go in a circle: {' → '.join((*seen, last))}")
    if last in inventory.hosts:
        return target(inventory, last, seen)
    match = DESTINATION.fullmatch(last)
    if not match:
        raise InputError(f"'{last}' is no jump host", hint="Write it as [user@]host[:port].")
    user, name, port = match.groups()
    # As ssh hands its own -F to the ssh that jumps.
    config = ["-F", host.ssh.config] if host.ssh.config else []
    login = [*(["-l", user] if user else []), *(["-p", port] if port else [])]
    arguments = [*config, *login, "--", name]
    values = _ask_ssh(arguments) if host.ssh.config != _NO_CONFIG else {}
    return Target(
        host=last,
        address=_one(values, "hostname") or name.strip("[]"),
        port=int(port or _one(values, "port") or 22),
        user=user or _one(values, "user") or getpass.getuser(),
        key_name=_one(values, "hostkeyalias"),
        known_hosts=_known_hosts(host, values),
        identities=_identities(host, values),
        agent=not host.ssh.identity and _one(values, "identitiesonly") != "yes",
        timeout_s=host.ssh.timeout,
        agent_socket=_agent_socket(values),
        revoked_keys=_revoked_keys(values),
        proxy_command="" if before else _proxy_command(values, name),
        jump=_through(inventory, host, before or _one(values, "proxyjump"), (*seen, last)),
    )

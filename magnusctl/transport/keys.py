"""Private keys: from files, and from the agent that ssh would ask."""

from __future__ import annotations

import base64
import binascii
import socket
from collections.abc import Iterator
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm

from magnusctl.transport.target import Target


def usable(target: Target, refused: list[str]) -> Iterator[tuple[str, paramiko.PKey]]:
    """Keys with a name for people, in the order in which ssh would try them.

    A file that cannot be used (encrypted, a security key, a public half) is no error: the agent
    may hold its key. What could not be used at all is added to `refused`.
    """
    listed: dict[bytes, str] = {}
    for path in target.identities:
        try:
            yield str(path), paramiko.PKey.from_path(path)
        except (
            OSError,
            TypeError,
            ValueError,
            UnsupportedAlgorithm,
            paramiko.SSHException,
            paramiko.pkey.UnknownKeyType,
        ):
            public = _public_half(path)
            if public:
                listed[public] = str(path)
            else:
                refused.append(f"{path} ({_why(path)})")
    yield from _from_agent(target, listed, refused)


def _why(path: Path) -> str:
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        return (error.strerror or "cannot be read").lower()
    return "encrypted: ssh-add it" if "PRIVATE KEY" in text else "no private key"


def _from_agent(
    target: Target, listed: dict[bytes, str], refused: list[str]
) -> Iterator[tuple[str, paramiko.PKey]]:
    keys = _agent_keys(target) if listed or target.agent else []
    held = {key.asbytes() for key in keys}
    refused += [f"{name} (not in the agent)" for blob, name in listed.items() if blob not in held]
    for key in sorted(keys, key=lambda key: key.asbytes() not in listed):
        if key.asbytes() in listed or target.agent:
            yield f"agent: {key.comment or key.get_name()}", key


def _public_half(path: Path) -> bytes | None:
    """The public key in `path` or in `path.pub`."""
    for name in (path, path.with_name(f"{path.name}.pub")):
        try:
            fields = name.read_text().split()
            if len(fields) >= 2 and fields[0].startswith(("ssh-", "ecdsa-", "sk-")):
                return base64.b64decode(fields[1], validate=True)
        except (OSError, ValueError, binascii.Error):
            continue
    return None


class _AgentAt(paramiko.agent.AgentSSH):
    """An agent at a socket of its own, as `IdentityAgent` names it."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(10)
        connection.connect(path)
        self._connect(connection)  # type: ignore[attr-defined] # as Agent itself does


def _agent_keys(target: Target) -> list[paramiko.AgentKey]:
    if target.agent_socket is None:
        return []
    try:
        agent = _AgentAt(target.agent_socket) if target.agent_socket else paramiko.Agent()
        return list(agent.get_keys())
    except (OSError, paramiko.SSHException):
        return []

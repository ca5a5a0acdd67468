"""Paramiko with few round trips: one key exchange, the right key at once, no probing.

Measured at 100 ms round trip in benchmarks/NOTES.md; SSHClient with its defaults needs more.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from typing import Any

import paramiko

from magnusctl.errors import MagnusError, PreconditionError
from magnusctl.transport import host_keys, keys
from magnusctl.transport.dial import Dropped, no_answer
from magnusctl.transport.target import Target

# What no server of this century needs: SHA-1, CBC, 3DES, MD5.
_WEAK = {
    "kex": [
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group1-sha1",
    ],
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"],
    "keys": ["ssh-rsa"],
    "pubkeys": ["ssh-rsa"],
}
# Paramiko logs what we turn into one sentence.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class LeanClient(paramiko.SSHClient):
    """Connects to one target, checks its key during the exchange, authenticates directly."""

    def __init__(self, target: Target, authenticate: bool = True) -> None:
        super().__init__()
        self.target = target
        self.authenticate = authenticate
        self._transport: paramiko.Transport | None = None
        self.host_key = ""
        """The key that the host proved to have: its type and fingerprint."""

    @property
    def strict(self) -> bool:
        """Whether the server counts its messages anew with each key exchange: one that does not
        lets somebody between drop the first of them (CVE-2023-48795)."""
        return self._transport is not None and self._transport.agreed_on_strict_kex

    def connect(self, hostname: str, *_: Any, **options: Any) -> None:
        """Fabric calls this. Raises Unreachable or PreconditionError."""
        transport = paramiko.Transport(options["sock"], disabled_algorithms=_WEAK)
        self._transport = transport
        transport.banner_timeout = transport.auth_timeout = self.target.timeout_s
        with _hang_up(options["sock"], transport), _as_ours(self.target):
            _prefer_known(transport, self.target)
            transport.start_client(timeout=self.target.timeout_s)
            if self.authenticate:
                key = transport.get_remote_server_key()
                host_keys.check(self.target, key.get_name(), key.asbytes())
                self.host_key = f"{key.get_name()} {key.fingerprint}"
                _authenticate(transport, self.target)
                # A link that does nothing while a person reads the plan must not be dropped.
                transport.set_keepalive(15)


def _prefer_known(transport: paramiko.Transport, target: Target) -> None:
    """Ask for the key type that is pinned, or a server could offer another one of its keys."""
    entries = [*host_keys.known(target), *host_keys.known_without_port(target)]
    types = [entry.key_type for entry in entries if not entry.marker]
    if "ssh-rsa" in types:
        types += ["rsa-sha2-512", "rsa-sha2-256"]
    options = transport.get_security_options()
    ours = list(options.key_types)
    preferred = [kind for kind in ours if kind in types]
    options.key_types = [*preferred, *(kind for kind in ours if kind not in preferred)]


def _authenticate(transport: paramiko.Transport, target: Target) -> None:
    tried: list[str] = []
    refused: list[str] = []
    for name, key in keys.usable(target, refused):
        tried.append(name)
        try:
            transport.auth_publickey(target.user, key)
        except paramiko.AuthenticationException as error:
            _require_heard(target, str(error), first=len(tried) == 1)
            continue
        if transport.is_authenticated():
            return
        break
    detail = f"  tried     {', '.join(tried) or 'no key: none was found'}"
    if refused:
        detail += f"\n  unusable  {', '.join(refused)}"
    raise PreconditionError(
        f"the login {target.user}@{target.address} was refused",
        host=target.host,
        detail=detail,
        hint=f"Does  ssh {target.host}  work? Only keys are used, from ssh_config or the agent.",
    )


def _require_heard(target: Target, said: str, *, first: bool) -> None:
    """Raise Unreachable where nobody answered: that is no refusal. After several keys it is one."""
    if "timeout" in said.lower():
        raise no_answer(target, _silent(target))
    if "EOF" in said and first:
        raise no_answer(target, "the connection was closed before we were logged in")


def _silent(target: Target) -> str:
    return f"it takes connections, and says nothing for {target.timeout_s:g} s"


@contextlib.contextmanager
def _hang_up(sock: Any, transport: paramiko.Transport) -> Iterator[None]:
    """Close what could not be used, the socket first: its thread may never look up from reading."""
    try:
        yield
    except BaseException:
        sock.close()
        transport.close()
        raise


@contextlib.contextmanager
def _as_ours(target: Target) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    except MagnusError:
        raise
    except paramiko.SSHException as error:
        why = _reason(error)
        if why is _DROPPED and time.monotonic() - started > 0.9 * target.timeout_s:
            why = _silent(target)
        if why is _DROPPED:
            raise Dropped(no_answer(target, why).message, host=target.host, hint=_BUSY) from None
        raise no_answer(target, why) from None
    except (OSError, EOFError) as error:
        raise no_answer(target, str(error).lower() or "the connection was closed") from None


_DROPPED = "it does not speak ssh, or dropped us before it did (MaxStartups, fail2ban)"
_BUSY = "Is somebody else connecting there all the time? Is this address banned for a while?"


def _reason(error: paramiko.SSHException) -> str:
    text = str(error)
    if "banner" in text.lower() or "No existing session" in text:
        return _DROPPED
    return text.lower() or "ssh failed"

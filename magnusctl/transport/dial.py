"""The TCP connection, made before Paramiko is even imported: that import takes as long as a
round trip to a host that is far away."""

from __future__ import annotations

import socket

from magnusctl.errors import HostError, MagnusError, PreconditionError, Unreachable
from magnusctl.transport.target import Target

AWAKE = "Is it on, awake and on this network?"
_UNHEARD_MS = 120_000


def dial(target: Target) -> socket.socket:
    """Connect to a target. Raises Unreachable."""
    try:
        sock = socket.create_connection((target.address, target.port), target.timeout_s)
    except socket.gaierror as error:
        raise Unreachable(
            f"the name {target.address} does not resolve ({error.strerror})",
            host=target.host,
            hint=f"Add 'address:' to the host, or a Host {target.host} to your ssh_config.",
        ) from None
    except TimeoutError:
        raise no_answer(target, f"no answer within {target.timeout_s:g} s") from None
    except OSError as error:
        raise no_answer(target, (error.strerror or str(error)).lower()) from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # The last resort: a black hole is found sooner by its silence; a slow reader is none.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNHEARD_MS)
    return sock


class Dropped(Unreachable):
    """A server that closed the connection before it said a word: it is busy, or wary of us."""


def no_answer(target: Target, why: str) -> Unreachable:
    """The error for a host that could not be spoken to."""
    return Unreachable(
        f"unreachable at {target.address}:{target.port}: {why}",
        host=target.host,
        hint=AWAKE,
    )


def undialled(host: str, there: str, code: int) -> MagnusError:
    """Why a host did not open a connection: 1 is that its sshd may not."""
    if code == 1:
        hint = "Allow it in its sshd_config: AllowTcpForwarding local"
        return PreconditionError("sshd there opens no connections for us", host=host, hint=hint)
    return HostError(f"nothing answers on {there} there", host=host)

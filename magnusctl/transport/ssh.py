"""Commands over ssh: Fabric opens the connection and its jumps, Paramiko's channel runs the exec.

Fabric's own stdin sends about 100 bytes a second, so it is not used.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from magnusctl.errors import MagnusError, Unreachable
from magnusctl.transport import IDLE_S, failure
from magnusctl.transport.dial import dial
from magnusctl.transport.target import Target

if TYPE_CHECKING:
    import fabric
    import paramiko

_STDERR_KEPT = 64 * 1024


class SshTransport:
    """One connection to one host, opened by the first command."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connection: fabric.Connection | None = None

    def execute(self, command: str, stdin: bytes) -> Iterator[str]:
        """See Transport.execute."""
        import paramiko

        channel = self._channel()
        try:
            channel.settimeout(IDLE_S)
            channel.exec_command(command)
            stderr = _Drain(channel)
            _send(channel, stdin)
            said: list[str] = []
            with channel.makefile("rb") as stdout:
                for raw in stdout:
                    line = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
                    said = [*said[-20:], line]
                    yield line
            code = channel.recv_exit_status()
            stderr.join(5)
            if code != 0:
                raise failure(self.target.host, code, stderr.text() or "\n".join(said))
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(error) from None
        finally:
            channel.close()

    def _lost(self, error: Exception) -> Unreachable:
        why = "silent for 15 minutes" if isinstance(error, TimeoutError) else "the connection broke"
        return Unreachable(f"{why} ({error or type(error).__name__})", host=self.target.host)

    def _channel(self) -> paramiko.Channel:
        import paramiko

        connection = self._connection or open_connection(self.target)
        self._connection = connection
        assert connection.transport is not None
        try:
            channel: paramiko.Channel = connection.transport.open_session(
                timeout=self.target.timeout_s
            )
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(error) from None
        if self.target.forward_agent:
            paramiko.agent.AgentRequestHandler(channel)
        return channel

    def close(self) -> None:
        """Close the connection and the jumps under it."""
        connection, self._connection = self._connection, None
        while connection is not None:
            connection.close()
            connection = connection.gateway


def open_connection(target: Target, authenticate: bool = True) -> fabric.Connection:
    """Connect, through the target's jumps. Raises Unreachable or PreconditionError."""
    direct = None if target.jump or target.proxy_command else dial(target)
    import fabric
    import paramiko

    from magnusctl.transport.client import LeanClient

    proxy = paramiko.ProxyCommand(target.proxy_command) if target.proxy_command else None

    connection = fabric.Connection(
        target.address,
        user=target.user,
        port=target.port,
        config=fabric.Config(overrides={"load_ssh_configs": False}, lazy=True),
        gateway=open_connection(target.jump) if target.jump else None,
        forward_agent=False,
        connect_kwargs={} if target.jump else {"sock": direct or proxy},
        connect_timeout=target.timeout_s,
    )
    connection.client = LeanClient(target, authenticate)
    try:
        connection.open()
    except paramiko.ChannelException as error:
        via = target.jump.host if target.jump else "the jump host"
        raise Unreachable(f"{via} cannot reach it: {error}", host=target.host) from None
    except MagnusError:
        connection.close()
        raise
    return connection


def _send(channel: paramiko.Channel, data: bytes) -> None:
    """A command that ended early takes no more input; why it ended is read from what it said."""
    try:
        channel.sendall(data)
        channel.shutdown_write()
    except OSError:
        if not channel.closed and not channel.exit_status_ready():
            raise


class _Drain(threading.Thread):
    """Reads stderr to its end, so that a chatty command never blocks; keeps the last part."""

    def __init__(self, channel: paramiko.Channel) -> None:
        super().__init__(daemon=True)
        self._channel = channel
        self._kept = b""
        self.start()

    def run(self) -> None:
        """Read until the channel ends or times out."""
        try:
            while data := self._channel.recv_stderr(65536):
                self._kept = (self._kept + data)[-_STDERR_KEPT:]
        except OSError:
            return

    def text(self) -> str:
        """What was kept."""
        return self._kept.decode("utf-8", "replace").strip()

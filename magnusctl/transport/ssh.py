"""Commands over ssh: Fabric opens the connection and its jumps, Paramiko's channel runs the exec.

Fabric's own stdin sends about 100 bytes a second, so it is not used.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from magnusctl.bootstrap import Request
from magnusctl.errors import MagnusError, Unreachable
from magnusctl.quote import sh
from magnusctl.transport import CONNECT_S, IDLE_S, Wire, failure, tell
from magnusctl.transport.dial import AWAKE, Dropped, dial, undialled
from magnusctl.transport.handshake import greet
from magnusctl.transport.lines import lines_of
from magnusctl.transport.target import Target

if TYPE_CHECKING:
    import fabric
    import paramiko

    from magnusctl.transport.pulse import Watch
    from magnusctl.transport.upload import Upload

_STDERR_KEPT = 64 * 1024
_CLOSE_S = 30
_PAUSES_S = (1.0, 2.0, 4.0)
_PIECE = 32 * 1024


class SshTransport:
    """One connection to one host, opened by the first command."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connections: list[fabric.Connection] = []
        # Several answers of a model are asked for at the same time.
        self._opening = threading.Lock()

    def execute(self, request: Request, idle_s: float = IDLE_S) -> Iterator[str]:
        """See Transport.execute."""
        import paramiko

        channel = self._channel()
        try:
            yield from self._exchange(channel, request, idle_s)
        except BaseException as error:
            # Whoever is not heard out may never take our farewell.
            self.close()
            if isinstance(error, paramiko.SSHException | OSError | EOFError):
                raise self._lost(error) from None
            raise
        channel.close()

    def _exchange(
        self, channel: paramiko.Channel, request: Request, idle_s: float
    ) -> Iterator[str]:
        """Start a command, give it its input, and yield what it prints. Raises for its failure."""
        from magnusctl.transport.pulse import Watch, chunks
        from magnusctl.transport.upload import Upload

        transport = channel.get_transport()
        channel.settimeout(idle_s)
        with Watch(transport):
            channel.exec_command(request.command)
        stderr = _Drain(channel)
        if request.handshake:
            greet(self.target.host, request.handshake, _Ends(channel, stderr))
        said: list[str] = []
        with Upload(self.target.host, transport, len(request.stdin)) as upload:
            with Watch(transport) as watch:
                _send(channel, request.stdin, watch, upload)
            for line in lines_of(chunks(channel, idle_s)):
                upload.over()
                said = [*said[-20:], line]
                yield line
        code = channel.recv_exit_status() if channel.status_event.wait(_CLOSE_S) else -1
        stderr.join(5)
        if code != 0:
            told = stderr.text() or "\n".join(said)
            if request.handshake:
                # sudo's prompt ends no line, and what is said next begins behind it.
                told = told.replace(request.handshake.prompt, "\n")
            raise failure(self.target.host, code, told, len(request.stdin))

    def fresh(self) -> SshTransport:
        """See Transport.fresh."""
        return SshTransport(self.target)

    def dial(self, address: str, port: int, timeout_s: float) -> Wire:
        """See Transport.dial."""
        import paramiko

        transport, there = self._opened(), (address, port)
        try:
            channel = transport.open_channel(
                "direct-tcpip", there, ("127.0.0.1", 0), None, int(CONNECT_S)
            )
        except paramiko.ChannelException as error:
            raise undialled(self.target.host, f"{address}:{port}", error.code) from None
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(error) from None
        channel.settimeout(timeout_s)
        return channel

    def send_file(self, local: str, remote: str, offset: int, moved: Callable[[int], None]) -> None:
        """See Transport.send_file: over sftp."""
        import paramiko

        from magnusctl.transport.sending import send_file

        try:
            send_file(self._opened(), self.target.host, local, remote, offset, moved)
        except (paramiko.SSHException, EOFError, TimeoutError) as error:
            raise self._lost(error) from None

    def host_key(self) -> str:
        """See Transport.host_key."""
        return self._connections[-1].client.host_key if self._connections else ""

    def weakness(self) -> str:
        """See Transport.weakness."""
        servers = [c.client.target.host for c in self._connections if not c.client.strict]
        return f"no strict key exchange with {', '.join(servers)} (Terrapin)" if servers else ""

    def _lost(self, error: Exception) -> Unreachable:
        told = str(error).rstrip(".")
        if isinstance(error, TimeoutError):
            why = told or "it takes nothing any more"
        else:
            why = f"the connection broke ({told})" if told else "the connection broke"
        return Unreachable(why, host=self.target.host, hint=AWAKE)

    def _opened(self) -> paramiko.Transport:
        with self._opening:
            if self._connections and not self._connections[-1].transport.is_active():
                # It broke while nobody used it, as while a person read the plan.
                self.close()
            self._connections = self._connections or _patiently(self.target)
            transport: paramiko.Transport = self._connections[-1].transport
            return transport

    def _channel(self) -> paramiko.Channel:
        import paramiko

        transport = self._opened()
        try:
            channel: paramiko.Channel = transport.open_session(timeout=self.target.timeout_s)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(error) from None
        if self.target.forward_agent:
            paramiko.agent.AgentRequestHandler(channel)
        return channel

    def close(self) -> None:
        """Close the connection, then the jumps under it."""
        close_all(self._connections)
        self._connections = []


def _patiently(target: Target) -> list[fabric.Connection]:
    """Connect; a server that drops us before it speaks is asked again, ever more slowly."""
    for pause in _PAUSES_S:
        try:
            return open_connections(target)
        except Dropped as error:
            tell(target.host, f"{error.message}; again in {pause:g} s")
            time.sleep(pause)
    return open_connections(target)


def open_connections(target: Target, authenticate: bool = True) -> list[fabric.Connection]:
    """The connections to a target's jumps, and last the one to itself.

    Raises Unreachable or PreconditionError.
    """
    direct = None if target.jump or target.proxy_command else dial(target)
    import fabric
    import paramiko

    from magnusctl.transport.client import LeanClient

    before = open_connections(target.jump) if target.jump else []
    try:
        sock = direct or _through(target, before)
        connection = fabric.Connection(
            target.address,
            user=target.user,
            port=target.port,
            config=fabric.Config(overrides={"load_ssh_configs": False}, lazy=True),
            forward_agent=False,
            connect_kwargs={"sock": sock},
            connect_timeout=target.timeout_s,
        )
        connection.client = LeanClient(target, authenticate)
        connection.open()
    except (paramiko.SSHException, OSError) as error:
        close_all(before)
        via = target.jump.host if target.jump else "the proxy command"
        raise Unreachable(f"{via} cannot reach it: {error}", host=target.host) from None
    except MagnusError:
        close_all(before)
        raise
    return [*before, connection]


def _through(target: Target, before: list[fabric.Connection]) -> Any:
    """A way to the target through its last jump, or through a command."""
    import paramiko

    if not before:
        return paramiko.ProxyCommand(sh("sh", "-c", f"exec {target.proxy_command}"))
    there = (target.address, target.port)
    transport = before[-1].transport
    return transport.open_channel("direct-tcpip", there, ("", 0), timeout=target.timeout_s)


def close_all(connections: list[fabric.Connection]) -> None:
    """Close connections, the last one first."""
    for connection in reversed(connections):
        # A broken connection may say so once more. The socket goes first: who is flooded by the
        # other side never looks up from reading.
        with contextlib.suppress(OSError, EOFError, AttributeError):
            connection.transport.sock.close()
        with contextlib.suppress(OSError, EOFError):
            connection.close()


def _send(channel: paramiko.Channel, data: bytes, watch: Watch, upload: Upload) -> None:
    """A command that ended early takes no more input; why it ended is read from what it said."""
    try:
        for start in range(0, len(data), _PIECE):
            channel.sendall(data[start : start + _PIECE])
            watch.moved()
            upload.handed(_PIECE)
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


class _Ends:
    """Both ends of a channel, for a handshake: nothing else is printed before it is over."""

    def __init__(self, channel: paramiko.Channel, stderr: _Drain) -> None:
        self._channel = channel
        self._stderr = stderr
        self._out = b""

    def said(self) -> str:
        """See handshake.Line."""
        return self._stderr.text()

    def printed(self) -> str:
        """See handshake.Line."""
        while self._channel.recv_ready():
            self._out += self._channel.recv(4096)
        return self._out.decode("utf-8", "replace")

    def ended(self) -> bool:
        """See handshake.Line."""
        return self._channel.exit_status_ready() or self._channel.closed

    def send(self, data: bytes) -> None:
        """See handshake.Line."""
        self._channel.sendall(data)

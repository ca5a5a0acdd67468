"""An SSH server that says what a test wants it to say: the host that nobody should trust."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED

_SECONDS = 20


@dataclass(frozen=True)
class Asked:
    """One exec: its command, what it was sent, and the nonce that frames its answer."""

    command: str
    stdin: bytes

    @property
    def nonce(self) -> str:
        return self.stdin.split(b" ", 1)[0].decode()

    @property
    def job(self) -> bool:
        """Whether this is a job, and no question."""
        return b"\n" in self.stdin and self.stdin.split(b"\n", 1)[0].count(b" ") == 3

    @property
    def follows(self) -> bool:
        """Whether somebody wants to follow a job."""
        return b"\nfollow " in self.stdin

    def honest(self) -> list[str]:
        """The lines that the real program would have said: it is run."""
        done = subprocess.run(
            ["/bin/sh", "-c", self.command],
            input=self.stdin,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        return done.stdout.decode().splitlines()


Say = Callable[[bytes], None]
Script = Callable[[Asked, Say], None]
"""What the host answers; `say` raises OSError when nobody listens any more."""


class _Login(paramiko.ServerInterface):
    """Lets everybody in, and has a script answer."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._answer, args=(channel, command), daemon=True).start()
        return True

    def _answer(self, channel: paramiko.Channel, command: bytes) -> None:
        channel.settimeout(_SECONDS)
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            stdin = b""
            while data := channel.recv(65536):
                stdin += data
            self._script(Asked(command.decode(), stdin), channel.sendall)
            channel.send_exit_status(0)
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            channel.close()


@contextlib.contextmanager
def hostile(key: Path, script: Script) -> Iterator[int]:
    """Serve with a host's key; the port."""
    host_key = paramiko.PKey.from_path(key)

    def session(sock: socket.socket) -> None:
        transport = paramiko.Transport(sock)
        transport.add_server_key(host_key)
        transport.start_server(server=_Login(script))

    with listening(session) as port:
        yield port


@contextlib.contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Hand every connection to somebody, in a thread; the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def session(sock: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            serve(sock)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                taken.append(sock)
                threading.Thread(target=session, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for sock in taken:
            sock.close()

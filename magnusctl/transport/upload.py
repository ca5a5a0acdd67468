"""How much of what was sent has arrived, as far as our own system knows, and telling of it."""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import termios
import threading
import time

import paramiko

from magnusctl.transport import tell

_TELL_S = 5.0
_SO_NWRITE = 0x1024


def held(transport: paramiko.Transport) -> int:
    """How many bytes our own system took and has not delivered yet; -1 where it cannot tell."""
    sock = transport.sock
    while isinstance(sock, paramiko.Channel):
        # Through a jump, what counts is the connection to that.
        sock = sock.get_transport().sock
    if not isinstance(sock, socket.socket):
        return -1
    try:
        if sys.platform == "darwin":
            return sock.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
        found: int = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]
    except (OSError, ValueError):
        # ValueError: somebody closed it in this moment.
        return -1
    return found


class Upload(threading.Thread):
    """Tells how far a long upload is, and how long the rest will take, until it is over."""

    def __init__(self, host: str, transport: paramiko.Transport, total: int) -> None:
        super().__init__(daemon=True)
        self._host, self._transport, self._total = host, transport, total
        self._handed = 0
        self._began = time.monotonic()
        self._over = threading.Event()

    def __enter__(self) -> Upload:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over()

    def handed(self, count: int) -> None:
        """So many bytes more were given to our own system."""
        self._handed += count

    def over(self) -> None:
        """The host speaks, or will not any more."""
        self._over.set()

    def run(self) -> None:
        """Tell every few seconds."""
        while not self._over.wait(_TELL_S):
            done = min(self._handed, self._total) - max(0, held(self._transport))
            if 0 < done < self._total:
                left = (time.monotonic() - self._began) / done * (self._total - done)
                sizes = f"{done // 1024} of {self._total // 1024} KiB"
                tell(self._host, f"sent {sizes}, about {left:.0f} s left")

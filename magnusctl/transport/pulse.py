"""Does the other end still live? Bytes of a command prove it; so does an answer to a keepalive.

Paramiko's own keepalive never looks for the answer, and a peer that is frozen, or a route that
swallows everything, breaks no connection by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import paramiko

from magnusctl.transport.upload import held

LOOK_S = 5.0
DEAD_S = 20.0
_BROKEN = paramiko.SSHException | OSError | EOFError


class Silent(TimeoutError):
    """Nothing was heard for too long."""


def chunks(channel: paramiko.Channel, idle_s: float) -> Iterator[bytes]:
    """What a command prints, to its end.

    Raises Silent when the peer answers nothing for DEAD_S, or the command prints nothing for
    `idle_s` seconds.
    """
    channel.settimeout(min(LOOK_S, idle_s))
    heard, unsent = time.monotonic(), held(channel.get_transport())
    pulse: _Pulse | None = None
    while True:
        try:
            data = channel.recv(65536)
        except TimeoutError:
            before, unsent = unsent, held(channel.get_transport())
            if 0 < unsent < before:
                # A slow link still takes what we have for it; an answer can only come behind that.
                heard, pulse = time.monotonic(), None
                continue
            quiet = time.monotonic() - heard
            if quiet >= idle_s:
                raise Silent(f"silent for {idle_s:g} s") from None
            if pulse is None or pulse.answered:
                pulse = _Pulse(channel.get_transport())
            elif pulse.waits() > DEAD_S - LOOK_S:
                raise Silent(f"no heartbeat for {DEAD_S:g} s") from None
            continue
        if not data:
            return
        heard, pulse = time.monotonic(), None
        yield data


class Watch:
    """Ends a connection on which nothing moves for DEAD_S; what waits for it then fails."""

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport
        self._ended = threading.Event()
        self._moved, self._unsent = time.monotonic(), -1
        self.expired = False

    def moved(self) -> None:
        """Something went through."""
        self._moved = time.monotonic()

    def __enter__(self) -> Watch:
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._ended.set()
        if self.expired and isinstance(error, _BROKEN | None):
            raise Silent(f"no heartbeat for {DEAD_S:g} s") from None

    def _look(self) -> None:
        while not self._ended.wait(DEAD_S / 20):
            before, self._unsent = self._unsent, held(self._transport)
            if 0 < self._unsent < before:
                self.moved()
            if time.monotonic() - self._moved > DEAD_S:
                self.expired = True
                self._transport.close()
                return


class _Pulse(threading.Thread):
    """One question that every ssh server answers, if only with a refusal."""

    def __init__(self, transport: paramiko.Transport) -> None:
        super().__init__(daemon=True)
        self._transport = transport
        self._asked = time.monotonic()
        self.answered = False
        self.start()

    def run(self) -> None:
        """Ask, and wait as long as the connection lives."""
        self._transport.global_request("keepalive@openssh.com", wait=True)
        self.answered = self._transport.is_active()

    def waits(self) -> float:
        """Seconds since it was asked."""
        return time.monotonic() - self._asked

"""One connection through the proxy: four small tasks, and two sockets that end together."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults.conditions import WAYS, Conditions, Way

_CONNECT_SECONDS = 10
# On, and no time to linger: close sends RST.
_RESET = struct.pack("ii", 1, 0)


class _Cut(Exception):
    """The bytes that may pass have passed."""


@dataclass
class _Queue:
    """What is on its way in one direction; None is the end of the stream."""

    items: asyncio.Queue[tuple[float, bytes | None]] = field(default_factory=asyncio.Queue)
    size: int = 0
    room: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False


class Connection:
    """Carries bytes between a client and a server until one ends, or until it is cut."""

    def __init__(
        self, number: int, client: socket.socket, to: tuple[str, int], conditions: Conditions
    ) -> None:
        self.number = number
        self.passed: dict[Way, int] = dict.fromkeys(WAYS, 0)
        self.was_cut, self.reset = False, False
        self._conditions, self._to = conditions, to
        server = socket.socket()
        self._ends: dict[Way, tuple[socket.socket, socket.socket]]
        self._ends = {"up": (client, server), "down": (server, client)}
        for end in self._ends["up"]:
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._queues: dict[Way, _Queue] = {way: _Queue() for way in WAYS}

    async def run(self) -> None:
        """Carry until both directions have ended or one breaks; cancelled, it ends both at once."""
        try:
            await self._connect()
            async with asyncio.TaskGroup() as group:
                for way in WAYS:
                    group.create_task(self._take(way))
                    group.create_task(self._give(way))
        except* _Cut:
            self.was_cut, self.reset = True, self._conditions.reset
        except* OSError:
            self.reset = True
        finally:
            self._close()

    async def _connect(self) -> None:
        await self._conditions.flowing.wait()
        # What the handshake would take.
        await asyncio.sleep(2 * self._conditions.delay)
        async with asyncio.timeout(_CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(self._ends["up"][1], self._to)

    def _close(self) -> None:
        for end in self._ends["up"]:
            if self.reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            else:
                # FIN first: close alone sends RST where something was left unread.
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_WR)
            end.close()

    async def _take(self, way: Way) -> None:
        """Read from one end, and note when each piece arrives at the other."""
        loop = asyncio.get_running_loop()
        source, queue = self._ends[way][0], self._queues[way]
        data: bytes | None = b""
        while data is not None:
            await self._conditions.flowing.wait()
            while queue.size > self._conditions.window():
                queue.room.clear()
                await queue.room.wait()
            try:
                data = await loop.sock_recv(source, self._conditions.chunk()) or None
            except OSError:
                # As on a wire, what was sent before the reset arrives before it.
                data, queue.broken = None, True
            for piece in self._pieces(data):
                due = self._conditions.due(way, len(piece), loop.time())
                queue.size += len(piece)
                queue.items.put_nowait((due, piece))
            if data is None:
                queue.items.put_nowait((self._conditions.due(way, 0, loop.time()), None))

    def _pieces(self, data: bytes | None) -> Iterator[bytes]:
        """What was read, cut small where the link became slow while it was waited for."""
        step = self._conditions.chunk()
        for start in range(0, len(data or b""), step):
            yield (data or b"")[start : start + step]

    async def _give(self, way: Way) -> None:
        """Hand on each piece when it is due."""
        loop = asyncio.get_running_loop()
        sink, queue = self._ends[way][1], self._queues[way]
        while True:
            due, data = await queue.items.get()
            await asyncio.sleep(due - loop.time())
            await self._conditions.flowing.wait()
            if data is None:
                if queue.broken:
                    raise ConnectionResetError
                sink.shutdown(socket.SHUT_WR)
                return
            await self._pass(way, sink, data)
            queue.size -= len(data)
            queue.room.set()

    async def _pass(self, way: Way, sink: socket.socket, data: bytes) -> None:
        """Send a piece, or as much of it as may pass before the cut."""
        room = self._conditions.room(way, self.passed[way])
        allowed = data if room is None else data[:room]
        await asyncio.get_running_loop().sock_sendall(sink, allowed)
        self.passed[way] += len(allowed)
        if room is not None and len(allowed) == room:
            self._conditions.cuts_left -= 1
            if not self._conditions.stalls:
                raise _Cut
            self._conditions.flowing.clear()
            await self._conditions.flowing.wait()
            await self._pass(way, sink, data[len(allowed) :])

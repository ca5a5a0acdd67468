"""The proxy's event loop: takes connections, and does what it is told to them."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.conditions import WAYS, Conditions
from tests.faults.connection import Connection

Event = dict[str, Any]


@dataclass(frozen=True)
class State:
    """What has gone through so far: connections taken and open now, bytes handed on each way."""

    taken: int
    open: int
    up: int
    down: int


class Relay:
    """Everything here runs in one loop; each public method but `run` is a command."""

    def __init__(
        self, listen: tuple[str, int], to: tuple[str, int], tell: Callable[[Event], None]
    ) -> None:
        self._to, self._tell = to, tell
        self._conditions = Conditions()
        self._conditions.flowing.set()
        self._taken, self._past = 0, dict.fromkeys(WAYS, 0)
        self._open: dict[asyncio.Task[None], Connection] = {}
        self._accepting: asyncio.Task[None] | None = None
        self._bind(listen)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    async def run(self) -> None:
        """Take connections until this is cancelled; then end them all."""
        self.admit()
        self._tell({"event": "listening", "host": self.address[0], "port": self.address[1]})
        try:
            await asyncio.Event().wait()
        finally:
            self._stop_accepting()
            self._listener.close()
            await self.cut()

    async def cut(self, reset: bool = True) -> None:
        """End every open connection at once, on both sides."""
        for task, connection in self._open.items():
            connection.was_cut, connection.reset = True, reset
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def cut_after(
        self,
        up: int | None = None,
        down: int | None = None,
        reset: bool = True,
        times: int = 1,
    ) -> None:
        """Cut a connection once it has carried so many bytes; `times` connections, then no more."""
        limits = zip(WAYS, (up, down), strict=True)
        self._conditions.limits = {way: limit for way, limit in limits if limit is not None}
        self._conditions.cuts_left, self._conditions.reset = times, reset
        self._conditions.stalls = False

    def stall_after(self, up: int | None = None, down: int | None = None) -> None:
        """Stall everything once a connection has carried so many bytes."""
        self.cut_after(up, down)
        self._conditions.stalls = True

    def stall(self) -> None:
        """Read and hand on nothing, and keep every socket open."""
        self._conditions.flowing.clear()

    def resume(self) -> None:
        """End a stall; what was held goes on."""
        self._conditions.flowing.set()

    def throttle(self, rate: float | None = None, delay: float = 0.0) -> None:
        """From now on `rate` bytes a second and `delay` seconds, in each direction."""
        self._conditions.rate, self._conditions.delay = rate, delay

    def refuse(self) -> None:
        """Refuse new connections as a host where nothing listens; open ones go on."""
        self._stop_accepting()
        address = self.address
        self._listener.close()
        # Bound and not listening: refuses, and nobody else gets the port.
        self._bind(address)

    def admit(self) -> None:
        """Take new connections."""
        if self._accepting is None:
            self._listener.listen(128)
            self._accepting = asyncio.create_task(self._accept())

    def drop(self, times: int) -> None:
        """Close the next so many connections right after they were accepted."""
        self._conditions.drops_left = times

    def state(self) -> State:
        """The counts."""
        sums = {
            way: self._past[way] + sum(one.passed[way] for one in self._open.values())
            for way in WAYS
        }
        return State(self._taken, len(self._open), sums["up"], sums["down"])

    def _bind(self, address: tuple[str, int]) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # As on a wire and not as on loopback: a sender shall meet the link, not our memory. Its
        # own system still holds some 100 kB that it believes sent.
        if sys.platform == "linux":
            self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self._listener.bind(address)
        self._listener.setblocking(False)

    def _stop_accepting(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listener)
            self._taken += 1
            if self._conditions.drops_left > 0:
                self._conditions.drops_left -= 1
                client.close()
                self._tell({"event": "dropped", "connection": self._taken})
                continue
            connection = Connection(self._taken, client, self._to, self._conditions)
            self._tell({"event": "opened", "connection": connection.number})
            task = asyncio.create_task(connection.run())
            self._open[task] = connection
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        connection = self._open.pop(task)
        for way in WAYS:
            self._past[way] += connection.passed[way]
        event: Event = {"event": "cut" if connection.was_cut else "closed"}
        self._tell(event | {"connection": connection.number} | dict(connection.passed))


async def obey(relay: Relay, command: str, arguments: dict[str, Any]) -> State:
    """Do one command by its name; the answer is the state after it."""
    if command not in COMMANDS:
        raise ValueError(f"no such command: {command}")
    done = getattr(relay, command)(**arguments)
    if asyncio.iscoroutine(done):
        await done
    return relay.state()


COMMANDS = (
    *(
        "cut",
        "cut_after",
        "stall",
        "stall_after",
        "resume",
        "throttle",
        "refuse",
        "admit",
        "drop",
        "state",
    ),
)

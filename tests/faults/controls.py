"""What a test tells a proxy, wherever the proxy runs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from tests.faults.relay import Event, State


class Controls(ABC):
    """The commands of a proxy that listens at `host` and `port`. Each waits until it is done."""

    host: str
    port: int
    events: list[Event]

    @abstractmethod
    def _do(self, command: str, **arguments: Any) -> State:
        """Have the proxy do one command."""

    def state(self) -> State:
        """Connections taken and open, bytes handed on up and down."""
        return self._do("state")

    def cut(self, *, reset: bool = True) -> State:
        """End every open connection on both sides, with RST or else with FIN."""
        return self._do("cut", reset=reset)

    def cut_after(
        self, *, up: int | None = None, down: int | None = None, reset: bool = True, times: int = 1
    ) -> State:
        """Cut a connection when just so many of its bytes have passed, for `times` connections."""
        return self._do("cut_after", up=up, down=down, reset=reset, times=times)

    def stall_after(self, *, up: int | None = None, down: int | None = None) -> State:
        """Stall everything when just so many bytes of a connection have passed."""
        return self._do("stall_after", up=up, down=down)

    def stall(self) -> State:
        """Black hole: read and hand on nothing, with every socket open."""
        return self._do("stall")

    def resume(self) -> State:
        """End a stall; what was held goes on."""
        return self._do("resume")

    def throttle(self, rate: float | None = None, delay: float = 0.0) -> State:
        """`rate` bytes a second and `delay` seconds in each direction; nothing to end it."""
        return self._do("throttle", rate=rate, delay=delay)

    def refuse(self) -> State:
        """Refuse new connections; open ones go on."""
        return self._do("refuse")

    def admit(self) -> State:
        """Take new connections again."""
        return self._do("admit")

    def drop(self, times: int) -> State:
        """Close the next so many connections right after accept, before a byte."""
        return self._do("drop", times=times)

    def until(self, true: Callable[[State], bool], seconds: float = 30) -> State:
        """Ask for the state until something is true of it; AssertionError after `seconds`."""
        end = time.monotonic() + seconds
        while not true(state := self.state()):
            assert time.monotonic() < end, f"not within {seconds:g} s; {state}"
            time.sleep(0.005)
        return state

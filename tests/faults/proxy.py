"""A TCP proxy on loopback that breaks the link on purpose.

In this process, `with Proxy(to=("127.0.0.1", port)) as link:`; or as a program, for another
network namespace: `python -m tests.faults.proxy --listen 127.0.0.1:0 --to HOST:PORT`. The program
reads commands from stdin, one JSON object a line, `{"do": "cut_after", "up": 100}`, and prints one
JSON object for every event and every answer. It ends with its stdin.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import queue
import sys
import threading
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from tests.faults.controls import Controls
from tests.faults.relay import Event, Relay, State, obey

_SECONDS = 60


class Proxy(Controls):
    """A proxy in a thread of this process."""

    def __init__(self, to: tuple[str, int], listen: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.events: list[Event] = []
        self._where = listen, to
        self._ready: queue.Queue[None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.get(timeout=_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(_SECONDS)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._relay = Relay(*self._where, self.events.append)
        self.host, self.port = self._relay.address
        self._main = asyncio.create_task(self._relay.run())
        self._loop.call_soon(self._ready.put, None)
        await self._main

    def _do(self, command: str, **arguments: Any) -> State:
        done = obey(self._relay, command, arguments)
        return asyncio.run_coroutine_threadsafe(done, self._loop).result(_SECONDS)


def _tell(event: Event) -> None:
    print(json.dumps(event), flush=True)


async def _serve(listen: tuple[str, int], to: tuple[str, int]) -> None:
    """Serve, and do what stdin says, until it ends."""
    relay = Relay(listen, to, _tell)
    serving = asyncio.create_task(relay.run())
    loop = asyncio.get_running_loop()
    try:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            arguments = json.loads(line)
            command = arguments.pop("do")
            try:
                answer = asdict(await obey(relay, command, arguments))
            except (TypeError, ValueError) as error:
                _tell({"event": "refused", "command": command, "why": str(error)})
            else:
                _tell({"event": "done", "command": command, **answer})
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.faults.proxy", description=__doc__)
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 0))
    parser.add_argument("--to", type=_address, required=True)
    options = parser.parse_args()
    asyncio.run(_serve(options.listen, options.to))


if __name__ == "__main__":
    main()

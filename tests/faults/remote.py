"""A proxy in a process of its own, such as one in a lab's control namespace."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.faults.controls import Controls
from tests.faults.relay import Event, State
from tests.lab.lab import Lab

_REPOSITORY = Path(__file__).parents[2]
_SECONDS = 60


class RemoteProxy(Controls):
    """Starts the program by its command line, as `command` gives it, and talks to it."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.events: list[Event] = []
        self._argv = argv
        self._answers: queue.Queue[Event] = queue.Queue()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._argv,
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        there = self._answer("listening")
        self.host, self.port = there["host"], there["port"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            answers = event["event"] in ("listening", "done", "refused")
            (self._answers.put if answers else self.events.append)(event)

    def _answer(self, wanted: str) -> Event:
        answer = self._answers.get(timeout=_SECONDS)
        if answer.pop("event") != wanted:
            raise RuntimeError(f"the proxy says: {answer}")
        return answer

    def _do(self, command: str, **arguments: Any) -> State:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = self._answer("done")
        del answer["command"]
        return State(**answer)


def command(to: tuple[str, int]) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "tests.faults.proxy", "--to", f"{to[0]}:{to[1]}"]


def before_host(lab: Lab, name: str) -> RemoteProxy:
    """A proxy on the control side's loopback, before a host's sshd; ends with the lab at last."""
    return RemoteProxy(lab.command(command((lab.hosts[name].address, 22))))


def through(lab: Lab, name: str, proxy: RemoteProxy) -> dict[str, Any]:
    """The settings of a host in an inventory that make magnusctl go through its proxy."""
    known = lab.workdir / f"known_hosts.{proxy.port}"
    lines = lab.known_hosts.read_text().splitlines()
    key = next(line for line in lines if line.startswith(f"{lab.hosts[name].address} "))
    known.write_text(f"[{proxy.host}]:{proxy.port} {key.split(' ', 1)[1]}\n")
    ssh = {"config": "none", "identity": str(lab.key), "known_hosts": str(known)}
    return {"address": proxy.host, "port": proxy.port, "user": "admin", "ssh": ssh}

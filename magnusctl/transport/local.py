"""Commands on the control machine itself."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from magnusctl.bootstrap import Request
from magnusctl.errors import HostError
from magnusctl.transport import CONNECT_S, IDLE_S, Wire, failure
from magnusctl.transport.handshake import greet
from magnusctl.transport.lines import lines_of

_KEPT = 64 * 1024
_DRAIN_S = 5


class LocalTransport:
    """The same protocol as over ssh, with pipes to /bin/sh in its place."""

    def __init__(self, host: str) -> None:
        self.host = host

    def execute(self, request: Request, idle_s: float = IDLE_S) -> Iterator[str]:
        """See Transport.execute; this machine is waited for without a limit."""
        del idle_s
        process = subprocess.Popen(
            ["/bin/sh", "-c", request.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            # Ctrl-C is for us: a step is never cut in the middle.
            start_new_session=True,
        )
        ends = _Ends(process)
        try:
            if request.handshake:
                greet(self.host, request.handshake, ends)
            feeder = threading.Thread(target=ends.feed, args=(request.stdin,), daemon=True)
            feeder.start()
            said: list[str] = []
            for line in lines_of(ends.output()):
                said = [*said[-20:], line]
                yield line
            code = process.wait()
            if code != 0:
                told = ends.last_words() or "\n".join(said)
                raise failure(self.host, code, told, len(request.stdin))
        finally:
            ends.close()

    def fresh(self) -> LocalTransport:
        """See Transport.fresh: nothing lies between, so nothing can be cut."""
        return self

    def dial(self, address: str, port: int, timeout_s: float) -> Wire:
        """See Transport.dial."""
        try:
            wire = socket.create_connection((address, port), timeout=CONNECT_S)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            message = f"nothing answers on {address}:{port} there: {why}"
            raise HostError(message, host=self.host) from None
        wire.settimeout(timeout_s)
        return wire

    def send_file(self, local: str, remote: str, offset: int, moved: Callable[[int], None]) -> None:
        """See Transport.send_file: a copy."""
        try:
            mode = "r+b" if offset else "wb"
            with Path(local).open("rb") as source, Path(remote).open(mode) as to:
                source.seek(offset)
                to.seek(offset)
                while piece := source.read(1 << 20):
                    to.write(piece)
                    moved(len(piece))
        except OSError as error:
            message = f"cannot write {remote}: {error.strerror}"
            raise HostError(message, host=self.host) from None

    def host_key(self) -> str:
        """See Transport.host_key: there is none between."""
        return ""

    def weakness(self) -> str:
        """See Transport.weakness."""
        return ""

    def close(self) -> None:
        """Nothing is held."""


class _Ends:
    """The three streams of a process; stderr is always drained, so that it never blocks."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._out = b""
        self._err = b""
        self._lock = threading.Lock()
        self._stdin, self._stdout, self._stderr = _piped(process)
        self._drain_thread = threading.Thread(target=self._drain, daemon=True)
        self._drain_thread.start()

    def _drain(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(self._stderr.fileno(), 65536):
                with self._lock:
                    self._err = (self._err + data)[-_KEPT:]

    def said(self) -> str:
        """See handshake.Line."""
        with self._lock:
            return self._err.decode("utf-8", "replace").strip()

    def printed(self) -> str:
        """See handshake.Line."""
        while select.select([self._stdout], [], [], 0)[0]:
            data = os.read(self._stdout.fileno(), 4096)
            if not data:
                break
            self._out += data
        return self._out.decode("utf-8", "replace")

    def ended(self) -> bool:
        """See handshake.Line."""
        return self._process.poll() is not None

    def send(self, data: bytes) -> None:
        """See handshake.Line."""
        with contextlib.suppress(OSError):
            self._stdin.write(data)
            self._stdin.flush()

    def feed(self, data: bytes) -> None:
        """Give all of the input, and its end."""
        self.send(data)
        with contextlib.suppress(OSError):
            self._stdin.close()

    def output(self) -> Iterator[bytes]:
        """What it prints, as it comes."""
        while data := os.read(self._stdout.fileno(), 65536):
            yield data

    def last_words(self) -> str:
        """What was said on stderr, once the process is gone. Whoever it left may hold its end."""
        self._drain_thread.join(_DRAIN_S)
        return self.said()

    def close(self) -> None:
        """Let go of the streams."""
        for stream in (self._stdout, self._stderr):
            with contextlib.suppress(OSError):
                stream.close()


def _piped(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    assert process.stdin
    assert process.stdout
    assert process.stderr
    return process.stdin, process.stdout, process.stderr

"""An OpenAI-compatible server whose every word comes at a known time, and that can be unwell.

It stands in for an engine where the truth about time must be known; engines themselves are in the
lab. Each event is timed from the moment a request was read, so nothing adds up.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Pace:
    """Milliseconds from the request: a role chunk, the first word, then one word each `gap`.

    One of the chunks holds three tokens, so the count of chunks is not that of tokens.
    """

    role: float = 20
    first: float = 60
    gap: float = 5
    tokens: int = 32
    factor: Callable[[], float] = lambda: 1.0
    """What the times of one answer are multiplied by."""
    models: tuple[str, ...] = ("tiny",)
    ill: str = ""
    """loading, no-key, no-model, cut, error, silent, no-usage: how it is unwell; or old: it speaks
    HTTP/1.0, where an answer ends with its connection, as mlx_lm.server does."""
    seen: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    sent: list[tuple[float, float]] = field(default_factory=list)
    """When the first and the last word of each answer really went out: this machine may be busy."""
    late: float = 0.0
    """By how many ms a word went out after its time, at most."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A word must not wait until the one before was acknowledged.
    disable_nagle_algorithm = True
    pace: Pace

    def log_message(self, *_: object) -> None:
        """Be quiet."""

    def setup(self) -> None:
        super().setup()
        self.old = self.pace.ill == "old"
        self.protocol_version = "HTTP/1.0" if self.old else "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            self._json(200, {"status": "ok"})
        elif self.pace.ill == "loading":
            self._json(503, {"error": {"message": "Loading model", "code": 503}})
        else:
            models = [] if self.pace.ill == "no-model" else self.pace.models
            self._json(200, {"object": "list", "data": [{"id": m} for m in models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        began = time.monotonic()
        self.pace.seen.append(body)
        self.pace.keys.append(self.headers.get("Authorization", ""))
        if self.pace.ill == "no-key":
            self._json(401, {"error": "Unauthorized"})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        if not self.old:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            self._stream(began, body)

    def _stream(self, began: float, body: dict[str, Any]) -> None:
        pace, factor = self.pace, self.pace.factor()
        if pace.ill == "silent":
            time.sleep(3)
            self.close_connection = True
            return

        def at(ms: float, data: object) -> None:
            time.sleep(max(0.0, began + ms * factor / 1000 - time.monotonic()))
            pace.late = max(pace.late, 1000 * (time.monotonic() - began) - ms * factor)
            text = data if isinstance(data, str) else json.dumps(data)
            put(f"data: {text}\n\n".encode())

        def put(line: bytes) -> None:
            self.wfile.write(line if self.old else b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()

        asked = body.get("max_tokens") or body["max_completion_tokens"]
        tokens = min(pace.tokens, int(asked))
        at(pace.role, _chunk({"role": "assistant", "content": ""}))
        put(b": keepalive\n\n")
        chunks, ms = max(1, tokens - 2), pace.first
        sent: list[float] = []
        for number in range(chunks):
            word = " node answers the" if number == 1 else " node"
            at(ms := pace.first + number * pace.gap, _chunk({"content": word}))
            sent.append(1000 * (time.monotonic() - began))
            if pace.ill == "error" and number == 1:
                at(ms, {"error": {"message": "the engine is dead"}})
                return
            if pace.ill == "cut" and number == 1:
                self.close_connection = True
                self.connection.close()
                return
        pace.sent.append((sent[0], sent[-1]))
        at(ms + 30, _chunk({}, "length"))
        if pace.ill != "no-usage":
            usage = {"prompt_tokens": 40, "completion_tokens": tokens}
            at(ms + 40, {"choices": [], "usage": usage})
        at(ms + 50, "[DONE]")
        if not self.old:
            self.wfile.write(b"0\r\n\r\n")

    def _json(self, status: int, data: object) -> None:
        out = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if not self.old:
            self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "model": "tiny", "choices": [choice]}


@contextlib.contextmanager
def serving(pace: Pace) -> Iterator[int]:
    """Serve on loopback; the port."""
    handler = type("Handler", (_Handler,), {"pace": pace})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

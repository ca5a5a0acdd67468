"""A small stand-in for the hub: listings, files, and the ways in which it refuses."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_a-token-of-nobody"


@dataclass
class SimulatedHub:
    """One repository, `maker/model`; what it holds, and how it behaves."""

    small: dict[str, bytes] = field(default_factory=dict)
    large: dict[str, int] = field(default_factory=dict)
    """Sizes of files in large file storage: nobody ever reads these here."""
    status: int = 200
    code: str = ""
    gated_files: bool = False
    garbage: bytes | None = None
    changed: dict[str, bytes] = field(default_factory=dict)
    moved_to: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Every request's path, and its Authorization."""
    endpoint: str = ""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if self.status != 200:
            return self.status, {"X-Error-Code": self.code} if self.code else {}, b"{}"
        if path.startswith("/api/models/"):
            return self._listing(path.removeprefix("/api/models/"))
        return self._file(path.removeprefix("/"))

    def _listing(self, path: str) -> tuple[int, dict[str, str], bytes]:
        name, _, revision = path.partition("/revision/")
        if name != "maker/model":
            return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
        if revision not in ("", "main", COMMIT):
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        if self.garbage is not None:
            return 200, {}, self.garbage
        siblings = [*map(self._small, self.small), *map(self._large, self.large)]
        told = {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings}
        return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()

    def _small(self, path: str) -> dict[str, Any]:
        data = self.small[path]
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        return {"rfilename": path, "size": len(data), "blobId": blob}

    def _large(self, path: str) -> dict[str, Any]:
        size = self.large[path]
        stored = {"sha256": digest_of(path), "size": size, "pointerSize": 134}
        return {"rfilename": path, "size": size, "blobId": "0" * 40, "lfs": stored}

    def _file(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if self.gated_files:
            return 401, {"X-Error-Code": "GatedRepo"}, b"gated"
        if self.moved_to:
            return 302, {"Location": f"{self.moved_to}/{path}"}, b""
        name = path.partition(f"/resolve/{COMMIT}/")[2]
        data = {**self.small, **self.changed}.get(name)
        return (404, {"X-Error-Code": "EntryNotFound"}, b"") if data is None else (200, {}, data)


def digest_of(path: str) -> str:
    """The digest that the listing gives for a large file."""
    return hashlib.sha256(path.encode()).hexdigest()


@contextlib.contextmanager
def serving(hub: SimulatedHub) -> Iterator[SimulatedHub]:
    """The stand-in on a port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.seen.append((path, self.headers.get("Authorization", "")))
            status, headers, body = hub.answer(path)
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

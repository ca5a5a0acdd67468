"""A SIMULATED hub of models: it speaks the protocol of huggingface.co, with faults to order.

In a test `with hub() as found` is a server of this process. As a program, `python -m tests.lab.hub
FOLDER ADDRESS PORT` serves `FOLDER/OWNER/NAME/...`; `POST /_hub/fault` orders a fault there, and
`GET /_hub/asked` tells what was asked for.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.lab.hubfiles import (
    Asked,
    Fault,
    FaultKind,
    Repository,
    entries,
    git_of,
    sha256_of,
    sibling,
)

_CHUNK = 1 << 16
_SHOWN = 1000


@dataclass
class Hub:
    """What a server has, what it does wrong, and what it was asked. `rate` is in bytes a second."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    rate: float = 0.0
    page: int = _SHOWN
    url: str = ""
    storage: str = ""
    """Where large files lie: another port, so another origin, as with the real one."""
    served: int = 0
    """Bytes of files that were written to somebody."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def add(self, name: str, files: Mapping[str, bytes], **more: Any) -> Repository:
        """Put a model there."""
        self.repositories[name] = Repository(name, dict(files), **more)
        return self.repositories[name]

    def at(self, name: str, path: str, revision: str = "") -> str:
        """Where a file is fetched."""
        commit = revision or self.repositories[name].commit
        return f"{self.url}/{name}/resolve/{commit}/{quote(path)}"

    def fault(self, path: str, kind: FaultKind, **more: Any) -> None:
        """Order a fault; `more` as the fields of one."""
        with self.lock:
            self.faults.append(Fault(path, kind, **more))

    def take(self, repository: str, path: str, first: int, last: int) -> Fault | None:
        """The fault that is due for these bytes of a file."""
        with self.lock:
            for fault in self.faults:
                due = fault.kind == "refuse" or first <= fault.after < last
                if fault.path == path and fault.only in repository and fault.times and due:
                    fault.times -= 1
                    return fault
        return None


@contextlib.contextmanager
def hub(address: str = "127.0.0.1", port: int = 0) -> Iterator[Hub]:
    """Serve while the block runs; the storage is at the next port, or at any."""
    found = Hub()
    with contextlib.ExitStack() as stack:
        stack.callback(found.over.set)
        found.url = stack.enter_context(_served(address, port, found))
        found.storage = stack.enter_context(_served(address, port and port + 1, found))
        yield found


@contextlib.contextmanager
def _served(address: str, port: int, found: Hub) -> Iterator[str]:
    server = _Server((address, port), found)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], found: Hub) -> None:
        self.hub = found
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever is killed while it fetches is no news."""


class _Refused(Exception):
    """An answer that is no success, as the hub words it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *values: object) -> None:
        """Kept as values instead."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(size) or b"{}")
        if self.path == "/_hub/fault":
            with self._hub.lock:
                self._hub.faults.append(Fault(**body))
        self._json({"ok": self.path == "/_hub/fault"})

    @property
    def _hub(self) -> Hub:
        return self.server.hub

    def _answer(self) -> None:
        self._hub.requests.append(f"{self.command} {self.path}")
        try:
            self._route(urlsplit(self.path).path)
        except _Refused as refused:
            error = {"X-Error-Code": refused.code, "X-Error-Message": refused.message}
            body = json.dumps({"error": refused.message}).encode()
            self._body(refused.status, body, {k: v for k, v in error.items() if v})

    def _route(self, path: str) -> None:
        if path == "/_hub/asked":
            self._json([asdict(one) for one in self._hub.asked])
        elif found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            if "Authorization" in self.headers:
                raise _Refused(400, "", "A signed URL and a token: only one of them is allowed")
            self._file(self._repository(found[1]), unquote(found[2]), {})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            self._info(self._repository(found[1], found[2]), bool(found[2]))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)(?:/(.*))?", path):
            self._tree(self._repository(found[1], found[2]), unquote(found[3] or ""))
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(self._repository(found[1], found[2]), unquote(found[3]))
        else:
            raise _Refused(404, "", "Not found")

    def _repository(self, name: str, revision: str | None = None) -> Repository:
        repository = self._hub.repositories.get(name)
        if repository is None:
            # It tells nobody which private models there are.
            known = "Authorization" in self.headers
            raise _Refused(404 if known else 401, "RepoNotFound", "Repository not found")
        if revision not in (None, "main", repository.commit):
            raise _Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repository

    def _info(self, repository: Repository, blobs: bool) -> None:
        blobs = blobs and self._query("blobs") in ("true", "True", "1")
        self._json(
            {
                "id": repository.name,
                "modelId": repository.name,
                "sha": repository.commit,
                "private": False,
                "gated": "manual" if repository.gated else False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [sibling(repository, path, blobs) for path in sorted(repository.files)],
            }
        )

    def _tree(self, repository: Repository, below: str) -> None:
        listed = entries(repository, below, self._query("recursive") in ("true", "True", "1"))
        begin, size = int(self._query("cursor") or 0), self._hub.page
        headers = {}
        if begin + size < len(listed):
            base = urlsplit(self.path).path
            rest = f"recursive={self._query('recursive')}&cursor={begin + size}"
            headers["Link"] = f'<{self._hub.url}{base}?{rest}>; rel="next"'
        self._json(listed[begin : begin + size], headers)

    def _resolve(self, repository: Repository, path: str) -> None:
        if repository.gated:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if token != repository.gated:
                message = f"Access to model {repository.name} is restricted."
                raise _Refused(403 if token else 401, "GatedRepo", message)
        if path not in repository.files:
            raise _Refused(404, "EntryNotFound", "Entry not found")
        data = repository.files[path]
        common = {"X-Repo-Commit": repository.commit, "Accept-Ranges": "bytes"}
        if not repository.is_lfs(path):
            self._file(repository, path, {**common, "ETag": f'"{git_of(data)}"'})
            return
        linked = {
            "X-Linked-Etag": f'"{sha256_of(data)}"',
            "X-Linked-Size": str(len(data)),
            "ETag": f'"{git_of(data)}"',
            "Location": f"{self._hub.storage}/cdn/{repository.name}/{quote(path)}",
        }
        self._body(302, b"Found", {**common, **linked})

    def _file(self, repository: Repository, path: str, headers: Mapping[str, str]) -> None:
        data = repository.files[path]
        first, last, status = 0, len(data), 200
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), min(int(asked[2] or len(data) - 1) + 1, len(data))
            status = 206
            if first >= len(data):
                self._body(416, b"", {"Content-Range": f"bytes */{len(data)}"})
                return
        fault = (
            self._hub.take(repository.name, path, first, last) if self.command == "GET" else None
        )
        if fault and fault.kind == "refuse":
            raise _Refused(fault.status, "", "The server is busy")
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last - 1}/{len(data)}")
        for name, value in {**headers, "Content-Length": str(last - first)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self._hub.asked.append(Asked(repository.name, path, first, last - first))
            self._send(data, first, last, fault)

    def _send(self, data: bytes, first: int, last: int, fault: Fault | None) -> None:
        """The bytes of a body, wrong where that is due."""
        if fault and fault.kind == "flip":
            at = fault.after
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        end = fault.after if fault and fault.kind in ("cut", "stall") else last
        size = max(1, min(_CHUNK, int(self._hub.rate / 10) or _CHUNK))
        for begin in range(first, end, size):
            chunk = data[begin : min(begin + size, end)]
            self.wfile.write(chunk)
            with self._hub.lock:
                self._hub.served += len(chunk)
            if self._hub.rate:
                time.sleep(len(chunk) / self._hub.rate)
        if end < last:
            self.close_connection = True
        if fault and fault.kind == "stall":
            self._hub.over.wait(60)

    def _query(self, name: str) -> str:
        return parse_qs(urlsplit(self.path).query).get(name, [""])[0]

    def _json(self, value: object, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self._body(200, body, {"Content-Type": "application/json", **(headers or {})})

    def _body(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def serve(folder: str, address: str, port: str) -> None:
    """Serve what lies in a folder until somebody ends this."""
    with hub(address, int(port)) as found:
        for repository in sorted(Path(folder).glob("*/*")):
            paths = [path for path in repository.rglob("*") if path.is_file()]
            files = {str(path.relative_to(repository)): path.read_bytes() for path in paths}
            found.add(str(repository.relative_to(folder)), files)
        print(found.url, flush=True)
        found.over.wait()


if __name__ == "__main__":
    serve(*sys.argv[1:])

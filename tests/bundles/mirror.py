"""A SIMULATED mirror on loopback: archives, and an index of wheels, with cuts to order."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Mirror:
    """What a server has by its path, where answers end early, and what it was asked."""

    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    """By path: how many bytes the next answers give."""
    asked: list[tuple[str, int, str]] = field(default_factory=list)
    """Path, first byte, and the Authorization that came with it."""
    moved: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def put(self, path: str, data: bytes, kind: str = "application/octet-stream") -> str:
        """Have a file there; where it is."""
        self.files[path] = (data, kind)
        return f"{self.url}{path}"

    def index(self, *wheels: tuple[str, bytes], html: bool = False) -> str:
        """An index of wheels; where it is."""
        names: dict[str, list[tuple[str, bytes]]] = {}
        for name, data in wheels:
            self.put(f"/files/{name}", data)
            names.setdefault(name.split("-")[0].replace("_", "-").lower(), []).append((name, data))
        for name, found in names.items():
            page = _html(found) if html else _json(found)
            self.put(f"/simple/{name}/", page.encode(), "text/html" if html else JSON)
        return f"{self.url}/simple"

    def requests(self, path: str) -> list[int]:
        """With which byte each request for a file began."""
        return [first for asked, first, _ in self.asked if asked == path]


def _json(found: list[tuple[str, bytes]]) -> str:
    files = [
        {"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": sha256(data)}}
        for name, data in found
    ]
    return json.dumps({"meta": {"api-version": "1.1"}, "files": files})


def _html(found: list[tuple[str, bytes]]) -> str:
    lines = [f'<a href="../../files/{n}#sha256={sha256(d)}">{n}</a><br>' for n, d in found]
    return "<!DOCTYPE html><html><body>" + "\n".join(lines) + "</body></html>"


def sha256(data: bytes) -> str:
    """A digest in hex."""
    return hashlib.sha256(data).hexdigest()


def wheel(name: str, version: str, tag: str = "py3-none-any") -> tuple[str, bytes]:
    """A wheel of one module: its file name and its bytes, the same every time."""
    data = io.BytesIO()
    info, about = f"{name}-{version}.dist-info", f"Name: {name}\nVersion: {version}\n"
    parts = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\n{about}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    parts[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*parts, f"{info}/RECORD"])
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in parts.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return f"{name}-{version}-{tag}.whl", data.getvalue()


@contextlib.contextmanager
def mirror() -> Iterator[Mirror]:
    """Serve while the block runs."""
    found = Mirror()
    handler = type("Handler", (_Handler,), {"mirror": found})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Handler(http.server.BaseHTTPRequestHandler):
    mirror: Mirror

    def log_message(self, format: str, *values: object) -> None:
        """Kept as values instead."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(wanted[1]) if wanted else 0
        self.mirror.asked.append((path, first, self.headers.get("Authorization", "")))
        if path in self.mirror.moved:
            self.send_response(302)
            self.send_header("Location", self.mirror.moved[path])
            self.end_headers()
            return
        data, kind = self.mirror.files.get(path, (b"", ""))
        if not kind or (first and first >= len(data)):
            self.send_error(416 if kind else 404)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) - first))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        due = self.mirror.cuts.get(path)
        self.wfile.write(data[first : first + due.pop(0)] if due else data[first:])

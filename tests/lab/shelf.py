"""A shelf of files on a lab's control side, from which its hosts fetch over HTTP.

Run as a program it is the server. It goes on from the middle where it is asked to; a file for which
there is a `NAME.cut` ends after as many bytes as that says, once.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.faults.sshd import REPOSITORY
from tests.lab.lab import Lab
from tests.lab.system import wait_for

PORT = 8070


@dataclass(frozen=True)
class Shelf:
    """What a running server has to give."""

    folder: Path
    url: str

    def at(self, name: str) -> str:
        """Where a file is."""
        return f"{self.url}/{quote(name)}"

    def source(self, name: str, strip: int = 0) -> dict[str, str | int]:
        """A file as an inventory names an archive."""
        return {"url": self.at(name), "sha256": self.digest(name), "strip": strip}

    def digest(self, name: str) -> str:
        """The SHA-256 of a file."""
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest()

    def cut(self, name: str, size: int) -> None:
        """Have the next answer with this file end after so many bytes."""
        (self.folder / f"{name}.cut").write_text(str(size))

    def asked(self) -> list[str]:
        """Every request so far: its path, and the byte that it was to begin with."""
        return (self.folder / "asked.log").read_text().splitlines()


@contextlib.contextmanager
def shelf(lab: Lab) -> Iterator[Shelf]:
    """Serve a folder of the lab while the block runs."""
    folder = lab.workdir / "shelf"
    folder.mkdir()
    (folder / "asked.log").touch()
    words = (sys.executable, "-m", __name__, str(folder), lab.control_address, str(PORT))
    with (lab.workdir / "shelf.log").open("w") as log:
        server = subprocess.Popen(
            lab.command(words),
            env={"PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        probe = f"exec 3<>/dev/tcp/{lab.control_address}/{PORT}"
        wait_for("the shelf", lambda: lab.control(["bash", "-c", probe]).returncode == 0, 60)
        yield Shelf(folder, f"http://{lab.control_address}:{PORT}")
    finally:
        server.kill()
        server.wait()


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files and folders, from any byte on."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        first = self._first()
        with Path(self.directory, "asked.log").open("a") as log:
            log.write(f"{self.path} {first}\n")
        if not path.is_file():
            super().do_GET()
            return
        data, marker = path.read_bytes(), Path(f"{path}.cut")
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(data) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        last = len(data)
        if marker.exists():
            last = int(marker.read_text())
            marker.unlink()
        self.wfile.write(data[first:last])

    def _first(self) -> int:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found[1]) if found else 0


def serve(folder: str, address: str, port: str) -> None:
    """Serve until somebody ends this."""
    made = functools.partial(_Handler, directory=folder)
    http.server.ThreadingHTTPServer((address, int(port)), made).serve_forever()


if __name__ == "__main__":
    serve(*sys.argv[1:])

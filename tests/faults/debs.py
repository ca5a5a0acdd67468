"""Debian packages made on the spot, put into the repository that a lab host has on its own disk."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.host import Host

_REPOSITORY = "srv/apt-local"


@dataclass(frozen=True)
class Deb:
    """A package: `scripts` by their names (`postinst`, `config`, `templates`), `files` by path."""

    name: str
    version: str = "1.0"
    depends: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    conffiles: tuple[str, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Its name in the repository."""
        return f"{self.name}_{self.version}.deb"

    @property
    def control(self) -> str:
        """Its control file."""
        depends = f"Depends: {self.depends}\n" if self.depends else ""
        head = f"Package: {self.name}\nVersion: {self.version}\nArchitecture: all\n{depends}"
        return f"{head}Maintainer: a test <test@example.org>\nDescription: made by a test\n"


def offer(host: Host, *debs: Deb, forget: str = "") -> None:
    """Put packages into the repository; what is called `forget` is offered no more.

    The lists that apt has there are those from before.
    """
    repository = host.rootfs / _REPOSITORY
    index = repository / "Packages"
    entries = [entry for entry in index.read_text().split("\n\n") if entry.strip()]
    kept = [entry for entry in entries if f"Package: {forget}\n" not in f"{entry}\n"]
    index.write_text("\n\n".join([*kept, *(_built(deb, repository) for deb in debs)]) + "\n")


def drop(host: Host, deb: Deb) -> None:
    """Take the file away, as a mirror does with an old version; the lists still name it."""
    (host.rootfs / _REPOSITORY / deb.file).unlink()


def _built(deb: Deb, repository: Path) -> str:
    """Build a package; its entry in the index."""
    path = repository / deb.file
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        control = tree / "DEBIAN"
        control.mkdir(parents=True)
        (control / "control").write_text(deb.control)
        if deb.conffiles:
            (control / "conffiles").write_text("".join(f"{name}\n" for name in deb.conffiles))
        for name, text in deb.scripts.items():
            (control / name).write_text(text)
            (control / name).chmod(0o644 if name == "templates" else 0o755)
        for name, text in deb.files.items():
            file = tree / name.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(path)],
            env={**os.environ, "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
    data = path.read_bytes()
    named = f"Filename: ./{deb.file}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}"
    return f"{deb.control}{named}\n"

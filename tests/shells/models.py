"""Models of a simulated hub, one for each host, so that hosts under other shells do not mix."""

from __future__ import annotations

import random
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from magnusctl.resources.artifact import Artifact, ArtifactFile
from tests.lab.hub import Hub
from tests.shells.hosts import GROUP, OWNER, Host, Job

STORE = "/srv/models/store"
PATH = f"{STORE}/tiny-1"
MIB = 1 << 20
FILES = {
    "config.json": b'{"a": 1}\n',
    "empty": b"",
    ' of "two" it\'s `words` $HOME \\n*? ': b"odd\n",
    "a/b/weights.safetensors": random.Random(1).randbytes(3 * MIB),
}
BIG = "a/b/weights.safetensors"


def model(server: Hub, host: Host, files: Mapping[str, bytes] = FILES, **more: Any) -> Artifact:
    """A model of this very host, so that hosts under other shells do not mix with it."""
    name = f"tests/{host.shell.name}.{sha256(str(sorted(files)).encode()).hexdigest()[:6]}"
    server.add(name, files, gated=more.pop("gated", ""))
    wanted = tuple(
        ArtifactFile(
            path=path, size=len(data), sha256=sha256(data).hexdigest(), url=server.at(name, path)
        )
        for path, data in files.items()
    )
    values = {"path": PATH, "owner": OWNER, "group": GROUP, "files": wanted, **more}
    return Artifact(**values)


def bodies(server: Hub, host: Host, path: str = BIG) -> list[int]:
    """The bytes from which a file was asked for by this host."""
    of = f"/{host.shell.name}."
    return [one.first for one in server.asked if one.path == path and of in one.repository]


def fault(server: Hub, host: Host, kind: Any, path: str = BIG, **more: Any) -> None:
    """Order a fault for this host alone."""
    server.fault(path, kind, only=f"/{host.shell.name}.", **more)


def held(host: Host, path: str = PATH) -> dict[str, bytes]:
    """What lies in the folder of a model."""
    folder = host.path(path)
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file() and one.name != ".magnus-artifact"
    }


def said(job: Job, wanted: Artifact) -> str:
    """What its step printed."""
    return "\n".join(job.output[wanted.id])

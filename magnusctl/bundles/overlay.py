"""Where a host finds what a bundle brought: a folder of its own, named by an overlay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

from magnusctl.bundles.manifest import ENGINE, WHEELS, Manifest
from magnusctl.resources.artifact import Artifact, ArtifactFile

TOP = "/opt/magnus/bundle"
ROLE = "bundle"
_SHORT = 12


def artifact(manifest: Manifest, group: str) -> Artifact | None:
    """What the engine is made of, as a folder of the host; nothing where that is nothing."""
    files = tuple(
        ArtifactFile(path=one.path.removeprefix(ENGINE), size=one.size, sha256=one.sha256)
        for one in manifest.below(ENGINE)
    )
    if not files:
        return None
    nowhere = Artifact(path=TOP, files=files, source="pushed")
    path = f"{TOP}/{nowhere.digest[:_SHORT]}"
    return Artifact(path=path, files=files, source="pushed", group=group, role=ROLE)


def text(manifest: Manifest, python: str = "") -> str:
    """An overlay of the inventory: the host takes archives and wheels from its own disk.

    `python` is an interpreter on the host.
    """
    there = artifact(manifest, "root")
    lines = [
        f"# Written by magnusctl bundle apply: {manifest.host} has its engine on its own disk.\n"
    ]
    values = [*_values(manifest, f"file://{there.path}")] if there else []
    if python:
        values.append(f"        python: {json.dumps(python)}\n")
    if not values:
        return f"{lines[0]}hosts: {{}}\n"
    head = f"hosts:\n  {json.dumps(manifest.host)}:\n    variables:\n      inference:\n"
    return "".join([*lines, head, *values])


def _values(manifest: Manifest, base: str) -> Iterator[str]:
    digests = {one.path: one.sha256 for one in manifest.members}
    for one in manifest.archives:
        indent, name = "        ", one.variable
        if name != "uv":
            yield f"{indent}{name}:\n"
            indent, name = f"{indent}  ", "archive"  # type: ignore[assignment]
        url = f"{base}/{quote(one.member.removeprefix(ENGINE))}"
        yield f"{indent}{name}:\n"
        yield f"{indent}  url: {json.dumps(url)}\n"
        yield f"{indent}  sha256: {json.dumps(digests[one.member])}\n"
        yield f"{indent}  strip: {one.strip}\n"
    if manifest.below(WHEELS):
        folder = json.dumps(f"{base}/{WHEELS.removeprefix(ENGINE).rstrip('/')}")
        # uv asks an index for every name. This one has none, so that only the wheels are left.
        yield f"        index: {folder}\n"
        yield f"        links: {folder}\n"

"""Compile a host of an example, or of an inventory that a test writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from magnusctl.inventory.starter import example_path
from magnusctl.inventory.validate import load
from magnusctl.render import renderer
from magnusctl.resources.file import File
from magnusctl.roles import compile_host
from magnusctl.secrets import secrets_of
from magnusctl.state import Resource

Resources = dict[str, Resource]


def of_example(example: str, host: str) -> Resources:
    """Everything that is declared for a host of an example, by id."""
    return _compiled(example_path(example), host)


def declared(folder: Path, host: dict[str, Any], **top: Any) -> Resources:
    """Everything that is declared for a host called `a` of an inventory."""
    path = folder / "magnus.yaml"
    path.write_text(json.dumps({"hosts": {"a": host}, **top}))
    return _compiled(path, "a")


def _compiled(path: Path, host: str) -> Resources:
    inventory = load([path])
    secrets = secrets_of(inventory, path.parent)
    found = compile_host(inventory, host, renderer(path.parent), secrets)
    return {resource.id: resource for resource in found}


def text(resources: Resources, path: str) -> str:
    """The text of a file."""
    file = resources[f"file:{path}"]
    assert isinstance(file, File)
    return file.content


def lines(resources: Resources, path: str) -> list[str]:
    """The lines of a file, without comments and blanks."""
    found = (line.strip() for line in text(resources, path).splitlines())
    return [line for line in found if line and line[0] not in "#/"]

"""Folders that ship with magnusctl."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def builtin_folder(name: str) -> Path:
    """A folder that ships with magnusctl: inside the wheel, or beside the package in a checkout."""
    package = Path(str(files("magnusctl")))
    inside = package / {"inventory": "examples"}.get(name, name)
    return inside if inside.is_dir() else package.parent / name

"""Inventories from text, and the real command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from magnusctl.errors import InputError
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.validate import load

ONE_HOST = "hosts:\n  a: {os: debian-12}\n"


def written(folder: Path, *texts: str) -> list[Path]:
    """The texts as files, in their order: the inventory, then its overlays."""
    paths = [folder / f"{number}.yaml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def loaded(folder: Path, *texts: str) -> Inventory:
    """The inventory that the texts make together."""
    return load(written(folder, *texts))


def refused(folder: Path, *texts: str) -> str:
    """What is said of texts that are no inventory, with the folder cut from the names."""
    with pytest.raises(InputError) as caught:
        loaded(folder, *texts)
    return str(caught.value).replace(f"{folder}{os.sep}", "")


def magnusctl(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "magnusctl", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "PYTHONUTF8": "1", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

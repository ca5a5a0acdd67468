"""Programs that tests judge by, each in an environment of its own that is kept between runs."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.rootfs import cache

UV_PROGRAM = Path(sys.executable).with_name("uv")
"""The one that `make test` installs: a machine may have no other."""


def installed(name: str, *words: str) -> Path:
    """An environment with what `uv pip install` is given; skips where that cannot be had."""
    if (sys.version_info[:2], platform.machine(), sys.platform) != ((3, 11), "x86_64", "linux"):
        pytest.skip(f"{name} is pinned for Python 3.11 on Linux x86_64")
    known = "\0".join(Path(word).read_text() if word.endswith(".txt") else word for word in words)
    where = _kept() / f"{name}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"
    if (where / "whole").exists():
        return where
    shutil.rmtree(where, ignore_errors=True)
    for step in (
        ("venv", "-q", "--python", sys.executable, str(where)),
        ("pip", "install", "-q", "--python", str(where), *words),
    ):
        done = subprocess.run(
            [UV_PROGRAM, *step], capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            pytest.skip(f"{name} cannot be installed here: {done.stderr.strip()[-200:]}")
    (where / "whole").touch()
    return where


def _kept() -> Path:
    """Beside what the lab keeps, or in the user's own cache."""
    try:
        cache().mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path.home() / ".cache" / "magnusctl"
    return cache() if os.access(cache(), os.W_OK) else Path.home() / ".cache" / "magnusctl"

"""Programs that tests judge by, each in an environment of its own that is kept between runs."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lab.rootfs import cache, locked

UV_PROGRAM = Path(sys.executable).with_name("uv")
"""The one that `make test` installs: a machine may have no other."""


def installed(name: str, *words: str) -> Path:
    """An environment with what `uv pip install` is given; skips where that cannot be had."""
    if (sys.version_info[:2], platform.machine(), sys.platform) != ((3, 11), "x86_64", "linux"):
        pytest.skip(f"{name} is pinned for Python 3.11 on Linux x86_64")
    known = "\0".join(Path(word).read_text() if word.endswith(".txt") else word for word in words)
    where = kept() / f"{name}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"
    # Another worker may want it at the same time.
    with locked(where.parent / f".{where.name}"):
        if not (where / "whole").exists():
            _install(name, where, words)
    return where


def _install(name: str, where: Path, words: Sequence[str]) -> None:
    shutil.rmtree(where, ignore_errors=True)
    for step in (
        ("venv", "-q", "--python", sys.executable, str(where)),
        ("pip", "install", "-q", "--python", str(where), *words),
    ):
        try:
            done = subprocess.run(
                [UV_PROGRAM, *step],
                env={"UV_HTTP_TIMEOUT": "180", **os.environ},
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"{name} cannot be installed here within 15 minutes")
        if done.returncode:
            pytest.skip(f"{name} cannot be installed here: {done.stderr.strip()[-200:]}")
    (where / "whole").touch()


def kept() -> Path:
    """Beside what the lab keeps, or in the user's own cache."""
    try:
        cache().mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path.home() / ".cache" / "magnusctl"
    return cache() if os.access(cache(), os.W_OK) else Path.home() / ".cache" / "magnusctl"

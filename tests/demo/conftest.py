"""The simulated hosts of the demo, and magnusctl as a user runs it against them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magnusctl.demo.stage import Stage, stage

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    """Four hosts as a vendor ships them."""
    with stage(tmp_path) as ready:
        yield ready


@pytest.fixture
def magnusctl(on: Stage) -> Run:
    """Run magnusctl on the simulated hosts, without a terminal."""

    def run(verb: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        where = ("-i", str(on.inventory), "--overlay", str(on.overlay))
        return subprocess.run(
            [sys.executable, "-m", "magnusctl", verb, *where, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "XDG_STATE_HOME": str(on.folder / "state"), **environment},
        )

    return run

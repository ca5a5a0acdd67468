"""The simulated hosts of the demo, and magnusctl as a user runs it against them."""

from __future__ import annotations

import json
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
        overlay = json.loads(ready.overlay.read_text())
        # Protection and boots have tests of their own; here linode is a host like any other.
        overlay["hosts"]["linode"] |= {
            "protected": False,
            "protected_services": [],
            "variables": {"trading": {"own_cmdline": False}},
        }
        ready.overlay.write_text(json.dumps(overlay))
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
            timeout=300,
            env={
                **os.environ,
                **on.secrets,
                "XDG_STATE_HOME": str(on.folder / "state"),
                **environment,
            },
        )

    return run

"""Fixtures: the scene with one engine, and with another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundles.mirror import mirror
from tests.bundles.scene import Scene, scene
from tests.lab.hub import hub


@pytest.fixture
def llama(tmp_path: Path) -> Iterator[Scene]:
    """A host with llama.cpp, whose archive is on the mirror."""
    with hub() as models, mirror() as found:
        yield scene(tmp_path, models, found, "llamacpp")


@pytest.fixture
def vllm(tmp_path: Path) -> Iterator[Scene]:
    """A host with vLLM, whose uv and wheels are on the mirror."""
    with hub() as models, mirror() as found:
        yield scene(tmp_path, models, found, "vllm")

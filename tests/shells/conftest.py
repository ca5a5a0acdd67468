"""Fixtures: every shell in turn, and hosts that are roots."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl.demo import roots
from magnusctl.inventory import model
from tests.shells.hosts import Host, MakeHost
from tests.shells.shells import SHELLS, Shell

MACS = {"card0": "02:00:00:00:00:01", "card1": "02:00:00:00:00:02"}


@pytest.fixture(params=SHELLS, ids=lambda shell: shell.name)
def shell(request: pytest.FixtureRequest) -> Shell:
    """Every shell that a host may have; a missing one is a skip with its name."""
    chosen = request.param
    assert isinstance(chosen, Shell)
    if chosen.missing:
        pytest.skip(chosen.missing)
    return chosen


@pytest.fixture
def make_host(shell: Shell, tmp_path: Path) -> MakeHost:
    """More hosts: a plain root has the real tools and no stand-in; a system has its stand-ins."""

    def make(name: str = "root", system: str = "") -> Host:
        root = tmp_path.resolve() / name
        for folder in (root / "etc", root / "var/lib"):
            folder.mkdir(parents=True)
        if system:
            roots.make(root, model.Host.model_validate({"os": system}), MACS)
        return Host(shell, root)

    return make


@pytest.fixture
def host(make_host: MakeHost) -> Host:
    """A plain root."""
    return make_host()


@pytest.fixture
def linux(make_host: MakeHost) -> Host:
    """A simulated Ubuntu machine."""
    return make_host("linux", "ubuntu-24.04")


@pytest.fixture
def macos(make_host: MakeHost) -> Host:
    """A simulated Mac."""
    return make_host("macos", "macos-15")

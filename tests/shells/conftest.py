"""Fixtures: every shell in turn, and hosts that are roots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magnusctl.demo import roots
from magnusctl.inventory import model
from tests.shells.hosts import Host, MakeHost
from tests.shells.running import over, reap
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
def host_under(tmp_path: Path) -> Iterator[Callable[[Shell], MakeHost]]:
    """Makes hosts of a shell: a plain root has the real tools and no stand-in; a system has its
    stand-ins. Whatever still runs there in the end is killed."""
    made: list[Host] = []

    def under(shell: Shell) -> MakeHost:
        def make(name: str = "root", system: str = "") -> Host:
            root = tmp_path.resolve() / shell.name / name
            for folder in (root / "etc", root / "var/lib"):
                folder.mkdir(parents=True)
            if system:
                roots.make(root, model.Host.model_validate({"os": system}), MACS)
            made.append(Host(shell, root))
            return made[-1]

        return make

    yield under
    if any(not over(host.root) for host in made):
        reap(tmp_path.resolve())


@pytest.fixture
def make_host(shell: Shell, host_under: Callable[[Shell], MakeHost]) -> MakeHost:
    """More hosts of the shell under test."""
    return host_under(shell)


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

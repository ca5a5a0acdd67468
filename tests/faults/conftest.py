"""Fixtures: a site for each module of tests, as a server takes a while to start."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.site import Site, site
from tests.faults.sshd import program

# What CI runs of these; `make test-faults` runs all. The others take many minutes together.
QUICK = {
    *("test_confirm_lab", "test_control_disk", "test_hostile_words", "test_interrupts"),
    *("test_locks", "test_stale", "test_uploads"),
    *("test_proxy", "test_smallfs", "test_sshd", "test_kill"),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what is not quick for `make test-faults`."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here and item.path.stem not in QUICK:
            item.add_marker(pytest.mark.slow_faults)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real server with a proxy before it."""
    if program() is None or shutil.which("ssh") is None:
        pytest.skip("sshd or ssh is not installed")
    folder: Path = tmp_path_factory.mktemp("site")
    with site(folder) as running:
        yield running


@pytest.fixture(autouse=True)
def _whole_link(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test begins with a link on which nothing is the matter."""
    yield
    if "place" in request.fixturenames:
        link = request.getfixturevalue("place").link
        link.resume()
        link.throttle()
        link.admit()
        link.drop(0)
        link.cut_after(times=0)

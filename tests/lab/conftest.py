"""One lab for the tests that only look; it is taken down with the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.real import reachable
from tests.lab.cluster import Cluster, cluster
from tests.lab.lab import Lab, lab
from tests.lab.needs import missing
from tests.lab.shelf import Shelf, shelf


@pytest.fixture(scope="module")
def four() -> Iterator[Cluster]:
    """The four hosts of the inventory, as a vendor ships them."""
    if lacks := missing():
        pytest.skip(f"no lab here: it lacks {', '.join(lacks)}")
    with lab() as running:
        yield cluster(running)


@pytest.fixture(scope="module")
def hosts(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The hosts that a module names in its HOSTS."""
    if lacks := missing():
        pytest.skip(f"no lab here: it lacks {', '.join(lacks)}")
    with lab(request.module.HOSTS) as running:
        for name in running.hosts:
            # sudo leaves a mark at the first login.
            reachable(running, name, 30)
        yield running


@pytest.fixture(scope="module")
def store(hosts: Lab) -> Iterator[Shelf]:
    """A shelf on the control side of those hosts."""
    with shelf(hosts) as running:
        yield running

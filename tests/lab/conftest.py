"""One lab for the tests that only look; it is taken down with the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.cluster import Cluster, cluster
from tests.lab.lab import lab
from tests.lab.needs import missing


@pytest.fixture(scope="module")
def four() -> Iterator[Cluster]:
    """The four hosts of the inventory, as a vendor ships them."""
    if lacks := missing():
        pytest.skip(f"no lab here: it lacks {', '.join(lacks)}")
    with lab() as running:
        yield cluster(running)

"""A file that only the hub's own program is given comes from a simulated hub, and is proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl.bundles import hubprogram
from magnusctl.bundles.fetch import Wanted
from magnusctl.errors import ConflictError, Unreachable
from tests.bundles.mirror import sha256
from tests.lab.hub import Hub, hub

NAME, PATH, DATA = "tests/large", "a/model.safetensors", b"weights" * 100_000


def wanted(served: Hub, digest: str, size: int | None = None) -> Wanted:
    return Wanted(served.at(NAME, PATH), digest, size)


def test_it_is_for_large_files_alone() -> None:
    url = "https://hub.invalid/a/b/resolve/main/c.gguf"
    assert hubprogram.is_for(Wanted(url, "", hubprogram.PLAIN_BYTES + 1))
    assert not hubprogram.is_for(Wanted(url, "", hubprogram.PLAIN_BYTES))
    assert not hubprogram.is_for(Wanted("https://a.invalid/b", "", 1 << 60))


def test_the_file_comes_once_and_is_proved(tmp_path: Path) -> None:
    with hub() as served:
        served.add(NAME, {PATH: DATA})
        for _ in range(2):
            found = hubprogram.fetch(wanted(served, sha256(DATA)), tmp_path)
            assert found.read_bytes() == DATA
        assert len(served.asked) == 1
    assert [one.name for one in tmp_path.iterdir()] == [sha256(DATA)]


def test_other_bytes_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with hub() as served:
        served.add(NAME, {PATH: DATA})
        with pytest.raises(ConflictError):
            hubprogram.fetch(wanted(served, "0" * 64), tmp_path)
    assert not [*tmp_path.iterdir()]


def test_what_does_not_come_is_told_in_our_words(tmp_path: Path) -> None:
    with hub() as served:
        served.add(NAME, {"other": DATA})
        with pytest.raises(Unreachable, match="own program could not"):
            hubprogram.fetch(wanted(served, sha256(DATA)), tmp_path)

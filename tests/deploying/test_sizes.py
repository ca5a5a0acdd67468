"""A model that fits by its recipe is weighed anew by its files, before one of them moves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from magnusctl import modellock
from magnusctl.catalogue.entries import key
from magnusctl.errors import CheckFailed
from magnusctl.modellock import Lock, LockedFile, LockedModel
from tests.deploying.scenes import GIB, INVENTORY, VLLM, placed, prepared


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """The example, in a folder of its own."""
    return Path(shutil.copy(INVENTORY / f"{VLLM[0]}.yaml", tmp_path))


def pinned(inventory: Path, size: int) -> None:
    """What the hub is said to have under the name that is deployed."""
    found = placed(*VLLM)
    assert found.chosen.artifact
    name = key(found.wanted.entry, found.chosen.artifact)
    files = (LockedFile("model.safetensors", size, "a" * 64),)
    lock = LockedModel("some/where", "1" * 40, files, "vllm", "0.32.0", "2026-01-01")
    modellock.write(modellock.place(inventory), Lock({name: lock}))


def test_files_that_are_larger_than_was_reckoned_are_refused(inventory: Path) -> None:
    pinned(inventory, 22 * GIB)
    with pytest.raises(CheckFailed, match=r"larger than was reckoned: short by \d+\.\d GiB") as met:
        prepared(inventory, VLLM[1])
    assert met.value.host == "rtx3090"
    assert "--force" in met.value.hint


def test_what_was_asked_for_by_force_is_not_refused(inventory: Path) -> None:
    pinned(inventory, 22 * GIB)
    assert prepared(inventory, VLLM[1], force=True).files.size == 22 * GIB


def test_files_of_another_size_that_fit_are_reckoned_with(inventory: Path) -> None:
    pinned(inventory, 8 * GIB)
    assert prepared(inventory, VLLM[1]).wish.record.weights < prepared(*VLLM).wish.record.weights

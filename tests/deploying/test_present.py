"""Files that a host has already are known as the catalogue calls them, and need no room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magnusctl.releases.standing import Model, Standing
from tests.deploying.scenes import LLAMA, VLLM, placed, ready


@pytest.mark.parametrize("case", [VLLM, LLAMA], ids="-".join)
def test_what_a_kept_release_has_is_there(case: tuple[str, str]) -> None:
    artifact, record = ready(case).artifact, ready(case).chosen.record
    assert artifact
    if case == LLAMA:
        # Its path is the file that the engine is given.
        record = replace(record, path=f"{artifact.path}/mixtral.gguf")
    models = {record.model: Model(record.model, 1, True, "", {1: record}, {1: {}})}
    assert placed(*case, Standing(models, {artifact.path: 1})).chosen.present
    assert not placed(*case, Standing(models, {f"{artifact.path}0": 1})).chosen.present
    assert not placed(*case, Standing(models)).chosen.present
    assert not placed(*case, Standing()).chosen.present

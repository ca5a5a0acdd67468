"""How long a start may take follows from what verify measured of the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl import audit, measures
from magnusctl.deploying.deploy import READ_SPEED, _read_rate
from magnusctl.report import Measure, Result, Verdict


def test_the_last_measure_of_the_host_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert str(audit.path()).startswith(str(tmp_path))
    inventory = tmp_path / "magnus.yaml"
    assert _read_rate(inventory, "gpu") is None
    for rate in (900.0, 2500.0):
        measure = Measure(rate, "MB/s")
        found = Result("gpu", READ_SPEED, Verdict.PASS, f"{rate}", measure=measure)
        assert measures.remember(inventory, [found]) == ""
    assert _read_rate(inventory, "gpu") == 2.5e9
    assert _read_rate(inventory, "other") is None

"""iperf3's JSON: it exits 0 on errors, so its text decides."""

from __future__ import annotations

import json

import pytest

from magnusctl.checks.throughput import Path, parse_rate, rate
from magnusctl.report import Verdict, Way

PATH = Path("10g", "a", "b", ("10.0.0.1", "10.0.0.2"), 9.4e9)


def test_the_rate_is_what_the_receiver_counted() -> None:
    end = {"sum_sent": {"bits_per_second": 9.9e9}, "sum_received": {"bits_per_second": 9.4e9}}
    assert parse_rate(json.dumps({"end": end}, indent=1).splitlines()) == (9.4e9, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"error": "error - unable to connect to server: refused"}', "unable to connect"),
        ('{"end": {}}', "end"),
        ("", "said nothing"),
        ('{"end": {"sum_rec', "sum_rec"),
        ("iperf3: not found", "not found"),
    ],
)
def test_an_error_is_no_figure(text: str, why: str) -> None:
    speed, said = parse_rate(text.splitlines())
    assert speed is None
    assert why in said


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [(9.41e9, Verdict.PASS), (9.29e9, Verdict.FAIL), (None, Verdict.UNKNOWN)],
)
def test_a_link_is_judged_by_what_was_declared(measured: float | None, verdict: Verdict) -> None:
    assert rate(PATH, Way("rate", "10g", "a", "b"), measured, "").verdict is verdict

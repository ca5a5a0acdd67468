"""What is measured now is compared with what was measured then: worse fails, noise does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnusctl.checks import baseline
from magnusctl.report import Measure, Result, Verdict, Way
from tests.checks.cases import FAIL, PASS, SKIP, UNKNOWN, WARN

DECODE = "tokens.primary.decode"


def result(
    value: float | None,
    unit: str = "tok/s",
    *,
    higher: bool = True,
    half: float = 0.0,
    host: str = "gpu",
    check: str = DECODE,
    verdict: Verdict = PASS,
) -> Result:
    """What a check measured on a host, or that it measured nothing."""
    measure = None if value is None else Measure(value, unit, higher, half)
    return Result(host, check, verdict, f"{value}", measure=measure)


def against(now: list[Result], *then: Result, max_drop: float = 0.1) -> list[Result]:
    """What comparing a run with an earlier one tells."""
    return [*baseline.compared(now, baseline.measured(then), "july", max_drop)]


@pytest.mark.parametrize(
    ("unit", "higher", "then", "now", "verdict", "said"),
    [
        ("tok/s", True, 100.0, 85.0, FAIL, "-15.0% of 100.0 tok/s"),
        ("tok/s", True, 100.0, 97.0, PASS, "-3.0% of 100.0 tok/s"),
        ("tok/s", True, 100.0, 90.0, PASS, "-10.0% of 100.0 tok/s"),
        ("tok/s", True, 100.0, 89.0, FAIL, "-11.0% of 100.0 tok/s"),
        ("tok/s", True, 100.0, 115.0, PASS, "+15.0% of 100.0 tok/s"),
        ("tok/s", True, 100.0, 300.0, PASS, "+200.0% of 100.0 tok/s"),
        ("tok/s", True, 100.0, 0.0, FAIL, "-100.0% of 100.0 tok/s"),
        ("ms", False, 100.0, 115.0, FAIL, "+15.0% of 100.0 ms"),
        ("ms", False, 100.0, 103.0, PASS, "+3.0% of 100.0 ms"),
        ("ms", False, 100.0, 85.0, PASS, "-15.0% of 100.0 ms"),
        ("ms", False, 100.0, 250.0, FAIL, "+150.0% of 100.0 ms"),
        ("s", False, 0.2, 0.24, FAIL, "+20.0% of 0.20 s"),
        ("Gbit/s", True, 9.41, 9.38, PASS, "-0.3% of 9.41 Gbit/s"),
        ("Gbit/s", True, 9.41, 0.94, FAIL, "-90.0% of 9.41 Gbit/s"),
        ("MB/s", True, 3500.0, 2900.0, FAIL, "-17.1% of 3500 MB/s"),
    ],
)
def test_what_became_worse_fails(
    unit: str, higher: bool, then: float, now: float, verdict: Verdict, said: str
) -> None:
    was, is_now = (result(value, unit, higher=higher) for value in (then, now))
    (found,) = against([is_now], was)
    assert (found.verdict, found.measured) == (verdict, f"{now}, {said} in july")
    assert (found.subject, found.check, found.baseline) == ("gpu", DECODE, "july")
    assert found.measure == is_now.measure
    assert found.target.startswith("≥ " if higher else "≤ ") is (verdict is FAIL)
    assert bool(found.remedy) is (verdict is FAIL)


@pytest.mark.parametrize(
    ("then", "now", "verdict"), [(10.0, 12.5, PASS), (10.0, 13.5, FAIL), (0.5, 3.0, PASS)]
)
def test_a_few_milliseconds_of_a_first_token_are_the_clocks(
    then: float, now: float, verdict: Verdict
) -> None:
    was, is_now = (
        result(value, "ms", higher=False, check="tokens.primary.first-token")
        for value in (then, now)
    )
    assert against([is_now], was)[0].verdict is verdict
    was, is_now = (result(value, "ms", higher=False) for value in (then, now))
    assert against([is_now], was)[0].verdict is FAIL


@pytest.mark.parametrize(("max_drop", "verdict"), [(0.1, FAIL), (0.149, FAIL), (0.2, PASS)])
def test_how_much_worse_is_no_fault_is_said_by_whoever_asks(
    max_drop: float, verdict: Verdict
) -> None:
    (found,) = against([result(85.0)], result(100.0), max_drop=max_drop)
    assert found.verdict is verdict
    assert found.target == ("" if verdict is PASS else f"≥ {100 * (1 - max_drop):.1f} tok/s")


@pytest.mark.parametrize(
    ("half", "verdict"), [(0.0, FAIL), (4.0, FAIL), (12.0, FAIL), (16.0, WARN), (20.0, WARN)]
)
def test_what_spreads_as_far_as_it_fell_cannot_be_compared(half: float, verdict: Verdict) -> None:
    (found,) = against([result(85.0, half=half)], result(100.0))
    assert found.verdict is verdict
    assert found.remedy


@pytest.mark.parametrize("value", [85.0, 97.0, 115.0])
def test_what_failed_by_itself_is_not_mended_by_what_was(value: float) -> None:
    for half in (0.0, 20.0):
        now = result(value, half=half, verdict=FAIL)
        assert against([now], result(100.0))[0].verdict is FAIL


@pytest.mark.parametrize(
    "now",
    [
        result(None),
        result(None, verdict=SKIP),
        result(100.0, check="tokens.other.decode"),
        result(100.0, "MB/s"),
    ],
    ids=["no number", "skipped", "another check", "another unit"],
)
def test_what_was_not_measured_this_time_is_unknown(now: Result) -> None:
    same, found = against([now], result(100.0))
    assert same == now
    assert (found.subject, found.check, found.baseline) == ("gpu", DECODE, "july")
    assert found.verdict is UNKNOWN
    assert found.measured == "not measured this time; 100.0 tok/s in july"
    assert found.remedy


def test_hosts_that_this_run_is_not_about_are_ignored() -> None:
    other, now = result(100.0, host="other"), result(100.0)
    assert against([now], other) == [now]
    (found,) = against([now], other, result(100.0))
    assert (found.subject, found.verdict, found.baseline) == ("gpu", PASS, "july")
    assert against([], result(100.0)) == []


def test_what_was_never_measured_before_is_no_matter() -> None:
    now, new = result(100.0), result(5.0, check="new")
    assert against([now]) == [now]
    found, same = against([now, new], result(100.0))
    assert (found.check, found.baseline, same) == (DECODE, "july", new)


def test_a_baseline_is_of_what_was_measured_and_of_no_more() -> None:
    ping = replace(result(0.2, "ms", check="ping b"), way=Way("ping", "10g", "gpu", "b"))
    rate = replace(result(9.4, "Gbit/s", check="a → b"), way=Way("rate", "10g", "gpu", "b"))
    told = [
        *(result(100.0), result(None, check="reachable"), result(50.0, host="other")),
        *(ping, rate, result(10.0, "ms", check="tokens.primary.inter-token")),
    ]
    assert {key: measure.value for key, measure in baseline.measured(told).items()} == {
        ("gpu", DECODE): 100.0,
        ("gpu", "a → b"): 9.4,
        ("other", DECODE): 50.0,
    }


def test_a_baseline_of_nothing_says_so() -> None:
    for now in (result(100.0), result(0.0), result(100.0, verdict=FAIL)):
        (found,) = against([now], result(0.0))
        assert found == replace(now, measured=f"{now.measured}; 0 in july", baseline="july")


POSITIVE = st.floats(0.01, 1e6)


@given(POSITIVE, st.floats(0, 0.099), st.booleans(), st.sampled_from(["tok/s", "ms", "Gbit/s"]))
def test_less_than_what_is_allowed_never_fails(
    then: float, share: float, higher: bool, unit: str
) -> None:
    worse = then * (1 - share) if higher else then * (1 + share)
    (found,) = against([result(worse, unit, higher=higher)], result(then, unit, higher=higher))
    assert found.verdict is PASS


@given(POSITIVE, st.floats(0.11, 0.99), st.booleans())
def test_more_than_what_is_allowed_fails_and_the_other_way_round_passes(
    then: float, share: float, higher: bool
) -> None:
    changed = then * (1 - share) if higher else then * (1 + share)
    now, was = result(changed, "MB/s", higher=higher), result(then, "MB/s", higher=higher)
    assert against([now], was)[0].verdict is FAIL
    assert against([was], now)[0].verdict is PASS


def test_a_run_compared_with_itself_passes() -> None:
    now = [result(100.0), result(3.0, "ms", higher=False, check="ping"), replace(result(None))]
    assert {found.verdict for found in against(now, *now)} == {PASS}

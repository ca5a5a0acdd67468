"""Sizes, speeds and times: what a person writes, and the shortest way to say it again."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from magnusctl.inventory.units import (
    format_bits_per_second,
    format_bytes,
    parse_bits_per_second,
    parse_bytes,
    parse_seconds,
)

WHOLE = st.integers(1, 2**53)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1B", 1),
        ("1KiB", 1024),
        ("1kB", 1000),
        ("1KB", 1000),
        ("24GiB", 24 * 1024**3),
        ("500GB", 500 * 1000**3),
        ("2TB", 2 * 1000**4),
        ("3PiB", 3 * 1024**5),
        ("1.5 GiB", 3 * 1024**3 // 2),
        (" 64MB ", 64 * 1000**2),
    ],
)
def test_a_size_is_a_number_of_bytes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "speed"),
    [
        ("10Gbit/s", 10 * 1000**3),
        ("2.5 Gbit/s", 2_500_000_000),
        ("100Mbit/s", 100 * 1000**2),
        ("9600bit/s", 9600),
        ("56kbit/s", 56_000),
    ],
)
def test_a_speed_is_a_number_of_bits_per_second(text: str, speed: int) -> None:
    assert parse_bits_per_second(text) == speed


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("90s", 90), ("10m", 600), ("10min", 600), ("1.5h", 5400), ("2d", 172800)],
)
def test_a_time_is_a_number_of_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    "value",
    [64, 1.5, True, None, (), "", "64", "GB", "64gb", "64Gb", "-1GB", "1e3GB", "1,5GB", ".5GB"],
)
def test_a_size_without_a_known_unit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a size with its unit, as '24GiB'"):
        parse_bytes(value)


@pytest.mark.parametrize("value", [10_000, "10000", "10G", "10Gb", "10GB/s", "10 Gbps", "10gbit/s"])
def test_a_speed_without_a_known_unit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a speed with its unit, as '10Gbit/s'"):
        parse_bits_per_second(value)


@pytest.mark.parametrize("value", [10, "10", "10 weeks", "10S", "1h30m", "-1s"])
def test_a_time_without_a_known_unit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a time with its unit, as '90s'"):
        parse_seconds(value)


@pytest.mark.parametrize("parse", [parse_bytes, parse_bits_per_second, parse_seconds])
@pytest.mark.parametrize("digits", ["9" * 400, "9" * 5000])
def test_a_number_beyond_all_measure_is_refused_as_any_other_bad_value(
    parse: object, digits: str
) -> None:
    unit = {parse_bytes: "GB", parse_bits_per_second: "Gbit/s", parse_seconds: "h"}
    assert callable(parse)
    with pytest.raises(ValueError):  # noqa: PT011
        parse(f"{digits}{unit[parse]}")


@given(WHOLE)
@example(1)
@example(1000 * 1024)
@example(2**53)
def test_a_size_reads_back_as_it_was(size: int) -> None:
    assert parse_bytes(format_bytes(size)) == size


@given(WHOLE)
@example(1)
@example(2_500_000_000)
def test_a_speed_reads_back_as_it_was(speed: int) -> None:
    assert parse_bits_per_second(format_bits_per_second(speed)) == speed


@given(st.text(), st.sampled_from([parse_bytes, parse_bits_per_second, parse_seconds]))
def test_any_text_is_a_number_or_a_value_error(text: str, parse: object) -> None:
    assert callable(parse)
    with suppress(ValueError):
        assert parse(text) >= 0


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (24 * 1024**3, "24GiB"),
        (500 * 1000**3, "500GB"),
        (2 * 1000**4, "2TB"),
        (1024, "1KiB"),
        (1000, "1KB"),
        (999, "999B"),
        (0, "0B"),
    ],
)
def test_a_size_is_said_in_its_largest_exact_unit(size: int, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("speed", "text"),
    [
        (10 * 1000**3, "10Gbit/s"),
        (2_500_000_000, "2500Mbit/s"),
        (40 * 1000**3, "40Gbit/s"),
        (1, "1bit/s"),
        (0, "0bit/s"),
    ],
)
def test_a_speed_is_said_in_its_largest_exact_unit(speed: int, text: str) -> None:
    assert format_bits_per_second(speed) == text

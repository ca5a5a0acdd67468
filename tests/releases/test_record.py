"""What a host keeps of a release is read back as it was written, and nothing else is taken."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from magnusctl.releases.record import Record, parse, text
from tests.deploying.scenes import FIRST

WHOLE = replace(
    FIRST,
    number=3,
    kind="embed",
    kv_dtype="q8_0",
    weights=10_000_000_000,
    needed=17_933_966_417,
    predicted_tps=49.25,
    arguments=("--seed", "7", "a b'c\"d"),
    gpu_layers=31,
    made="2026-11-28T02:35:50Z",
    by="änne@laptop",
)


@pytest.mark.parametrize("record", [FIRST, WHOLE], ids=["smallest", "everything"])
def test_a_record_comes_back_as_it_was_written(record: Record) -> None:
    line = text(record)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert parse(line) == record


def test_a_record_says_its_schema() -> None:
    assert json.loads(text(FIRST))["schema"] == 1


def test_what_a_later_magnusctl_added_is_left_out() -> None:
    later = {**json.loads(text(WHOLE)), "schema": 2, "mood": "fine", "parts": [1, {"a": 2}]}
    assert parse(json.dumps(later)) == WHOLE


def test_what_an_earlier_magnusctl_did_not_write_has_its_default() -> None:
    whole = json.loads(text(WHOLE))
    needed = {one.name for one in fields(Record)} & {*json.loads(text(FIRST))}
    optional = {"kind", "kv_dtype", "weights", "needed", "predicted_tps", "arguments", "gpu_layers"}
    early = {key: whole[key] for key in needed - optional}
    assert parse(json.dumps(early)).gpu_layers is None
    assert parse(json.dumps(early)).arguments == ()


@pytest.mark.parametrize(
    "name", ["model", "number", "source", "engine", "path", "digest", "port", "front", "unit"]
)
def test_a_record_without_what_it_needs_is_refused(name: str) -> None:
    values = json.loads(text(WHOLE))
    del values[name]
    with pytest.raises(ValueError, match=name):
        parse(json.dumps(values))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", []),
        ("model", None),
        ("number", "3"),
        ("number", 3.5),
        ("port", {}),
        ("context", None),
        ("path", 7),
        ("weights", "many"),
        ("predicted_tps", "fast"),
        ("gpu_layers", [1]),
        ("arguments", 5),
        ("arguments", "--seed"),
        ("arguments", [1]),
    ],
)
def test_a_value_of_another_kind_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match="a release's record has"):
        parse(json.dumps({**json.loads(text(WHOLE)), name: value}))


@pytest.mark.parametrize(
    "line", ["", "{", "null", "7", '"primary"', "[]", "[" * 100_000], ids=lambda line: line[:9]
)
def test_what_is_no_object_is_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are json's own
        parse(line)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"number": 9}, True),
        ({"port": 18999}, True),
        ({"unit": "magnus-release-primary-r9.service"}, True),
        ({"made": "2027-01-01T00:00:00Z"}, True),
        ({"by": "somebody else"}, True),
        ({"predicted_tps": 1.0}, True),
        ({"needed": 1}, True),
        ({"front": "10.0.0.2:8001"}, False),
        ({"digest": "e" * 64}, False),
        ({"context": 4096}, False),
        ({"sequences": 1}, False),
        ({"engine_version": "vllm 0.33.0"}, False),
        ({"arguments": ("--seed", "8")}, False),
        ({"gpu_layers": 30}, False),
        ({"kv_dtype": "fp8"}, False),
        ({"revision": "abc"}, False),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_releases_are_the_same_by_what_they_serve(changed: dict[str, Any], same: bool) -> None:
    assert (replace(WHOLE, **changed).same == WHOLE.same) is same


def test_a_release_has_a_name_and_a_place() -> None:
    assert WHOLE.label == "r3"
    assert WHOLE.folder == "/var/lib/magnus/models/primary/r3"

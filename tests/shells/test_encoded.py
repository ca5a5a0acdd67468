"""A former state is written down on the host, and read back as it was."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magnusctl import undo
from magnusctl.resources import KINDS
from magnusctl.state import Resource, Risk, canonical

TEXT = st.text(st.characters(exclude_characters="\0"), max_size=12)
WORDS = st.lists(TEXT, max_size=3).map(tuple)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": TEXT,
    "int": st.integers(0, 9000),
    "bool": st.booleans(),
    "bool | None": st.none() | st.booleans(),
    "tuple[str, ...]": WORDS,
    "tuple[str, ...] | None": st.none() | WORDS,
    "Risk": st.sampled_from(Risk),
    "Literal['Manual', 'DHCP']": st.sampled_from(["Manual", "DHCP"]),
    "Literal['beside', 'instead']": st.sampled_from(["beside", "instead"]),
}
# What no former state has: it knows its inputs, holds no secret, and fetches no model.
NEVER = {"inputs_from", "secrets", "files", "source"}
ALWAYS = {"artifact": {"ensure": "absent"}}
LINES = {"content": st.sampled_from(["", "a line\n", "ünïcödé \udcff\n"])}
CLASSES = {kind.kind: kind for kind in Resource.__subclasses__()}


def _value(field: Field[Any]) -> st.SearchStrategy[Any]:
    return LINES.get(field.name, VALUES[str(field.type)])


@st.composite
def formers(draw: st.DrawFn, kind: str) -> Resource:
    """Any resource of a kind, with some of its fields at their defaults."""
    values = {}
    for field in fields(CLASSES[kind]):
        if field.name not in NEVER and (field.default is MISSING or draw(st.booleans())):
            values[field.name] = draw(_value(field))
    return CLASSES[kind](**values | ALWAYS.get(kind, {}))


def test_every_kind_is_among_them() -> None:
    assert set(KINDS) <= set(CLASSES)


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(data=st.data())
@settings(max_examples=40, deadline=None, database=None)
def test_any_former_state_reads_back_as_it_was_written_down(kind: str, data: st.DataObject) -> None:
    former = data.draw(formers(kind))
    written = canonical(undo.encode(former))
    assert undo.decode(json.loads(written)) == former


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"kind": "nosuch"},
        {"kind": "file", "path": "/x", "future": 1},
        {"kind": "file", "path": 3},
        {"kind": "file", "path": "/x", "secrets": []},
        {"kind": "file", "path": "/x", "risk": "nosuch"},
        {"kind": "service", "unit": "x", "running": "yes"},
        {"kind": "group", "group": "x", "members": "a"},
    ],
)
def test_what_this_version_does_not_know_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"no such|not a valid"):
        undo.decode(values)

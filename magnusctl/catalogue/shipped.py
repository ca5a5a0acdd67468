"""The catalogue that ships with magnusctl, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from magnusctl.catalogue.entries import Entry
from magnusctl.catalogue.lookup import Names, names_of
from magnusctl.catalogue.reading import entries


@cache
def shipped() -> tuple[Entry, ...]:
    """All of its models, file by file."""
    folder = files("magnusctl.catalogue")
    paths = sorted(one.name for one in folder.iterdir() if one.name.endswith(".yaml"))
    texts = ((name, folder.joinpath(name).read_text(encoding="utf-8")) for name in paths)
    return tuple(entry for name, text in texts for entry in entries(text, name))


@cache
def names() -> Names:
    """All of their names."""
    return names_of(shipped())

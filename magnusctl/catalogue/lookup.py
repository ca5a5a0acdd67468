"""From what people call a model to an entry of the catalogue, and to one form of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from magnusctl.catalogue.entries import Artifact, Entry, Found, for_engine
from magnusctl.errors import InputError
from magnusctl.inventory.findings import nearest

Names = Mapping[str, Found]
"""Every name in small letters, and what it means."""


def names_of(entries: Sequence[Entry]) -> Names:
    """All names: of entries first, then of repositories, of GGUF files and Ollama's tags.

    Where several artifacts share a name, as those of one GGUF repository do, it means the first.
    """
    found: dict[str, Found] = {}
    for entry in entries:
        for name in (entry.name, *entry.aliases):
            found.setdefault(name.lower(), Found(entry, None))
    for entry in entries:
        for artifact in entry.artifacts:
            for name in names_of_artifact(artifact):
                found.setdefault(name.lower(), Found(entry, artifact))
    return found


def names_of_artifact(artifact: Artifact) -> Iterator[str]:
    """What an artifact is called elsewhere."""
    yield artifact.repository
    yield artifact.repository.rpartition("/")[2]
    if artifact.format == "gguf":
        yield from (name for name in artifact.include if "*" not in name)
    if artifact.tag:
        yield artifact.tag


def choose(names: Names, name: str, engine: str | None = None, quant: str | None = None) -> Found:
    """What a name means; `NAME@QUANT` names a form too. Raises InputError.

    A form is chosen by the name itself, by `quant`, or as the best that the engine reads; without
    any of these there is none.
    """
    model, _, form = name.partition("@")
    found = names.get(model.lower())
    if found is None:
        raise _unknown(names, model)
    wanted = quant or form
    if wanted:
        return Found(found.entry, _of_quant(found, wanted, engine, model))
    if found.artifact is None and engine is not None:
        return Found(found.entry, _best(found.entry, engine))
    if found.artifact is not None and engine is not None and engine not in found.artifact.engines:
        raise _unread(found.entry, found.artifact, engine, model)
    return found


def _of_quant(found: Found, wanted: str, engine: str | None, name: str) -> Artifact:
    entry = found.entry
    fitting = [one for one in entry.artifacts if wanted.lower() in _labels(one)]
    if not fitting:
        known = ", ".join(f"{one.name} ({one.quant})" for one in entry.artifacts)
        hint = nearest(wanted.lower(), [one.name for one in entry.artifacts])
        message = f"{entry.name} is not known as '{wanted}'"
        raise InputError(message, hint=f"{hint} There is: {known}".strip())
    if found.artifact is not None and found.artifact not in fitting:
        message = f"'{name}' names {found.artifact.name}, and '{wanted}' was asked for"
        raise InputError(message, hint=f"Name the model '{entry.name}', or leave '{wanted}' out.")
    read = [one for one in fitting if engine is None or engine in one.engines]
    if not read:
        raise _unread(entry, fitting[0], engine or "", name)
    return found.artifact if found.artifact in read else read[0]


def _labels(artifact: Artifact) -> set[str]:
    both = f"{artifact.format}-{artifact.quant}"
    return {label.lower() for label in (artifact.name, artifact.quant, artifact.format, both)}


def _best(entry: Entry, engine: str) -> Artifact:
    found = for_engine(entry, engine)
    if found:
        return found[0]
    known = ", ".join(dict.fromkeys(one for each in entry.artifacts for one in each.engines))
    message = f"the catalogue has no form of {entry.name} that {engine} reads"
    raise InputError(message, hint=f"Engines that read it: {known}")


def _unread(entry: Entry, artifact: Artifact, engine: str, name: str) -> InputError:
    readable = for_engine(entry, engine)
    message = f"'{name}' is {artifact.quant} ({artifact.format}), which {engine} does not read"
    if readable:
        hint = f"It reads: {', '.join(f'{entry.name}@{one.name}' for one in readable)}"
    else:
        hint = f"Engines that read it: {', '.join(artifact.engines)}"
    return InputError(message, hint=hint)


def _unknown(names: Names, name: str) -> InputError:
    known = ", ".join(dict.fromkeys(found.entry.name for found in names.values()))
    hint = nearest(name.lower(), names) or f"There are: {known}"
    return InputError(f"the catalogue has no model '{name}'", hint=hint)

"""The catalogue's own files: read strictly, so that a slip of ours is found with its place."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationError

from magnusctl.catalogue.entries import TRANSFORMERS_FILES, Artifact, Entry, Format, Kind
from magnusctl.inventory import findings, yaml
from magnusctl.inventory.fields import Line, matching
from magnusctl.inventory.load import Problem, fail, place
from magnusctl.inventory.models import Engine
from magnusctl.inventory.strict import Model

Commit = Annotated[str, matching(r"[0-9a-f]{40}", "a commit of 40 hex digits")]
Repository = Annotated[
    str,
    matching(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", "a repository, as 'Qwen/Qwen'"),
]


class ArtifactSpec(Model):
    """One form of a model, as a file says it."""

    format: Format
    quant: Line
    engines: Annotated[tuple[Engine, ...], Field(min_length=1)]
    repository: Repository
    revision: Commit | None = None
    include: tuple[Line, ...] = ()
    size_bytes: Annotated[int, Field(gt=0)] | None = None
    tag: Line = ""


class EntrySpec(Model):
    """A model, as a file says it."""

    title: Line
    kind: Kind
    licence: Line
    gated: bool = False
    aliases: tuple[Line, ...] = ()
    source: str
    config: dict[str, Any]
    artifacts: Annotated[dict[str, ArtifactSpec], Field(min_length=1)]


class Models(Model):
    """A file of the catalogue."""

    models: dict[str, EntrySpec]


def entries(text: str, file: str) -> tuple[Entry, ...]:
    """The models of a file. Raises InputError with the place of what is wrong."""
    document = yaml.read(text, file)
    try:
        read = Models.model_validate(document.data)
    except ValidationError as error:
        raise fail(document, findings.problems(document, error.errors(), Models)) from None
    unnamed = [
        Problem(f"artifact {name}: a file of gguf is named", place(document, path, key=True))
        for model, spec in read.models.items()
        for name, one in spec.artifacts.items()
        if one.format == "gguf" and not one.include
        for path in [("models", model, "artifacts", name)]
    ]
    if unnamed:
        raise fail(document, unnamed)
    return tuple(_entry(name, spec) for name, spec in read.models.items())


def _entry(name: str, spec: EntrySpec) -> Entry:
    return Entry(
        name=name,
        title=spec.title,
        kind=spec.kind,
        licence=spec.licence,
        gated=spec.gated,
        config=spec.config,
        artifacts=tuple(_artifact(*item) for item in spec.artifacts.items()),
        aliases=spec.aliases,
        source=spec.source,
    )


def _artifact(name: str, spec: ArtifactSpec) -> Artifact:
    return Artifact(
        name=name,
        format=spec.format,
        quant=spec.quant,
        engines=spec.engines,
        repository=spec.repository,
        revision=spec.revision or "",
        include=spec.include or TRANSFORMERS_FILES,
        size_bytes=spec.size_bytes,
        tag=spec.tag,
    )

"""GET /v1/models of vLLM, mlx_lm.server, llama-server, Ollama, LiteLLM and their like."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.json_values import (
    Record,
    body,
    document,
    error_of,
    record,
    records,
    whole,
    words,
)


@dataclass(frozen=True)
class Model:
    """One model that is served; `root` is what it was loaded from, max_model_len in tokens."""

    id: str
    root: str | None = None
    max_model_len: int | None = None
    owned_by: str | None = None
    parent: str | None = None
    created: int | None = None


def parse(text: str) -> tuple[Model, ...] | None:
    """The models in order; None where the text is no whole and valid list of models."""
    return models_of(document(text))


def models_of(answer: object) -> tuple[Model, ...] | None:
    """The models of an answer; Ollama without models has null for its list."""
    told = record(answer)
    listed = told.get("data")
    if listed is None and told.get("object") == "list" and "data" in told:
        return ()
    if not isinstance(listed, list):
        return None
    found = tuple(map(_model, records(listed)))
    models = tuple(one for one in found if one)
    return models if len(models) == len(listed) else None


def _model(told: Record) -> Model | None:
    name, meta = words(told.get("id")), record(told.get("meta"))
    lengths = (told.get("max_model_len"), told.get("context_length"), meta.get("n_ctx"))
    length = next((number for one in lengths if (number := whole(one)) is not None), None)
    return (name and Model(
        id=name,
        root=words(told.get("root")),
        max_model_len=length,
        owned_by=words(told.get("owned_by")),
        parent=words(told.get("parent")),
        created=whole(told.get("created")),
    )) or None  # fmt: skip


def facts(text: str) -> Facts:
    """The ids, and the rest of the first model."""
    answer, models = document(text), parse(text)
    first = models[0] if models else None
    return {
        "valid_json": answer is not None,
        "valid": models is not None,
        "ids": None if models is None else [one.id for one in models],
        "count": None if models is None else len(models),
        "root": first.root if first else None,
        "max_model_len": first.max_model_len if first else None,
        "owned_by": first.owned_by if first else None,
        "created": first.created if first else None,
        "roots": [one.root for one in models or ()],
        "max_model_lens": [one.max_model_len for one in models or ()],
        "parents": [one.parent for one in models or ()],
        "error": error_of(answer),
        "http_status": body(text)[0] or whole(record(record(answer).get("error")).get("code")),
    }

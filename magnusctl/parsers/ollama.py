"""Ollama: its answers, whole or streamed, and what its command prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import json_of
from magnusctl.parsers.json_values import (
    Record,
    body,
    document,
    error_of,
    lines_of_json,
    record,
    records,
    rounded,
    simple,
    truth,
    whole,
    words,
)
from magnusctl.parsers.ollama_tables import Row, error_in, spoken, table

_STEPS = ("total", "load", "prompt_eval", "eval")
_COUNTS = (*(f"{step}_duration" for step in _STEPS), "prompt_eval_count", "eval_count")


@dataclass(frozen=True)
class Loaded:
    """A model that is loaded: how large it is, and how much of that is in the GPU's memory.

    `context_length` is None for a version that does not tell it; of the table `ollama ps` the
    bytes are as round as it prints them.
    """

    name: str
    size_bytes: int | None = None
    size_vram_bytes: int | None = None
    context_length: int | None = None
    digest: str | None = None
    expires_at: str | None = None
    parameter_size: str | None = None
    quantization: str | None = None

    @property
    def gpu_share(self) -> float | None:
        """The part in the GPU's memory, 0 to 1."""
        if not self.size_bytes or self.size_vram_bytes is None:
            return None
        return self.size_vram_bytes / self.size_bytes


@dataclass(frozen=True)
class Stored:
    """A model on the disk, of /api/tags or `ollama list`; digest of its manifest, maybe short."""

    name: str
    size_bytes: int | None = None
    digest: str | None = None
    modified: str | None = None
    parameter_size: str | None = None
    quantization: str | None = None


@dataclass(frozen=True)
class Generated:
    """The end of an answer: durations in ns, counts in tokens; without the load of the model."""

    counts: Mapping[str, int]
    model: str | None = None
    done: bool | None = None
    done_reason: str | None = None

    @property
    def tokens_per_second(self) -> float | None:
        """The speed of generation."""
        return self._speed("eval")

    @property
    def prompt_tokens_per_second(self) -> float | None:
        """The speed of the prompt; meaningless where most of it came from the cache."""
        return self._speed("prompt_eval")

    def _speed(self, step: str) -> float | None:
        count, duration = self.counts.get(f"{step}_count"), self.counts.get(f"{step}_duration")
        return count / duration * 1e9 if count and duration else None


def parse(text: str) -> tuple[Stored, ...] | None:
    """The models of /api/tags or `ollama list`; None where the text is neither."""
    listed = _listed(text)
    if listed is not None:
        return tuple(filter(None, map(_stored, listed)))
    rows = table(text, "list")
    return (
        None
        if rows is None
        else tuple(Stored(one.name, one.bytes, one.id, one.until) for one in rows)
    )


def parse_ps(text: str) -> tuple[Loaded, ...]:
    """The models of /api/ps or `ollama ps`, none where the text is neither."""
    listed = _listed(text)
    if listed is not None:
        return tuple(filter(None, map(_loaded, listed)))
    return tuple(map(_of_row, table(text, "ps") or ()))


def parse_generated(text: str) -> Generated | None:
    """The end of /api/generate or /api/chat, streamed or not, or of `ollama run --verbose`."""
    told = _last(text)
    counts = {name: number for name in _COUNTS if (number := whole(told.get(name))) is not None}
    if counts:
        done, why = truth(told.get("done")), words(told.get("done_reason"))
        return Generated(counts, words(told.get("model")), done, why)
    said = spoken(text)
    return Generated(said) if said else None


def _listed(text: str) -> tuple[Record, ...] | None:
    """The models of an answer; some versions have null for none."""
    told = record(document(text))
    models = told.get("models", "")
    return records(models) if models is None or isinstance(models, list) else None


def _name(told: Record) -> str | None:
    return words(told.get("name")) or words(told.get("model"))


def _stored(told: Record) -> Stored | None:
    name, details = _name(told), record(told.get("details"))
    return (name and Stored(
        name=name,
        size_bytes=whole(told.get("size")),
        digest=words(told.get("digest")),
        modified=words(told.get("modified_at")),
        parameter_size=words(details.get("parameter_size")),
        quantization=words(details.get("quantization_level")),
    )) or None  # fmt: skip


def _loaded(told: Record) -> Loaded | None:
    name, details = _name(told), record(told.get("details"))
    return (name and Loaded(
        name=name,
        size_bytes=whole(told.get("size")),
        size_vram_bytes=whole(told.get("size_vram")),
        context_length=whole(told.get("context_length")),
        digest=words(told.get("digest")),
        expires_at=words(told.get("expires_at")),
        parameter_size=words(details.get("parameter_size")),
        quantization=words(details.get("quantization_level")),
    )) or None  # fmt: skip


def _of_row(row: Row) -> Loaded:
    vram = None if row.gpu_share is None or row.bytes is None else round(row.bytes * row.gpu_share)
    return Loaded(row.name, row.bytes, vram, row.context, row.id, row.until)


def _last(text: str) -> Record:
    """The object with the counts: alone, the last of a stream, or its own whole end."""
    alone = record(document(text))
    if alone:
        return alone
    streamed = [one for one in lines_of_json(body(text)[1]) if "eval_duration" in one]
    if streamed:
        return streamed[-1]
    at = text.find('"total_duration"')
    return record(json_of("{" + text[at:])) if at >= 0 else {}


def facts(text: str) -> Facts:
    """The facts of what the text is: an answer, a table, or an error."""
    told = record(document(text))
    generated = None if "models" in told else parse_generated(text)
    if generated:
        return _of_generated(generated, text)
    if _listed(text) is not None:
        return _of_list(text)
    stored, loaded = (_of_table(text, kind) for kind in ("list", "ps"))
    if stored is not None or loaded is not None:
        models = loaded if stored is None else stored
        return {"models": models, "loaded": loaded, **error_in(text)}
    return {**_of_show(told), "version": words(told.get("version")), **error_in(text),
            **(_of_load(told) if "done" in told else {}),
            **({"error": error_of(told)} if error_of(told) else {}),
            "http_status": body(text)[0]}  # fmt: skip


def _of_load(told: Record) -> Facts:
    """An answer that brings no tokens: a model was only loaded, or unloaded."""
    done, why = truth(told.get("done")), words(told.get("done_reason"))
    return {"model": words(told.get("model")), "done": done, "done_reason": why}


def _of_generated(found: Generated, text: str) -> Facts:
    told = _last(text)
    return {
        "model": found.model,
        "done": found.done,
        "done_reason": found.done_reason,
        "tokens_per_second": rounded(found.tokens_per_second),
        "prompt_tokens_per_second": rounded(found.prompt_tokens_per_second),
        **{f"{step}_duration_ns": found.counts.get(f"{step}_duration") for step in _STEPS},
        "eval_count": found.counts.get("eval_count"),
        "prompt_eval_count": found.counts.get("prompt_eval_count"),
        "error": error_of(told),
    }


def _of_list(text: str) -> Facts:
    """Lists, one value for each model; of a single loaded model with its context, plain values."""
    models = [one for one in _listed(text) or () if _name(one)]
    names = [_name(one) for one in models]
    columns = ("size", "size_vram", "digest", "context_length", "expires_at", "modified_at")
    told: Facts = {name: [simple(one.get(name)) for one in models] for name in columns}
    details = [record(one.get("details")) for one in models]
    for name in ("family", "parameter_size", "quantization_level", "format"):
        told[name] = [words(one.get(name)) for one in details]
    if len(models) == 1 and "context_length" in models[0]:
        told = {name: value[0] for name, value in told.items() if isinstance(value, list)}
    return {"models": names, "name": names[0] if len(names) == 1 else None, **told, "error": None}


def _of_table(text: str, kind: str) -> list[Facts] | None:
    rows = table(text, kind)
    last = "modified" if kind == "list" else "until"
    told = [{**vars(row), last: row.until} for row in rows or ()]
    of_ps = ("processor", "context", "until")
    hidden = of_ps if kind == "list" else ()
    short = [{name: one[name] for name in one if name not in hidden} for one in told]
    return None if rows is None else short


def _of_show(told: Record) -> Facts:
    """What /api/show tells of one model."""
    details, about = record(told.get("details")), record(told.get("model_info"))
    length = next((whole(about[key]) for key in about if key.endswith(".context_length")), None)
    return {
        "family": words(details.get("family")),
        "parameter_size": words(details.get("parameter_size")),
        "quantization_level": words(details.get("quantization_level")),
        "context_length": length,
        "parameter_count": whole(about.get("general.parameter_count")),
        "capabilities": simple(told.get("capabilities")),
        "status": words(told.get("status")),
    } if told else {}  # fmt: skip

"""An answer of llama-server, of any of its endpoints, or its log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from magnusctl.parsers import Facts, llama_server_log, openai_sse
from magnusctl.parsers.json_values import (
    Record,
    body,
    document,
    error_of,
    plain,
    record,
    records,
    truth,
    whole,
    words,
)
from magnusctl.parsers.openai_answer import Answer, answer_of, facts_of, timings_of
from magnusctl.parsers.prometheus import samples
from magnusctl.parsers.vllm_models import Model, models_of

_PREFIX = "llamacpp:"


@dataclass(frozen=True)
class Props:
    """GET /props: slots, tokens that fit in each, and what is loaded."""

    n_ctx_per_slot: int | None
    total_slots: int | None
    model_path: str | None
    model_alias: str | None
    model_ftype: str | None
    build_info: str | None


@dataclass(frozen=True)
class Slots:
    """GET /slots: how many there are, how many are at work, tokens that fit in each."""

    slots: int
    busy: int
    n_ctx: int | None


@dataclass(frozen=True)
class LlamaServer:
    """One answer, or one log; only the field that fits what the text is is not None.

    `http_status` is that of the headers, of an error, or 200 of an answer without an error.
    `metrics` are under their names without `llamacpp:`.
    """

    http_status: int | None = None
    status: str | None = None
    error: str | None = None
    error_type: str | None = None
    answer: Answer | None = None
    models: tuple[Model, ...] | None = None
    props: Props | None = None
    slots: Slots | None = None
    metrics: Mapping[str, float] | None = None
    log: llama_server_log.Log | None = None


def parse(text: str) -> LlamaServer:
    """What the text is, by its form."""
    told = document(text)
    if told is not None:
        return _of_document(text, told)
    found = _metrics(text)
    if found:
        return LlamaServer(http_status=body(text)[0] or 200, metrics=found)
    return LlamaServer(http_status=body(text)[0], log=llama_server_log.parse(text))


def _metrics(text: str) -> Mapping[str, float]:
    told = (one for one in samples(plain(text)) if one.name.startswith(_PREFIX))
    return {one.name.removeprefix(_PREFIX): one.value for one in told}


def _of_document(text: str, answered: object) -> LlamaServer:
    told, error = record(answered), error_of(answered)
    status = words(told.get("status"))
    found = LlamaServer(
        status=status,
        error=error,
        error_type=words(record(told.get("error")).get("type")),
        answer=None if error else _native(told) or answer_of(told),
        models=models_of(told),
        props=_props(told),
        slots=_slots(answered),
    )
    known = (found.status, found.answer, found.models, found.props, found.slots)
    code = whole(record(told.get("error")).get("code"))
    good = 503 if status in ("loading model", "error", "no slot available") else 200
    told_status = code if error else good if known != (None,) * 5 else None
    return replace(found, http_status=body(text)[0] or told_status)


def _native(told: Record) -> Answer | None:
    """The answer of llama-server's own /completion."""
    if "tokens_predicted" not in told:
        return None
    return Answer(
        model=words(told.get("model")),
        content=words(told.get("content")),
        finish_reason=words(told.get("stop_type")),
        timings=timings_of(told.get("timings")),
    )


def _props(told: Record) -> Props | None:
    settings = record(told.get("default_generation_settings"))
    if "total_slots" not in told and not settings:
        return None
    return Props(
        n_ctx_per_slot=whole(settings.get("n_ctx")),
        total_slots=whole(told.get("total_slots")),
        model_path=words(told.get("model_path")) or words(settings.get("model")),
        model_alias=words(told.get("model_alias")),
        model_ftype=words(told.get("model_ftype")),
        build_info=words(told.get("build_info")),
    )


def _slots(answered: object) -> Slots | None:
    """The slots; older versions have a state that is 0 for idle."""
    found = records(answered)
    if not found or not all("id" in one and "n_ctx" in one for one in found):
        return None
    busy = [one.get("is_processing") is True or bool(whole(one.get("state"))) for one in found]
    return Slots(len(found), sum(busy), whole(found[0].get("n_ctx")))


def facts(text: str) -> Facts:
    """The facts of what the text is; the names of the log's where it is a log."""
    found, told = parse(text), record(document(text))
    if found.log:
        return {"http_status": found.http_status, **llama_server_log.facts(found.log)}
    if found.metrics is not None:
        return {"http_status": found.http_status, **found.metrics}
    if found == LlamaServer() and "data:" in text:
        return openai_sse.facts(text)
    return {
        **_of_parts(found),
        **({name: truth(told.get(name)) for name in told if name.startswith("endpoint_")}),
        **(_of_models(told) if found.models is not None else {}),
        **(facts_of(found.answer) if found.answer else {}),
        **_counts(told),
        "http_status": found.http_status,
        "status": found.status,
        "error": found.error,
        "type": found.error_type,
    }


def _counts(told: Record) -> Facts:
    """The whole numbers that some versions tell beside an answer, an error or a status."""
    names = re.compile(r"tokens_\w{1,20}|slots_(?:idle|processing)")
    error = record(told.get("error"))
    beside = {name: told[name] for name in told if names.fullmatch(name)}
    of_error = {name: error[name] for name in ("n_prompt_tokens", "n_ctx") if name in error}
    return {name: whole(value) for name, value in {**beside, **of_error}.items()}


def _of_parts(found: LlamaServer) -> Facts:
    props, slots = (vars(one) if one else {} for one in (found.props, found.slots))
    return {**props, **slots}


def _of_models(told: Record) -> Facts:
    listed = records(told.get("data"))
    first = listed[0] if listed else {}
    meta = record(first.get("meta"))
    numbers = ("n_ctx", "n_ctx_train", "n_params", "n_embd", "n_vocab", "size")
    return {
        "ids": [words(one.get("id")) for one in listed],
        "owned_by": words(first.get("owned_by")),
        "ftype": words(meta.get("ftype")),
        "states": [words(record(one.get("status")).get("value")) for one in listed],
        **{name: whole(meta.get(name)) for name in numbers},
    }

"""From the words of `fit` to an answer: which model is meant, and which hosts are asked about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from magnusctl import catalogue
from magnusctl.catalogue import Entry, Found
from magnusctl.errors import InputError, PreconditionError
from magnusctl.fit.cache import bytes_of
from magnusctl.fit.devices import GIB, Device, Kind, memory_by_name
from magnusctl.fit.shape import Unknown, shape_of
from magnusctl.inventory.budgets import models_of
from magnusctl.inventory.findings import nearest
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.models import Served
from magnusctl.inventory.select import variables_of
from magnusctl.placement import (
    Candidate,
    Declared,
    Live,
    Site,
    Wanted,
    candidate,
    candidates,
    fit_at,
)
from magnusctl.placement.sites import SUITED
from magnusctl.remedies import Answer, remedies

CONTEXT = 8192
"""Tokens of a conversation, where neither the command nor the inventory says."""
_COUNT = re.compile(r"(\d{1,3}) ?[x×] ?(?=\D)")
_CPU = re.compile(r"\b(cpu|xeon|epyc|ryzen|threadripper|core i\d|intel n\d+)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """The words of the command, as they were given."""

    model: str
    on: str | None = None
    every_host: bool = False
    engine: str | None = None
    quant: str | None = None
    context: int | None = None
    sequences: int | None = None
    kv_dtype: str = ""


def on_inventory(
    question: Question,
    inventory: Inventory,
    live: Mapping[str, Live] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Answer:
    """Judge the hosts of an inventory; `notes` are of what a host said.

    Raises InputError and PreconditionError.
    """
    wanted = wanted_of(question, inventory)
    host = _host(question, inventory, wanted)
    everywhere = candidates(inventory, wanted, None, live)
    chosen = [one for one in everywhere if host in (None, one.host)]
    told = [f"{one}: {note}" for one, note in (notes or {}).items() if host in (None, one)]
    found = remedies(wanted, chosen[0], everywhere, catalogue.all_entries()) if host else []
    return Answer(
        wanted,
        tuple(chosen if host is None else chosen[:1]),
        tuple(found),
        table=host is None,
        notes=(*told, *_pooled(wanted, question, chosen)),
    )


def on_device(question: Question, device: Device) -> Answer:
    """Judge one device that no inventory knows. Raises InputError."""
    wanted = wanted_of(question, None)
    suited = SUITED[device.kind]
    engine = wanted.engine or next((one for one in suited if wanted.forms(one)), suited[0])
    found = candidate(wanted, Site(device.name, engine, device))
    more = remedies(wanted, found, (), catalogue.all_entries())
    return Answer(wanted, (found,), tuple(more), table=False)


def device_named(name: str, memory: float | None) -> Device:
    """`RTX 3090`, `2x RTX 4090`, `Apple M4 Pro`: what it is by its name. Raises InputError.

    `memory` are bytes of one card, or of the machine.
    """
    count = _COUNT.match(name.strip())
    plain = name.strip()[count.end() :] if count else name.strip()
    if not plain:
        raise InputError("the device has no name", where="--device")
    kind: Kind = "cuda"
    if plain.lower().startswith("apple"):
        kind = "metal"
    elif _CPU.search(plain):
        kind = "cpu"
    gib = memory_by_name(plain)
    known = memory or (gib * GIB if gib else None)
    return Device(kind, plain, int(count[1]) if count and kind == "cuda" else 1, known)


def wanted_of(question: Question, inventory: Inventory | None) -> Wanted:
    """Which model is meant: one of the inventory, one of the catalogue, or files at hand."""
    served = inventory.models.get(question.model) if inventory else None
    found = _found(question, served)
    if question.kv_dtype:
        _require_cache_type(question.kv_dtype)
    declared = tuple(_declared(inventory, question.model, found)) if inventory else ()
    own = [one for one in declared if question.on in (None, one.served.host)]
    first = own[0] if own else None
    context, sequences = _extent(inventory, first)
    longest = _longest(found.entry)
    on_tag = None if served else found.artifact
    return Wanted(
        name=question.model,
        entry=found.entry,
        engine=question.engine,
        quant=question.quant,
        context=question.context or min(context, longest or context),
        sequences=question.sequences or sequences,
        kv_dtype=question.kv_dtype,
        artifact=None if question.quant else on_tag,
        declared=declared,
    )


def _found(question: Question, served: Served | None) -> Found:
    name = served.model if served else question.model
    path = Path(question.model)
    if served is None and (path.suffix == ".gguf" or "/" in question.model) and path.exists():
        from magnusctl.catalogue import local

        return local.of_folder(path).found
    if served is None and (question.model[:1] in "./" or (path.suffix == ".gguf" and "/" in name)):
        raise InputError("there is no such file or folder", where=question.model)
    try:
        found = catalogue.find(name)
    except InputError as error:
        if served is None:
            raise
        hint = "Name its files instead, as 'magnusctl fit FOLDER', or a model of the catalogue."
        message = f"cannot tell: the catalogue does not know '{name}', which the inventory names"
        raise PreconditionError(message, hint=hint) from error
    if question.quant:
        # It says what there is, where this is not.
        catalogue.find(found.entry.name, None, question.quant)
    return found


def _require_cache_type(kind: str) -> None:
    try:
        if not kind.isprintable() or " " in kind.strip():
            raise Unknown(f"the cache type {kind!r} is not one word")
        bytes_of(kind)
    except Unknown as error:
        raise InputError(str(error), where="--kv-dtype") from None


def _declared(inventory: Inventory, name: str, found: Found) -> Iterator[Declared]:
    """The models of the inventory that are this one; the one of that name first."""
    order = sorted(inventory.models, key=lambda one: one != name)
    for one in order:
        host = inventory.models[one].host
        declared = declared_of(one, models_of(inventory, host)[one])
        if declared and declared[1] == found.entry:
            yield declared[0]


def declared_of(name: str, served: Served) -> tuple[Declared, Entry] | None:
    """A model of the inventory, and what the catalogue knows of it; None where it does not."""
    try:
        found = catalogue.find(served.model)
    except InputError:
        return None
    readable = catalogue.for_engine(found.entry, served.engine or "")
    artifact = found.artifact if found.artifact in readable else next(iter(readable), None)
    return Declared(name, served, artifact), found.entry


def _extent(inventory: Inventory | None, declared: Declared | None) -> tuple[int, int]:
    """Tokens of a conversation, and how many at once, as the engine holds place for them."""
    if inventory is None or declared is None:
        return CONTEXT, 1
    served = declared.served
    if served.engine == "ollama":
        ollama = variables_of(inventory, served.host).inference.ollama
        return ollama.context_tokens, ollama.parallel
    # vLLM holds no place for a conversation: they share what there is, and one of full length
    # must fit.
    return served.context, 1 if served.engine == "vllm" else served.sequences


def _longest(entry: Entry) -> int | None:
    try:
        return shape_of(entry.config).max_context
    except Unknown:
        return None


def _host(question: Question, inventory: Inventory, wanted: Wanted) -> str | None:
    """The host that is asked about; None for all. Raises InputError."""
    if question.on is not None:
        if question.on not in inventory.hosts:
            hint = nearest(question.on, inventory.hosts) or f"Hosts: {', '.join(inventory.hosts)}"
            raise InputError(f"there is no host '{question.on}'", where="--on", hint=hint)
        return question.on
    if question.every_host or not wanted.declared:
        return None
    return wanted.declared[0].served.host


def _pooled(wanted: Wanted, question: Question, chosen: Sequence[Candidate]) -> Iterator[str]:
    """How much room all conversations have that vLLM lets in at once."""
    best = chosen[0]
    served = next((one.served for one in wanted.declared_on(best.host, "vllm")), None)
    if served is None or question.sequences or best.engine != "vllm" or best.artifact is None:
        return
    every, _ = fit_at(replace(wanted, sequences=served.sequences), best.site, best.artifact)
    if best.verdict and every and every.max_context and served.sequences > 1:
        yield f"up to {served.sequences} conversations share a cache of {every.max_context} tokens"

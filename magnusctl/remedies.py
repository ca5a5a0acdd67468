"""What would fit where a model does not: less of it, elsewhere, in place of another. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from magnusctl.catalogue.entries import Artifact, Entry
from magnusctl.fit.devices import CPU_SHARE, GIB
from magnusctl.fit.planner import Fit
from magnusctl.fit.shape import Unknown, shape_of
from magnusctl.fit.tensors import parameters
from magnusctl.placement import Candidate, candidate, fit_at, weights_at
from magnusctl.placement.asked import Holder, Wanted
from magnusctl.placement.sites import Site, other_engines

MOST = 5
SHORTEST = 1024
"""Tokens: with less in a conversation nobody is helped."""
_LEAST_PROMPTS = GIB / 4
_HOST_RESERVE = 4 * GIB
_LEAST_SHARE = 1 / 8
_SMALLER_CACHE = {"llamacpp": "q8_0", "ollama": "q8_0", "vllm": "fp8"}


@dataclass(frozen=True)
class Remedy:
    """Something that fits, with its figures; `context` is tokens of one conversation."""

    text: str
    host: str
    engine: str
    artifact: str
    context: int
    gpu_layers: int | None
    needed: float
    usable: float
    decode_tps: float | None


@dataclass(frozen=True)
class Answer:
    """What was found: the candidates, the best first, what would fit, and what to add to it."""

    wanted: Wanted
    candidates: tuple[Candidate, ...]
    remedies: tuple[Remedy, ...]
    table: bool
    """Whether hosts are compared; else it is about one."""
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> bool | None:
        """Whether it fits on the host, or on one of them."""
        found = [one.verdict for one in self.candidates]
        if any(found):
            return True
        return None if None in found or not found else False


def remedies(
    wanted: Wanted,
    failed: Candidate,
    elsewhere: Sequence[Candidate] = (),
    catalogue: Sequence[Entry] = (),
) -> list[Remedy]:
    """What fits in the place of what does not, what changes least first; some of it at most.

    `elsewhere` are the candidates of all hosts, `catalogue` are other models.
    """
    if failed.verdict is not False:
        return []
    others = [one for one in elsewhere if one.host != failed.host]
    here = failed.site
    found = chain(
        _here(wanted, failed),
        _elsewhere(wanted, others),
        _evicting(wanted, here),
        _partly(wanted, here),
        _evicting_elsewhere(wanted, others),
        _smaller_models(wanted, here, catalogue),
    )
    return [*islice(found, MOST)]


def _here(wanted: Wanted, failed: Candidate) -> Iterator[Remedy]:
    """On the same host, where nothing but its memory speaks against it."""
    if any(one.passed is False and one.name != "memory" for one in failed.filters):
        return
    if failed.artifact is not None and failed.fit is not None:
        yield from _smaller_cache(wanted, failed.site, failed.artifact, failed.fit)
        yield from _shorter(wanted, failed.site, failed.artifact, failed.fit)
        yield from _fewer_prompts(wanted, failed.site, failed.artifact, failed.fit)
    yield from islice(_other_forms(wanted, failed), 2)


def _smaller_cache(wanted: Wanted, at: Site, artifact: Artifact, fit: Fit) -> Iterator[Remedy]:
    kind = _SMALLER_CACHE.get(at.engine)
    used = wanted.kv_dtype or at.kv_dtype
    if kind is None or used not in ("", "auto", "f16", "bf16", "fp16") or not fit.kv:
        return
    smaller, _ = fit_at(wanted, at, artifact, kv_dtype=kind)
    if smaller and smaller.fits:
        yield _remedy(f"here, with a {kind} cache", wanted, at, artifact, smaller)


def _shorter(wanted: Wanted, at: Site, artifact: Artifact, fit: Fit) -> Iterator[Remedy]:
    own = shape_of(wanted.entry.config).max_context or SHORTEST
    # What keeps no cache is bound by nothing but its own length.
    longest = own if fit.max_context is None else fit.max_context // wanted.sequences
    if not min(SHORTEST, own) <= longest < wanted.context:
        return
    shorter = replace(wanted, context=longest)
    found, _ = fit_at(shorter, at, artifact)
    if found and found.fits:
        yield _remedy("here, with a shorter context", shorter, at, artifact, found)


def _fewer_prompts(wanted: Wanted, at: Site, artifact: Artifact, fit: Fit) -> Iterator[Remedy]:
    """With less memory for finished prompts: a variable of the inventory bounds it."""
    short = -(fit.margin or 0.0)
    left = at.reserve.prompts - short
    if short <= 0 or left < _LEAST_PROMPTS:
        return
    kept = left // _LEAST_PROMPTS * _LEAST_PROMPTS
    reserve = replace(at.reserve, bytes=at.reserve.bytes - at.reserve.prompts + kept)
    lower = replace(at, reserve=reserve)
    found, _ = fit_at(wanted, lower, artifact)
    if found and found.fits:
        text = f"here, with prompt_cache: {kept / GIB:g}GiB"
        yield _remedy(text, wanted, lower, artifact, found)


def _other_forms(wanted: Wanted, failed: Candidate) -> Iterator[Remedy]:
    """Smaller forms for the same engine, the largest first; then forms for other engines."""
    open_to_all = replace(wanted, quant=None, artifact=None, declared=())
    at = failed.site
    if failed.artifact is not None:
        size = _size(wanted, at, failed.artifact)
        rest = [one for one in open_to_all.forms(at.engine) if one != failed.artifact]
        smaller = [one for one in rest if _size(wanted, at, one) < size]
        for artifact in sorted(smaller, key=lambda one: -_size(wanted, at, one)):
            fit, _ = fit_at(wanted, at, artifact)
            if fit and fit.fits:
                yield _remedy(f"here, as {artifact.quant}", wanted, at, artifact, fit)
                break
    for engine in other_engines(at, open_to_all):
        found = candidate(open_to_all, replace(at, engine=engine, batch=None, kv_dtype=""))
        if found.fit and found.artifact and found.fit.fits:
            text = f"here, {engine} {found.artifact.quant}"
            yield _remedy(text, wanted, found.site, found.artifact, found.fit)
            return


def _size(wanted: Wanted, at: Site, artifact: Artifact) -> float:
    weights = weights_at(wanted, at, artifact)
    return weights.file if weights else 0.0


def _elsewhere(wanted: Wanted, others: Sequence[Candidate]) -> Iterator[Remedy]:
    """Other hosts, each once, the best first."""
    hosts: set[str] = set()
    for one in others:
        if one.verdict and one.fit and one.artifact and one.host not in hosts:
            hosts.add(one.host)
            text = f"on {one.host}, {one.engine} {one.artifact.quant}"
            yield _remedy(text, wanted, one.site, one.artifact, one.fit)


def _evicting(wanted: Wanted, at: Site) -> Iterator[Remedy]:
    """Without another model: one alone where that is enough, else all of them."""
    freed = [*_freed(at)]
    for names, site in freed:
        enough = [*_with(wanted, site, f"here, without {names}")]
        if enough:
            yield from enough
            return
    for names, site in freed[-1:]:
        yield from _nearly(wanted, site, names)


def _nearly(wanted: Wanted, at: Site, names: str) -> Iterator[Remedy]:
    """Where even that is not enough: with another engine, or with a shorter context."""
    for engine in other_engines(at, wanted):
        other = replace(at, engine=engine, batch=None, kv_dtype="")
        found = [*_with(wanted, other, f"here, {engine}, without {names}")]
        if found:
            yield from found
            break
    found_here = candidate(wanted, at)
    if found_here.artifact and found_here.fit:
        shorter = _shorter(wanted, at, found_here.artifact, found_here.fit)
        yield from (replace(one, text=f"here, without {names}") for one in shorter)


def _freed(at: Site) -> Iterator[tuple[str, Site]]:
    """A site without each of the others, the smallest first, and without all of them."""
    named = sorted((one for one in at.holders if one.name != "in use"), key=lambda one: one.bytes)
    for one in named:
        rest = tuple(holder for holder in at.holders if holder is not one)
        yield _held(one), replace(at, holders=rest)
    if len(named) > 1:
        rest = tuple(holder for holder in at.holders if holder.name == "in use")
        yield " and ".join(one.name for one in named), replace(at, holders=rest)


def _held(holder: Holder) -> str:
    return f"{holder.name} ({holder.bytes / GIB:.1f} GiB)"


def _fits(wanted: Wanted, at: Site) -> bool:
    fit = candidate(wanted, at).fit
    return bool(fit and fit.fits)


def _with(wanted: Wanted, at: Site, text: str) -> Iterator[Remedy]:
    found = candidate(wanted, at)
    if found.fit and found.artifact and found.fit.fits:
        yield _remedy(text, wanted, at, found.artifact, found.fit)


def _evicting_elsewhere(wanted: Wanted, others: Sequence[Candidate]) -> Iterator[Remedy]:
    """Another host in whose way only its own models are; one such."""
    for one in others:
        only_memory = all(f.passed is not False or f.name == "memory" for f in one.filters)
        if not one.site.holders or one.verdict is not False or not only_memory:
            continue
        for names, site in _freed(one.site):
            if _fits(wanted, site):
                text = f"on {one.host}, {one.engine}, without {names}"
                yield from _with(wanted, site, text)
                return


def _partly(wanted: Wanted, here: Site) -> Iterator[Remedy]:
    """Some layers on the card, the rest in the host's own memory: with llama.cpp, and slow."""
    forms = replace(wanted, quant=None, declared=()).forms("llamacpp")
    if here.device.kind != "cuda" or not forms:
        return
    artifact = wanted.artifact if wanted.artifact in forms else forms[0]
    site = replace(here, engine="llamacpp", batch=None, kv_dtype="")
    # With next to nothing on the card it is for nothing there.
    for names, one in (("", site), *[*_freed(site)][-1:]):
        found = [*_split(wanted, one, artifact, f", without {names}" if names else "")]
        if found:
            yield from found
            return


def _split(wanted: Wanted, at: Site, artifact: Artifact | None, more: str) -> Iterator[Remedy]:
    fit = fit_at(wanted, at, artifact)[0] if artifact else None
    if fit is None or artifact is None or fit.fits or not fit.gpu_layers:
        return
    every = shape_of(wanted.entry.config).layers + 1
    rest, memory = fit.needed * (1 - fit.gpu_layers / every), at.device.host_memory
    roomy = memory is not None and rest <= memory * CPU_SHARE - _HOST_RESERVE
    if roomy and fit.gpu_layers >= every * _LEAST_SHARE:
        text = f"here, llamacpp {artifact.quant}, {fit.gpu_layers} of {every} layers{more}"
        found = _remedy(text, wanted, at, artifact, fit)
        yield replace(found, needed=fit.needed - rest)


def _smaller_models(wanted: Wanted, at: Site, catalogue: Sequence[Entry]) -> Iterator[Remedy]:
    """The largest other model of the kind that fits here as asked."""
    mine = _parameters(wanted.entry)
    kin = [one for one in catalogue if one.kind == wanted.entry.kind and one != wanted.entry]
    smaller = [one for one in kin if 0 < _parameters(one) < mine]
    for entry in sorted(smaller, key=_parameters, reverse=True):
        other = replace(
            wanted, name=entry.name, entry=entry, quant=None, artifact=None, declared=()
        )
        found = candidate(other, at)
        if found.fit and found.artifact and found.fit.fits:
            text = f"here, {entry.name} {found.artifact.quant}"
            yield _remedy(text, other, at, found.artifact, found.fit)
            return


def _parameters(entry: Entry) -> int:
    try:
        return parameters(shape_of(entry.config))
    except Unknown:
        return 0


def _remedy(text: str, wanted: Wanted, at: Site, artifact: Artifact, fit: Fit) -> Remedy:
    limit = fit.limit
    return Remedy(
        text=text,
        host=at.host,
        engine=at.engine,
        artifact=artifact.name,
        context=wanted.context,
        gpu_layers=fit.gpu_layers,
        needed=fit.needed,
        usable=limit.usable if limit else 0.0,
        decode_tps=fit.decode_tps,
    )

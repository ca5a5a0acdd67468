"""On which host, with which engine and in which form a model is best served. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from magnusctl.catalogue.entries import Artifact, Entry, key
from magnusctl.fit.engines import engine_of
from magnusctl.fit.planner import Fit, Request, plan
from magnusctl.fit.shape import Unknown, shape_of
from magnusctl.fit.weights import Weights, weights_of
from magnusctl.inventory.model import Inventory
from magnusctl.placement import filters
from magnusctl.placement.asked import Declared, Holder, Live, Rate, Reserve, Wanted
from magnusctl.placement.filters import Filter
from magnusctl.placement.sites import Site, device_of, site, sites

__all__ = [
    "Candidate",
    "Declared",
    "Filter",
    "Holder",
    "Live",
    "Rate",
    "Reserve",
    "Site",
    "Wanted",
    "candidate",
    "candidates",
    "device_of",
    "fit_at",
    "predicted",
    "site",
    "sites",
    "weights_at",
]
_SPOKEN_TOKENS = 128
"""What a conversation of `verify` has in the cache when it is measured."""


@dataclass(frozen=True)
class Candidate:
    """A model on a host: in which form, how it fits, what else speaks for or against it."""

    site: Site
    artifact: Artifact | None
    fit: Fit | None
    filters: tuple[Filter, ...]
    score: float
    present: bool
    unknown: str = ""
    """What is missing to tell more."""

    @property
    def host(self) -> str:
        """Where."""
        return self.site.host

    @property
    def engine(self) -> str:
        """With which engine."""
        return self.site.engine

    @property
    def verdict(self) -> bool | None:
        """Whether the model can be served there; None where that cannot be told."""
        if any(one.passed is False for one in self.filters):
            return False
        return None if any(f.name == "memory" and f.passed is None for f in self.filters) else True

    @property
    def decode_tps(self) -> float | None:
        """Predicted tokens/s of one conversation; None for what would not run at all."""
        if self.fit is None:
            return None
        # Only beside a card is there other memory for layers that it has no room for.
        split = self.site.device.kind == "cuda" and self.fit.gpu_layers
        return self.fit.decode_tps if self.fit.fits is not False or split else None

    @property
    def why(self) -> str:
        """The first reason against it, or what is missing."""
        against = [one.why for one in self.filters if one.passed is False]
        missing = [one.why for one in self.filters if one.name == "memory" and one.passed is None]
        return next(iter(against + missing), "")


def candidates(
    inventory: Inventory,
    wanted: Wanted,
    only: str | None = None,
    live: Mapping[str, Live] | None = None,
    present: Mapping[str, Collection[str]] | None = None,
) -> list[Candidate]:
    """Every host with each engine it could serve the model with, the best first.

    `present` are the keys of artifacts (catalogue.key) whose files a host has.
    """
    found = [
        _on_host(inventory, one, wanted, (present or {}).get(host, ()))
        for host in ([only] if only else inventory.hosts)
        for one in sites(inventory, host, wanted, (live or {}).get(host))
    ]
    # What cannot be told is nearer than what cannot be.
    rank = {True: 0, None: 1, False: 2}
    return sorted(found, key=lambda one: (rank[one.verdict], -one.score))


def candidate(
    wanted: Wanted, at: Site, more: Sequence[Filter] = (), present: Collection[str] = ()
) -> Candidate:
    """The model at a site, in the form that is best there."""
    artifact = _form(wanted, at)
    fit, unknown = (None, "") if artifact is None else fit_at(wanted, at, artifact)
    judged = (filters.of_format(wanted, at, artifact), *more)
    if artifact is not None:
        judged = (*judged, filters.of_memory(fit, unknown))
    there = artifact is not None and key(wanted.entry, artifact) in present
    found = Candidate(at, artifact, fit, judged, 0.0, there, unknown)
    return replace(found, score=_score(found, wanted))


def _on_host(inventory: Inventory, at: Site, wanted: Wanted, present: Collection[str]) -> Candidate:
    found = candidate(wanted, at, (), present)
    weights = weights_at(wanted, at, found.artifact) if found.artifact else None
    size = weights.file if weights else None
    more = filters.of_host(inventory, at, wanted, size, present=found.present)
    whole = replace(found, filters=(*more, *found.filters))
    return replace(whole, score=_score(whole, wanted))


def _score(found: Candidate, wanted: Wanted) -> float:
    """Predicted tokens/s to a tenth; of equals the longer context, then files that are there."""
    fit = found.fit
    if found.verdict is not True or fit is None:
        return 0.0
    own = shape_of(wanted.entry.config).max_context
    share = fit.max_context / (own * wanted.sequences) if fit.max_context and own else 0.0
    return round(fit.decode_tps or 0.0, 1) + 0.08 * min(1.0, share) + 0.01 * found.present


def _form(wanted: Wanted, at: Site) -> Artifact | None:
    """The one that was named, or that the inventory names; else the first that fits."""
    readable = wanted.forms(at.engine)
    named = [wanted.artifact, *(one.artifact for one in wanted.declared_on(at.host, at.engine))]
    for one in named:
        if one in readable:
            return one
    fitting = (one for one in readable if (fit := fit_at(wanted, at, one)[0]) and fit.fits)
    return next(fitting, readable[0] if readable else None)


def fit_at(
    wanted: Wanted,
    at: Site,
    artifact: Artifact,
    *,
    kv_dtype: str | None = None,
    depth: int | None = None,
) -> tuple[Fit | None, str]:
    """How one form of the model fits at a site; else None, and what is missing."""
    try:
        shape = shape_of(wanted.entry.config)
        engine = engine_of(at.engine, artifact.format)
        fit = plan(
            Request(
                shape=shape,
                weights=_weights(wanted, at, artifact),
                engine=replace(engine, batch=at.batch or engine.batch),
                device=at.device,
                context=wanted.tokens,
                sequences=wanted.sequences,
                kv_dtype=kv_dtype or wanted.kv_dtype or at.kv_dtype,
                utilization=at.utilization,
                depth=wanted.context // 2 if depth is None else depth,
                taken=at.taken,
                reserve=at.reserve.bytes,
            )
        )
    except Unknown as error:
        return None, str(error)
    return _sourced(fit, at), ""


def _sourced(fit: Fit, at: Site) -> Fit:
    """A limit that is declared was not measured: the planner takes any that it is given as such."""
    if fit.limit is None or not at.limit_source:
        return fit
    told = tuple(one.replace(fit.limit.source, at.limit_source) for one in fit.reasons)
    limit = replace(fit.limit, source=at.limit_source, measured=False)
    return replace(fit, limit=limit, reasons=told)


def weights_at(wanted: Wanted, at: Site, artifact: Artifact) -> Weights | None:
    """How large the files of one form are; None where that cannot be told."""
    try:
        return _weights(wanted, at, artifact)
    except Unknown:
        return None


def _weights(wanted: Wanted, at: Site, artifact: Artifact) -> Weights:
    """What the catalogue knows of the files; else what the inventory declares; else a recipe."""
    declared = (one for one in wanted.declared_on(at.host) if one.artifact == artifact)
    said = next((one.served.size for one in declared if one.served.size), None)
    shape = shape_of(wanted.entry.config)
    return weights_of(shape, artifact.format, artifact.quant, artifact.size_bytes or said)


def predicted(inventory: Inventory, declared: Declared, entry: Entry) -> float | None:
    """Tokens/s of one short conversation with a model of the inventory; None where unknown."""
    served, artifact = declared.served, declared.artifact
    if artifact is None or served.engine is None:
        return None
    wanted = Wanted(
        declared.name, entry, context=served.context, artifact=artifact, declared=(declared,)
    )
    at = site(inventory, served.host, served.engine, wanted)
    fit, _ = fit_at(wanted, at, artifact, depth=_SPOKEN_TOKENS)
    return fit.decode_tps if fit else None

"""Requests of other tools, one JSON object each, and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from magnusctl.fit.cache import cache_bytes
from magnusctl.fit.devices import GIB, Device, memory_by_name
from magnusctl.fit.engines import Engine, engine_of
from magnusctl.fit.planner import UTILIZATION, Request, plan
from magnusctl.fit.shape import Shape, Unknown, shape_of
from magnusctl.fit.weights import weights_of

DEFAULT_CONTEXT = 4096
_LONG = 8192
_SIZES = ("artifact_gib", "weights_gib", "kv_gib", "total_gib")
_NULL = {**dict.fromkeys(_SIZES), "fits": None, "max_context": None, "gpu_layers": None}


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one request; what cannot be told is null, and `reasons` say why.

    Sizes are GiB (2^30 bytes); `context` is tokens of all sequences together.
    """
    try:
        return {"id": request.get("id"), **_answered(request)}
    except (ValueError, TypeError, KeyError, OverflowError, ZeroDivisionError) as error:
        why = str(error) if isinstance(error, Unknown) else f"the request cannot be read: {error}"
        return {"id": request.get("id"), **_NULL, "decode_tps": None, "reasons": [why]}


def _answered(request: Mapping[str, Any]) -> dict[str, Any]:
    shape = shape_of(_object(request, "config") or {})
    format_ = str(request.get("format") or "")
    named = str(request.get("engine") or "")
    try:
        engine, strange = engine_of(named, format_), ""
    except ValueError as error:
        # What its files and its cache take does not depend on it; what it takes beside does.
        engine, strange = engine_of("", format_), str(error)
    artifact = _number(request, "artifact_bytes")
    try:
        weights = weights_of(shape, format_, str(request.get("quant") or ""), artifact)
    except Unknown as error:
        return _only_cache(request, shape, engine, str(error))
    if strange:
        sizes = dict.fromkeys(("artifact_gib", "weights_gib"), weights.file / GIB)
        return {**_only_cache(request, shape, engine, strange), **sizes}
    layers = _number(request, "gpu_layers")
    device, said = _device(_object(request, "device"), engine.family)
    fit = plan(
        Request(
            shape=shape,
            weights=weights,
            engine=engine,
            device=device,
            context=int(_number(request, "context") or DEFAULT_CONTEXT),
            sequences=int(_number(request, "sequences") or 1),
            kv_dtype=str(request.get("kv_dtype") or ""),
            utilization=_number(request, "utilization") or UTILIZATION,
            depth=_depth(request),
            gpu_layers=None if layers is None else int(layers),
        )
    )
    return {
        "artifact_gib": weights.file / GIB,
        "weights_gib": weights.file / GIB,
        "weights_on_gpu_gib": fit.weights / GIB if device.kind == "cuda" else None,
        "kv_gib": fit.kv / GIB,
        "total_gib": fit.total / GIB,
        "fits": fit.fits,
        "max_context": fit.max_context,
        "gpu_layers": fit.gpu_layers,
        "decode_tps": fit.decode_tps,
        "reasons": [*said, *fit.reasons],
        "limit_gib": fit.limit.usable / GIB if fit.limit else None,
        "needed_gib": fit.needed / GIB,
        "binding": fit.binding,
    }


def _only_cache(
    request: Mapping[str, Any], shape: Shape, engine: Engine, why: str
) -> dict[str, Any]:
    """Without a known quantisation the cache can still be told."""
    context = int(_number(request, "context") or DEFAULT_CONTEXT)
    sequences = int(_number(request, "sequences") or 1)
    kind = str(request.get("kv_dtype") or "")
    kv = cache_bytes(shape, engine, context, sequences, kind)
    return {**_NULL, "decode_tps": None, "kv_gib": kv / GIB, "reasons": [why]}


def _depth(request: Mapping[str, Any]) -> int:
    """Tokens in the cache while it decodes: where nobody says, a long context counts as filled,
    a short one as half."""
    depth, context = _number(request, "depth"), _number(request, "context") or DEFAULT_CONTEXT
    if depth is None:
        depth = context if context > _LONG else context / 2
    return int(depth)


def _device(said: Mapping[str, Any] | None, family: str) -> tuple[Device, list[str]]:
    if said is None:
        kind = "metal" if family == "mlx" else "cuda"
        return Device(kind=kind), ["no device is named"]  # type: ignore[arg-type]
    kind = str(said.get("kind") or "")
    if kind not in ("cuda", "metal", "cpu"):
        raise Unknown(f"the device's kind '{kind}' is not known: cuda, metal or cpu")
    memory, limit = _number(said, "memory_gib"), _number(said, "limit_gib")
    name, count = str(said.get("name") or ""), int(_number(said, "count") or 1)
    named = memory_by_name(name)
    if memory is None and count == 1:
        memory = named
    elif memory and named and count > 1 and abs(memory - count * named) < 1:
        # Some say what all of them have together.
        memory /= count
    return Device(
        kind=kind,  # type: ignore[arg-type]
        name=name,
        count=count,
        memory=memory * GIB if memory else None,
        limit=limit * GIB if limit else None,
        bandwidth_gb_s=_number(said, "bandwidth_gbs"),
    ), []


def _object(request: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = request.get(key)
    if value is not None and not isinstance(value, Mapping):
        raise Unknown(f"'{key}' is no object")
    return value


def _number(request: Mapping[str, Any], key: str) -> float | None:
    value = request.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise Unknown(f"'{key}' is no number of at least 0: {str(value)[:40]!r}")
    return float(value)

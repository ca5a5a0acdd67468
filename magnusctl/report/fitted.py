"""How a model fits, in lines: the answer first, then its figures, then what would fit instead."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from magnusctl.fit.devices import GIB, Device
from magnusctl.fit.planner import Fit
from magnusctl.placement import Candidate, weights_at
from magnusctl.placement.asked import Wanted
from magnusctl.quote import visible
from magnusctl.remedies import Answer, Remedy
from magnusctl.report import Verdict
from magnusctl.report.verified import Line, sign

_VERDICTS = {True: Verdict.PASS, False: Verdict.FAIL, None: Verdict.UNKNOWN}
_WORDS = {True: "fits", False: "does not fit", None: "cannot be told"}
_MEMORY = {"cuda": "VRAM", "metal": "unified memory", "cpu": "RAM"}


def lines(answer: Answer, width: int, ascii_only: bool) -> Iterator[Line]:
    """All of it, at most `width` columns where words allow."""
    if answer.table:
        yield from _table(answer, width, ascii_only)
    else:
        yield from _one(answer, width, ascii_only)
    for note in answer.notes:
        yield from _wrapped(f"Note: {note}", width, "dim")
    if answer.remedies:
        yield "What would fit", "bold"
        yield from _remedies(answer.remedies, width)
    yield from _wrapped(_next(answer), width)


def _one(answer: Answer, width: int, ascii_only: bool) -> Iterator[Line]:
    found, wanted = answer.candidates[0], answer.wanted
    fine, colour = sign(_VERDICTS[found.verdict], ascii_only)
    form = found.artifact.quant if found.artifact else (wanted.quant or "no form")
    extent = f"context {wanted.context} x {wanted.sequences}"
    head = f"{visible(wanted.name)}  {visible(form)}  {found.engine}  {extent}"
    end = f"{fine} {_verdict(found)}"
    if len(head) + len(end) + 2 <= width:
        yield f"{head}{end:>{width - len(head)}}", f"bold {colour}"
    else:
        yield head, "bold"
        yield end, f"bold {colour}"
    against = [one for one in found.filters if one.passed is False and one.name != "memory"]
    for one in against:
        yield from _wrapped(f"  {one.name}: {one.why}", width, colour)
    if found.fit is None:
        why = found.unknown or found.why
        yield from _wrapped(f"  what is missing: {why}" if found.verdict is None else "", width)
        return
    yield from _figures(found, found.fit, wanted)
    yield from _limits(found, found.fit, wanted)
    assumed = "; ".join((*found.fit.reasons, *found.site.reserve.parts, *found.site.notes))
    yield from _wrapped(f"Assumed: {assumed}", width, "dim")


def _verdict(found: Candidate) -> str:
    place = visible(found.host) or "the device"
    only_memory = all(f.passed is not False or f.name == "memory" for f in found.filters)
    if found.verdict is False and not only_memory:
        return f"cannot be served on {place}"
    words = _WORDS[found.verdict]
    size = _size(found.site.device)
    return f"{words} on {place} ({size})" if size else f"{words} on {place}"


def _size(device: Device) -> str:
    if not device.memory:
        return ""
    cards = f"{device.count} x " if device.count > 1 else ""
    return f"{cards}{device.memory / GIB:.3g} GiB {_MEMORY[device.kind]}"


def _figures(found: Candidate, fit: Fit, wanted: Wanted) -> Iterator[Line]:
    runtime = "CUDA context" if found.site.device.kind == "cuda" else "runtime"
    cells = [("weights", fit.weights), ("KV cache", fit.kv), ("compute", fit.buffers)]
    cells.append((runtime, fit.runtime))
    if found.site.reserve.bytes or found.site.taken:
        cells += [("reserve", found.site.reserve.bytes), ("others hold", found.site.taken)]
    for left, right in zip(cells[::2], cells[1::2], strict=True):
        yield f"  {_cell(*left)}     {_cell(*right)}", ""
    needed = _cell("needed", fit.needed)
    if fit.limit is None:
        yield f"  {needed}     usable now          unknown", "bold"
        return
    margin = fit.limit.usable - fit.needed
    told = f"margin {margin / GIB:.1f} GiB" if margin >= 0 else f"short by {-margin / GIB:.1f} GiB"
    usable = _cell("usable now", max(0.0, fit.limit.usable))
    yield f"  {needed}     {usable}     {told}", "bold"


def _cell(name: str, size: float) -> str:
    return f"{name:<13}{size / GIB:>8.1f} GiB"


def _limits(found: Candidate, fit: Fit, wanted: Wanted) -> Iterator[Line]:
    if fit.max_context is not None:
        each = fit.max_context // wanted.sequences
        told = f"{each} tokens" + (f" x {wanted.sequences}" if wanted.sequences > 1 else "")
        yield (
            f"  largest context  {told if fit.max_context else 'none'}, bound by {fit.binding}",
            "",
        )
    elif fit.limit is not None:
        yield f"  bound by         {fit.binding}", ""
    if found.decode_tps is not None:
        share = "" if fit.fits is not False or not fit.gpu_layers else _partly(fit)
        told = f"predicted {_tps(found.decode_tps)} tok/s for one conversation{share}"
        yield f"  decode           {told}", ""
    weights = weights_at(wanted, found.site, found.artifact) if found.artifact else None
    disk = found.site.disk
    if weights and disk:
        seconds = weights.file / (disk.mb_s * 1e6)
        yield f"  time to load     {seconds:.0f} s at {disk.mb_s:.0f} MB/s ({disk.source})", ""


def _partly(fit: Fit) -> str:
    return f" with {fit.gpu_layers} layers on the card"


def _tps(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _remedies(found: Sequence[Remedy], width: int) -> Iterator[Line]:
    room = max(len(visible(one.text)) for one in found)
    for number, one in enumerate(found, 1):
        memory = f"{one.needed / GIB:5.1f} of {one.usable / GIB:5.1f} GiB"
        speed = f"{_tps(one.decode_tps):>6} tok/s" if one.decode_tps else f"{'-':>6}"
        figures = f"{memory}   context {one.context:>6}   {speed}".rstrip()
        text = visible(one.text)
        if 5 + room + 2 + 48 <= width:
            yield f"  {number}  {text:<{room}}  {figures}", ""
        else:
            yield from _wrapped(f"  {number}  {text}", width)
            yield f"       {figures}", ""


def _table(answer: Answer, width: int, ascii_only: bool) -> Iterator[Line]:
    wanted = answer.wanted
    extent = f"context {wanted.context} x {wanted.sequences}"
    yield f"{visible(wanted.name)}  {extent}", "bold"
    names = max(4, *(len(visible(one.host)) for one in answer.candidates))
    forms = max(4, *(len(one.artifact.quant) for one in answer.candidates if one.artifact), 4)
    heads = f"{'GiB of usable':>15} {'context':>8} {'tok/s':>6} {'score':>6}"
    yield f"  {'':<1} {'host':<{names}}  {'engine':<8}  {'form':<{forms}} {heads}", "dim"
    for one in answer.candidates:
        mark, colour = sign(_VERDICTS[one.verdict], ascii_only)
        form = one.artifact.quant if one.artifact else "-"
        head = f"  {mark} {visible(one.host):<{names}}  {one.engine:<8}  {visible(form):<{forms}}"
        numbers = _numbers(one, wanted)
        if len(head) + len(numbers) < width:
            yield f"{head} {numbers}".rstrip(), colour
        else:
            yield head.rstrip(), colour
            yield f"      {numbers.strip()}", colour
        if one.verdict is not True:
            yield from _wrapped(f"      {one.why}", width)


def _numbers(one: Candidate, wanted: Wanted) -> str:
    fit = one.fit
    if fit is None:
        return ""
    usable = f"{max(0.0, fit.limit.usable) / GIB:.1f}" if fit.limit else "?"
    memory = f"{fit.needed / GIB:.1f} / {usable}"
    context = "-" if fit.max_context is None else f"{fit.max_context // wanted.sequences}"
    speed = _tps(one.decode_tps) if one.decode_tps else "-"
    score = f"{one.score:.2f}" if one.score else "-"
    return f"{memory:>15} {context:>8} {speed:>6} {score:>6}"


def _next(answer: Answer) -> str:
    """What to do, or what is missing."""
    best = answer.candidates[0]
    if answer.table and answer.verdict:
        return f"Best on {visible(best.host)}, with {best.engine}. Speeds are predicted."
    if answer.verdict is None:
        declared = best.site.disk is not None
        hint = "Declare it below hardware:." if declared else "Say it with --memory SIZE."
        return f"It cannot be told: {best.unknown or best.why}. {hint}"
    if answer.verdict:
        return ""
    if answer.remedies:
        return ""
    return "Nothing that is known here would fit."


def _wrapped(text: str, width: int, style: str = "") -> Iterator[Line]:
    if not text:
        return
    indent = " " * (len(text) - len(text.lstrip()))
    room = max(width, 30)
    for line in textwrap.wrap(
        visible(text.strip()),
        room,
        initial_indent=indent,
        subsequent_indent=indent or "  ",
        break_on_hyphens=False,
        break_long_words=False,
    ):
        yield line, style


def objects(answer: Answer) -> Iterator[tuple[str, dict[str, object]]]:
    """The same for programs: the type of each object, and its values; sizes are bytes."""
    for one in answer.candidates:
        yield "fit", _object(one, answer)
    for number, remedy in enumerate(answer.remedies, 1):
        yield (
            "remedy",
            {
                "rank": number,
                "text": remedy.text,
                "host": remedy.host,
                "engine": remedy.engine,
                "artifact": remedy.artifact,
                "context": remedy.context,
                "gpu_layers": remedy.gpu_layers,
                "needed_bytes": round(remedy.needed),
                "usable_bytes": round(remedy.usable),
                "decode_tps": _rounded(remedy.decode_tps),
            },
        )


def _object(one: Candidate, answer: Answer) -> dict[str, object]:
    wanted, fit, disk = answer.wanted, one.fit, one.site.disk
    weights = weights_at(wanted, one.site, one.artifact) if one.artifact else None
    return {
        "model": wanted.name,
        "entry": wanted.entry.name,
        "host": one.host,
        "engine": one.engine,
        "artifact": one.artifact.name if one.artifact else None,
        "quant": one.artifact.quant if one.artifact else None,
        "context": wanted.context,
        "sequences": wanted.sequences,
        "fits": one.verdict,
        **_sizes(fit),
        "artifact_bytes": round(weights.file) if weights else None,
        "reserve_bytes": round(one.site.reserve.bytes),
        "taken_bytes": round(one.site.taken),
        "max_context": fit.max_context if fit else None,
        "gpu_layers": fit.gpu_layers if fit else None,
        "predicted_decode_tps": _rounded(one.decode_tps),
        "load_s": round(weights.file / disk.mb_s / 1e6, 1) if weights and disk else None,
        "load_rate": disk.source if disk else None,
        "binding": fit.binding if fit else None,
        "assumed": [*(fit.reasons if fit else ()), *one.site.reserve.parts, *one.site.notes],
        "missing": (one.unknown or one.why) if one.verdict is None else None,
        "filters": [{"name": f.name, "passed": f.passed, "why": f.why} for f in one.filters],
        "score": round(one.score, 2),
        "present": one.present,
        "notes": list(answer.notes),
    }


def _sizes(fit: Fit | None) -> dict[str, object]:
    names = ("weights", "kv", "buffers", "runtime", "needed")
    limit = fit.limit if fit else None
    return {
        **{f"{name}_bytes": round(getattr(fit, name)) if fit else None for name in names},
        "usable_bytes": round(limit.usable) if limit else None,
        "margin_bytes": round(limit.usable - fit.needed) if fit and limit else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)

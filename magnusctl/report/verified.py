"""A verification in lines: the worst first, each with what to do, and what passed only counted."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from magnusctl.quote import visible
from magnusctl.report import Result, Verdict, Verified, counts
from magnusctl.report.links import Row, is_rate, rows

Line = tuple[str, str]
"""A line and its style."""

_SIGNS = {
    Verdict.PASS: ("✓", "+", "green"),
    Verdict.WARN: ("!", "!", "yellow"),
    Verdict.FAIL: ("✗", "x", "red"),
    Verdict.SKIP: ("○", "o", "dim"),
    Verdict.UNKNOWN: ("?", "?", "cyan"),
}
# In the order of their urgency.
WORDS = {
    Verdict.FAIL: "failed",
    Verdict.UNKNOWN: "unknown",
    Verdict.WARN: "warned",
    Verdict.PASS: "passed",
    Verdict.SKIP: "skipped",
}
_LONGEST_NAME = 44


def sign(verdict: Verdict, ascii_only: bool) -> tuple[str, str]:
    """The sign of a verdict, and its colour."""
    fine, plain, colour = _SIGNS[verdict]
    return (plain if ascii_only else fine), colour


def tally(results: Sequence[Result], *, ascii_only: bool) -> str:
    """How many of each, as `11 ✓  1 ✗  1 !`."""
    told = counts(results)
    order = (Verdict.PASS, Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN, Verdict.SKIP)
    return "  ".join(f"{told[v]} {sign(v, ascii_only)[0]}" for v in order if told[v])


def summary(found: Verified) -> str:
    """How many of each in words, and what it took."""
    told = counts(found.results)
    words = [f"{told[v]} {word}" for v, word in WORDS.items() if told[v]]
    took = "recorded answers" if found.recorded else f"{found.seconds:.1f} s"
    return f"{', '.join(words) or 'Nothing was checked'} ({took})."


def lines(found: Verified, width: int, verbose: bool, ascii_only: bool) -> Iterator[Line]:
    """All of it, at most `width` columns where words allow."""
    table = [result for result in found.results if is_rate(result)]
    others = [result for result in found.results if not is_rate(result)]
    for subject in dict.fromkeys(result.subject for result in others):
        mine = [result for result in others if result.subject == subject]
        note = "   (simulated host)" if subject in found.simulated else ""
        head, end = f"{subject}{note}", tally(mine, ascii_only=ascii_only)
        yield f"{head}{end:>{max(len(end) + 2, width - len(head))}}", "bold"
        yield from _of_subject(mine, width, verbose, ascii_only)
    if table:
        yield from _links(rows(found.results), width, ascii_only)
        told = [r for r in table if r.verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN)]
        for _, alike in groupby(told, key=_alike):
            yield from _group([*alike], 12, width, ascii_only)
    yield "", ""
    yield summary(found), "bold"
    if found.simulated:
        some = ", ".join(found.simulated)
        for line in textwrap.wrap(f"SIMULATED: {some}", width, break_on_hyphens=False):
            yield line, "bold"


def _of_subject(
    mine: Sequence[Result], width: int, verbose: bool, ascii_only: bool
) -> Iterator[Line]:
    order = list(WORDS)
    listed = [r for r in mine if verbose or _is_told(r)]
    name = min(_LONGEST_NAME, max((len(r.check) for r in listed), default=0))
    is_list = any(r.subject.startswith("set ") for r in mine)
    # A list stays in its order: whoever goes through it has it on paper.
    ranked = listed if is_list else sorted(listed, key=lambda r: order.index(r.verdict))
    for _, alike in groupby(ranked, key=_alike):
        yield from _group([*alike], name, width, ascii_only)
    silent = len(mine) - len(listed)
    if silent:
        dots = "..." if ascii_only else "…"
        more = f"{silent} more pass" if listed else f"{silent} pass"
        yield f"  {dots} {more} (-v shows them)", "dim"


def _alike(result: Result) -> tuple[object, ...]:
    """What stands together: many checks that were not asked have one reason, and one line."""
    if result.verdict in (Verdict.UNKNOWN, Verdict.SKIP):
        return (result.verdict, result.measured, result.remedy)
    return (result.verdict, result.remedy, "" if result.remedy else result.check)


def _group(alike: Sequence[Result], name: int, width: int, ascii_only: bool) -> Iterator[Line]:
    """Results with one remedy; more than two of one reason are only named."""
    first = alike[0]
    if first.verdict in (Verdict.UNKNOWN, Verdict.SKIP) and len(alike) > 2:
        names = ", ".join(result.check for result in alike)
        told = replace(first, check=f"{len(alike)} checks", measured=f"{first.measured}: {names}")
        yield from _result(replace(told, target=""), name, width, ascii_only)
        return
    for result in alike:
        last = result is alike[-1]
        shown = result if last else replace(result, remedy="")
        yield from _result(shown, name, width, ascii_only)


def _is_told(result: Result) -> bool:
    """Numbers are what people look for, and a line of a list that was asked for."""
    pinged = result.way is not None and result.way.what == "ping"
    numbered = (result.measure and not pinged) or result.subject.startswith("set ")
    return result.verdict is not Verdict.PASS or bool(numbered)


def _result(result: Result, name: int, width: int, ascii_only: bool) -> Iterator[Line]:
    mark, colour = sign(result.verdict, ascii_only)
    head = f"  {mark} {_flat(result.check):<{name}}  "
    target = f"   target {_flat(result.target)}" if result.target else ""
    text = f"{_flat(result.measured):<32}{target}" if target else _flat(result.measured)
    room = max(width - len(head), 30)
    first, *more = _wrapped(text, room) if len(text) > room else [text]
    yield f"{head}{first}".rstrip(), colour
    for line in more:
        yield f"{' ' * len(head)}{line}", colour
    if result.remedy and result.verdict is not Verdict.PASS:
        for line in _wrapped(_flat(result.remedy), width - 6):
            yield f"      {line}", ""


def _flat(text: str) -> str:
    """Text of a host on one line."""
    return visible(" ".join(text.splitlines()))


def _wrapped(text: str, width: int) -> list[str]:
    # A path is not cut in the middle of a name: it may be typed.
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False) or [""]


def _links(found: Sequence[Row], width: int, ascii_only: bool) -> Iterator[Line]:
    title = max(*(len(_title(row)) for row in found), len("links"))
    # Long names have a line of their own, and what was measured one below.
    apart = title + 2 + 43 > width
    heads = ("->", "<-") if ascii_only else ("→", "←")
    figures = f"{heads[0]:>13}{heads[1]:>13}{'target':>15}"
    some = any(not row.untold for row in found)
    start = 4 if apart else title + 2
    yield f"{'links':<{start}}{figures if some else ''}".rstrip(), "bold"
    for row in found:
        yield from _link(row, 0 if apart else title, width, ascii_only)


def _link(row: Row, title: int, width: int, ascii_only: bool) -> Iterator[Line]:
    mark, colour = sign(row.verdict, ascii_only)
    more = "  ".join(cell for cell in (row.ping_ms, _mtu(row, ascii_only)) if cell)
    if not title:
        yield f"  {_title(row)}", colour
    head, room = (f"  {_title(row):<{title}}", title + 4) if title else ("  ", 6)
    if row.untold:
        first, *others = _wrapped(_flat(row.untold), max(width - room - 2, 30))
        told = [f"{head}  {mark} {first}", *(f"{' ' * room}  {line}" for line in others)]
    else:
        speeds = [way.measured if way and way.measure else "-" for way in (row.there, row.back)]
        told = [f"{head}{speeds[0]:>13}{speeds[1]:>13}{row.target or '-':>15} {mark}"]
    fits = len(told[-1]) + len(more) + 2 <= width
    *before, last = told
    for line in before:
        yield line, colour
    yield f"{last}  {more}".rstrip() if fits else last, colour
    if more and not fits:
        yield f"{' ' * room}{more}", colour


def _title(row: Row) -> str:
    return f"{row.one} - {row.two} ({row.name})"


def _mtu(row: Row, ascii_only: bool) -> str:
    if row.mtu is None or not row.mtu_bytes:
        return ""
    return f"mtu {row.mtu_bytes} {sign(row.mtu.verdict, ascii_only)[0]}"

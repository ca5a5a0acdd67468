"""Changes in words, the same for every drawer."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from magnusctl.quote import visible
from magnusctl.report import Disruption, Planned
from magnusctl.resources.block import Block
from magnusctl.resources.command import Command
from magnusctl.resources.file import File
from magnusctl.resources.reboot import Reboot
from magnusctl.resources.service import Service
from magnusctl.state import STARTED_WITH, Action, Change, Plan, Risk, State

_LONG = 40
_INDENT = 4
_NO_FILE = ("link", "directory", "special")


def lines(plan: Plan, width: int = 100) -> Iterator[tuple[Change, str]]:
    """A line for every change; packages that go together share one."""
    run: list[Change] = []
    for change in plan.changes:
        if run and not _alike(run[0], change):
            yield run[0], _line(run, width)
            run = []
        run.append(change)
        if change.resource.kind != "package":
            yield change, _line(run, width)
            run = []
    if run:
        yield run[0], _line(run, width)


def _alike(one: Change, other: Change) -> bool:
    kinds = {one.resource.kind, other.resource.kind}
    return kinds == {"package"} and one.action is other.action


def _line(run: Sequence[Change], width: int) -> str:
    first = run[0]
    name = ", ".join(visible(change.resource.name) for change in run)
    detail = _detail(first)
    risk = first.resource.risk
    mark = f"   [{risk.value}]" if risk is not Risk.NONE else ""
    kind = f"{first.resource.kind:<10}"
    line = f"{kind} {name:<{_LONG}}  {detail}{mark}".rstrip()
    if len(line) + _INDENT <= width or not (detail or mark):
        return line
    return f"{kind} {name}\n{'':<{_INDENT + 11}}{detail}{mark}".rstrip()


def _detail(change: Change) -> str:
    if change.action is Action.UNKNOWN:
        known = f"known after {_reasons(change) or 'the changes before it'}"
        return f"may boot, {known}" if isinstance(change.resource, Reboot) else known
    if isinstance(change.resource, Reboot):
        return f"boots: {change.resource.why}" if change.resource.why else "boots"
    if change.action is Action.RESTART:
        return restarted(change)
    if change.action is Action.DELETE:
        return ""
    if change.action is Action.CREATE:
        return _created(change.after)
    if change.resource.kind == "command":
        return "runs"
    told = [_told(key, change) for key in change.differs if key != STARTED_WITH]
    return ", ".join(told) + (f" and {restarted(change)}" if change.restarts else "")


def restarted(change: Change) -> str:
    """`restarts, because file:/etc/x`, or `reloads`, as the kind does it."""
    because = f", because {_reasons(change)}" if change.because else ""
    return f"{_again(change)}{because}"


def _again(change: Change) -> str:
    resource = change.resource
    if isinstance(resource, Service):
        return "reloads" if resource.reload else "restarts"
    return {"launchd": "restarts", "interface": "is set again"}.get(resource.kind, "runs")


def _reasons(change: Change) -> str:
    return visible(", ".join(change.because))


def _created(after: State) -> str:
    owner = f"{after['owner']}:{after['group']}" if "owner" in after else ""
    shown = [after.get("mode") or "", owner]
    shown += [f"{key} {after[key]}" for key in ("version", "groups", "members") if after.get(key)]
    return " ".join(word for word in shown if word)


def _told(key: str, change: Change) -> str:
    if key == "content":
        held = (change.before or {}).get(key) or ""
        return f"is a {held} now" if held in _NO_FILE else "text differs"
    had = (change.before or {}).get(key)
    before = "none" if had in (None, "", "-") else visible(had)
    after = visible(change.after[key] or "")
    named = "" if key == "value" else f"{key} "
    return f"{named}{before} → {after}"


def text_diff(change: Change, old: str | None) -> list[str]:
    """A unified diff of a file or block, or nothing for other kinds."""
    resource = change.resource
    if isinstance(resource, Command):
        return [f"+{visible(line)}" for line in resource.run.splitlines()]
    if not isinstance(resource, File | Block) or change.action is Action.DELETE:
        return []
    if "content" not in change.differs:
        return []
    if isinstance(resource, File) and resource.secrets:
        return ["(it holds secrets: its text is not shown)"]
    if old is None and change.action is not Action.CREATE:
        return ["(the text on the host is not known here)"]
    before = (old or "").splitlines()
    after = resource.content.splitlines()
    if isinstance(resource, Block):
        before = _block_of(before, resource.marker)
    found = difflib.unified_diff(before, after, resource.name, resource.name, lineterm="", n=2)
    return [visible(line) for line in found]


def _block_of(text: Sequence[str], marker: str) -> list[str]:
    begin, end = f"# {marker} begin", f"# {marker} end"
    if begin not in text or end not in text:
        return []
    return list(text[text.index(begin) + 1 : text.index(end)])


def title(item: Planned) -> str:
    """How much a plan changes, or until when it waits."""
    plan = item.plan
    if not plan:
        return "no changes"
    changes = count(len(plan), "change")
    if item.frozen and item.held:
        return f"{item.frozen}, {changes} {'waits' if len(plan) == 1 else 'wait'}"
    although = f", although {item.frozen}" if item.frozen else ""
    restarts = f", {count(plan.restarts, 'restart')}" if plan.restarts else ""
    maybe = any(isinstance(change.resource, Reboot) for change in plan.unknown)
    boots = ", boots" if plan.reboots else ", may boot" if maybe else ""
    return f"{changes}{restarts}{boots}{although}"


def disruption_lines(found: Sequence[Disruption], width: int = 100) -> Iterator[str]:
    """A line for each: what, why, and what allows it or the option that would."""
    column = max((len(visible(item.what)) for item in found), default=0)
    for item in found:
        said = f"allowed by {item.allowed}" if item.allowed else item.option
        head = f"{visible(item.what):<{column}}  {visible(item.why)}"
        gap = f"\n{'':<{column + 2}}" if len(head) + len(said) + _INDENT + 3 > width else "   "
        yield f"{head}{gap}{visible(said)}"


def count(number: int, noun: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

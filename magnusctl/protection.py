"""Whether a plan may be applied now: freezes, disruptions, consents and maintenance.

The caller says what time it is. Without a time, as recorded answers have none, no window applies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase

from magnusctl import windows
from magnusctl.disruptions import disruptions, service_token
from magnusctl.errors import InputError, PreconditionError
from magnusctl.inventory.findings import nearest
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.windows import Window
from magnusctl.report import Disruption, Planned
from magnusctl.report.describe import count, disruption_lines
from magnusctl.state import Plan

FREEZE = "freeze"
"""What lifts a freeze. It is named, never matched by a pattern."""


def protect(
    inventory: Inventory, planned: Sequence[Planned], allow: Sequence[str], now: datetime | None
) -> list[Planned]:
    """Each plan with what it would disturb, and with the reason why it may not be applied now."""
    return [_protected(inventory, item, allow, now) for item in planned]


def _protected(
    inventory: Inventory, item: Planned, allow: Sequence[str], now: datetime | None
) -> Planned:
    if not item.plan:
        return item
    return replace(
        item,
        disruptions=judged(inventory, item.host, item.plan, allow, now),
        frozen=frozen(inventory, item.host, now) or "",
        held=held(inventory, item.host, item.plan, allow, now),
    )


def check_consents(inventory: Inventory, allow: Sequence[str]) -> None:
    """Raise InputError for a consent that is not HOST:WHAT, or that is for no host there is."""
    for consent in allow:
        host, _, what = consent.partition(":")
        where = f"--allow-disruption {consent}"
        if not host or not what:
            hint = "Write HOST:WHAT, as in 'linode:packages'. A plan shows what to type."
            raise InputError("a consent names a host and what", where=where, hint=hint)
        if not any(fnmatchcase(name, host) for name in inventory.hosts):
            hint = nearest(host, inventory.hosts) or f"Hosts: {', '.join(inventory.hosts)}"
            raise InputError(f"there is no host '{host}'", where=where, hint=hint)


def frozen(inventory: Inventory, host_name: str, now: datetime | None) -> str | None:
    """`frozen until 16:15 Australia/Sydney (ASX trading hours)`: the window that ends last."""
    named = inventory.hosts[host_name].freeze
    applying = _applying(inventory, named, now)
    if now is None or not applying:
        return None
    ends = {name: windows.until(window, now) for name, window in applying.items()}
    name = max(ends, key=lambda name: (ends[name] is None, ends[name] or now))
    end, window = ends[name], applying[name]
    until = f" until {windows.told(window, end, now)}" if end else ""
    return f"frozen{until} ({window.note or name})"


def judged(
    inventory: Inventory, host_name: str, plan: Plan, allow: Sequence[str], now: datetime | None
) -> tuple[Disruption, ...]:
    """The disruptions of a plan, each with what allows it."""
    host = inventory.hosts[host_name]
    maintenance = "".join(
        f"window {name}" for name in list(_applying(inventory, host.maintenance, now))[:1]
    )
    return tuple(
        replace(item, allowed=_consent(host_name, item.what, allow) or maintenance)
        for item in disruptions(host, plan)
    )


def held(
    inventory: Inventory, host_name: str, plan: Plan, allow: Sequence[str], now: datetime | None
) -> PreconditionError | None:
    """Why a plan may not be applied now; None when it may."""
    found = judged(inventory, host_name, plan, allow, now)
    missing = [item for item in found if not item.allowed]
    freeze = frozen(inventory, host_name, now)
    if freeze and not _may_thaw(host_name, allow):
        lift = Disruption(host_name, FREEZE, "to change it all the same")
        return _refusal(host_name, freeze, [lift, *missing], "Run it again after that, or add ")
    if missing:
        what = f"{count(len(missing), 'disruption')} of a protected host without consent"
        return _refusal(host_name, what, missing, _wait(inventory, host_name, now))
    return None


def lasts_s(
    inventory: Inventory, host_name: str, plan: Plan, allow: Sequence[str], now: datetime
) -> float:
    """For how many seconds a plan that may be applied now may still begin: until the next freeze,
    or until the maintenance ends that it needs."""
    host = inventory.hosts[host_name]
    ends = []
    if not _may_thaw(host_name, allow):
        ends += [windows.next_open(inventory.windows[name], now) for name in host.freeze]
    lent = (item.allowed for item in judged(inventory, host_name, plan, allow, now))
    names = {allowed.removeprefix("window ") for allowed in lent if allowed.startswith("window ")}
    ends += [windows.until(inventory.windows[name], now) for name in names]
    return min(((end - now).total_seconds() for end in ends if end), default=math.inf)


def _refusal(
    host: str, what: str, missing: Sequence[Disruption], otherwise: str
) -> PreconditionError:
    lines = [f"  {line}" for text in disruption_lines(missing) for line in text.split("\n")]
    return PreconditionError(
        f"{what}. Nothing was changed there.",
        host=host,
        detail="\n".join(lines),
        hint=f"{otherwise}the options for what may happen now.",
    )


def _wait(inventory: Inventory, host_name: str, now: datetime | None) -> str:
    """When disruptions would need no consent, as the beginning of a hint."""
    named = inventory.hosts[host_name].maintenance
    if now is None:
        return "Add "
    following = {name: windows.next_open(inventory.windows[name], now) for name in named}
    known = {name: moment for name, moment in following.items() if moment}
    if not known:
        return "Add "
    name = min(known, key=lambda name: known[name])
    when = windows.told(inventory.windows[name], known[name], now)
    return f"Wait for the window {name}, which opens {when}, or add "


def _applying(
    inventory: Inventory, names: Sequence[str], now: datetime | None
) -> dict[str, Window]:
    if now is None:
        return {}
    found = {name: inventory.windows[name] for name in names}
    return {name: window for name, window in found.items() if windows.applies(window, now)}


def _consent(host: str, what: str, allow: Sequence[str]) -> str:
    """The first consent that covers something on a host, or nothing."""
    for consent in allow:
        whose, _, pattern = consent.partition(":")
        if fnmatchcase(host, whose) and fnmatchcase(what, service_token(pattern)):
            return consent
    return ""


def _may_thaw(host: str, allow: Sequence[str]) -> bool:
    parts = (consent.partition(":") for consent in allow)
    return any(fnmatchcase(host, whose) and what == FREEZE for whose, _, what in parts)

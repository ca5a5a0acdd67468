"""What a plan disturbs on a protected host, and whether it may be applied now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from magnusctl.disruptions import disruptions
from magnusctl.errors import HostError, InputError, PreconditionError
from magnusctl.inventory.model import Host, Inventory
from magnusctl.plan import diff
from magnusctl.protection import check_consents, frozen, held, lasts_s, protect
from magnusctl.report import Planned
from magnusctl.resources import seal
from magnusctl.resources.block import Block
from magnusctl.resources.command import Command
from magnusctl.resources.file import File
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.state import Observed, Plan, Resource, Risk, State
from tests.inventory.helpers import loaded

INVENTORY = """\
windows:
  asx: {timezone: Australia/Sydney, from: "09:50", to: "16:15", note: ASX trading hours}
  late: {timezone: Australia/Sydney, from: "16:00", to: "18:30"}
  sunday: {timezone: Australia/Sydney, days: [sun], from: "02:00", to: "05:00"}
  always:
    timezone: UTC
    days: [mon, tue, wed, thu, fri, sat, sun]
    from: "00:00"
    to: "24:00"
hosts:
  linode: {os: debian-12, freeze: [asx], maintenance: [sunday], protected_services: [engine]}
  spare: {os: debian-12, freeze: [asx, late], protected: true}
  shut: {os: debian-12, freeze: [always]}
  plain: {os: debian-12}
"""
TRADING = datetime(2026, 3, 4, 1, tzinfo=UTC)  # Wednesday noon in Sydney
AFTER = datetime(2026, 3, 4, 6, tzinfo=UTC)  # 17:00
SUNDAY = datetime(2026, 3, 7, 16, tzinfo=UTC)  # Sunday, 03:00
UP = {"unit": "loaded", "enabled": "yes", "running": "yes"}
DOWN = {**UP, "running": "no"}
UNIT = "/etc/systemd/system/engine.service"


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return loaded(tmp_path, INVENTORY)


def planned(resources: Sequence[Resource], *before: State | None, host: str = "linode") -> Plan:
    """The plan for some resources, from what the host says of each."""
    sealed = seal(resources)
    seen = {r.id: Observed(state, "") for r, state in zip(sealed, before, strict=True)}
    return diff(host, sealed, seen)


def engine(**more: Any) -> Service:
    return Service(**{"unit": "engine", "restart_on": ("file:/etc/engine",), **more})


CONFIG = File(path="/etc/engine", content="new\n")
OLD = {**CONFIG.state(), "content": "old"}
ABSENT = {"ensure": "absent"}
RESTART = planned([CONFIG, engine()], OLD, {**UP, "started_with": "x"})
NVTOP = Package(package="nvtop")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (RESTART, {"engine": "restarts, because file:/etc/engine"}),
        (
            planned([CONFIG, engine(reload=True)], OLD, {**UP, "started_with": "x"}),
            {"engine": "reloads, because file:/etc/engine"},
        ),
        (
            planned([CONFIG, engine(unit="engine.service")], OLD, {**UP, "started_with": "x"}),
            {"engine": "restarts, because file:/etc/engine"},
        ),
        (planned([Service(unit="engine", running=False)], UP), {"engine": "stops"}),
        (planned([CONFIG, engine()], OLD, {**DOWN, "started_with": "x"}), {}),
        (planned([Service(unit="other")], DOWN), {}),
        (planned([Service(unit="engine")], {**UP, "enabled": "no"}), {}),
        (planned([Service(unit="engine", running=False)], DOWN), {}),
        (planned([engine(restart_on=())], None), {"engine": "may restart"}),
    ],
    ids=[
        *("restart", "reload", "full name", "stop", "start with new inputs", "start", "enable"),
        *("stopped already", "not known yet"),
    ],
)
def test_only_a_service_that_runs_is_disturbed(plan: Plan, said: dict[str, str]) -> None:
    assert {d.what: d.why for d in disruptions(protected(), plan)} == said


def protected(**more: Any) -> Host:
    return Host.model_validate({"os": "debian-12", "protected": True, **more})


@pytest.mark.parametrize(
    ("wanted", "before", "said"),
    [
        ({}, {"loaded": "yes", "enabled": "no"}, "restarts"),
        ({"running": False}, {"loaded": "yes", "enabled": "yes"}, "stops"),
        ({}, {"loaded": "no", "enabled": "yes"}, None),
    ],
    ids=["any change loads it anew", "unload", "load"],
)
def test_a_job_of_launchd_is_loaded_anew_whatever_differs(
    wanted: dict[str, Any], before: State, said: str | None
) -> None:
    job = Launchd(label="net.magnus.mlx", plist="/Library/LaunchDaemons/x.plist", **wanted)
    found = disruptions(protected(), planned([job], before))
    assert [(d.what, d.why) for d in found] == ([("net.magnus.mlx", said)] if said else [])


@pytest.mark.parametrize(
    ("resource", "before", "what"),
    [
        (NVTOP, ABSENT, "packages"),
        (Package(package="nvtop", ensure="absent"), {"ensure": "present"}, "packages"),
        (Command(label="flush", run="x", unless="y"), {"needed": "yes"}, "command"),
        (Command(label="flush", run="x", unless="y"), None, "command"),
        (replace(CONFIG, risk=Risk.CONNECTIVITY), ABSENT, "connectivity"),
        (replace(CONFIG, risk=Risk.REBOOT), OLD, "reboot"),
        (CONFIG, OLD, None),
        (CONFIG, ABSENT, None),
        (Sysctl(key="vm.swappiness", value="10"), {"value": "60"}, None),
    ],
    ids=[
        *("install", "remove", "command", "command not known yet", "connectivity", "reboot"),
        *("file", "new file", "sysctl"),
    ],
)
def test_what_else_disturbs(resource: Resource, before: State | None, what: str | None) -> None:
    plan = planned([resource], before)
    assert plan
    assert [d.what for d in disruptions(protected(), plan)] == ([what] if what else [])


def test_a_plan_for_a_host_that_is_not_protected_disturbs_nothing() -> None:
    assert disruptions(Host(os="debian-12"), RESTART) == ()


def test_what_goes_together_is_one_line_with_few_names() -> None:
    plan = planned([Package(package=f"p{n}") for n in range(5)], *[ABSENT] * 5)
    (found,) = disruptions(protected(), plan)
    assert found.why == "p0, p1, p2 and 2 more: package scripts may restart what runs"
    assert found.option == "--allow-disruption linode:packages"


@pytest.mark.parametrize(
    ("path", "before", "counts"),
    [
        (UNIT, OLD, True),
        # It may take the place of one that the vendor ships.
        (UNIT, ABSENT, True),
        ("/etc/systemd/system/engine@.service", ABSENT, False),
        *((f"{top}/systemd/system/engine.service", OLD, True) for top in ("/usr/lib", "/run")),
        ("/etc/systemd/system.control/engine.service.d/50-CPUWeight.conf", ABSENT, True),
        ("/etc/systemd/system/service.d/10-all.conf", ABSENT, True),
        ("/etc/systemd/system/engine.socket", OLD, True),
        ("/etc/systemd/system/engine-.service.d/10-all.conf", ABSENT, False),
        (f"{UNIT}.d/10-limits.conf", OLD, True),
        (f"{UNIT}.d/10-limits.conf", ABSENT, True),
        ("/etc/systemd/system/engine.service.old", OLD, False),
        ("/etc/systemd/system/other.service", OLD, False),
    ],
)
def test_the_unit_of_a_protected_service_counts_even_if_nothing_restarts_it(
    path: str, before: State, counts: bool
) -> None:
    plan = planned([File(path=path, content="[Unit]\n")], before)
    found = disruptions(protected(protected_services=("engine",)), plan)
    assert [(d.what, path in d.why) for d in found] == ([("engine", True)] if counts else [])
    if "/service.d/" not in path:
        assert disruptions(protected(protected_services=("third",)), plan) == ()


@pytest.mark.parametrize("name", ["engine@.service", "engine@asx.service", "engine@.service.d/x"])
def test_the_unit_of_an_instance_is_its_template(name: str) -> None:
    plan = planned([File(path=f"/etc/systemd/system/{name}", content="[Unit]\n")], OLD)
    (found,) = disruptions(protected(protected_services=("engine@asx",)), plan)
    assert found.what == "engine@asx"


def test_a_block_and_what_counts_for_all_of_a_prefix_count() -> None:
    service = protected(protected_services=("trade-engine",))
    block = Block(path="/etc/systemd/system/trade-engine.service", content="[Unit]\n")
    prefix = File(path="/etc/systemd/system/trade-.service.d/x.conf", content="[Unit]\n")
    for resource in (block, prefix):
        (found,) = disruptions(service, planned([resource], ABSENT))
        assert found.what == "trade-engine"


def test_a_protected_service_that_is_not_to_start_any_more_is_disturbed() -> None:
    plan = planned([Service(unit="engine", enabled=False, running=None)], UP)
    (found,) = disruptions(protected(protected_services=("engine",)), plan)
    assert (found.what, found.why) == ("engine", "is not started at the next boot any more")
    assert disruptions(protected(protected_services=("other",)), plan) == ()


def test_a_service_in_the_plan_speaks_for_its_unit() -> None:
    unit = File(path=UNIT, content="[Unit]\n")
    stopped = planned([unit, Service(unit="engine")], OLD, {**DOWN, "started_with": "x"})
    assert disruptions(protected(protected_services=("engine",)), stopped) == ()


@pytest.mark.parametrize(
    ("host", "now", "said"),
    [
        ("linode", TRADING, "frozen until 16:15 Australia/Sydney (ASX trading hours)"),
        ("linode", AFTER, None),
        ("linode", None, None),
        ("spare", AFTER, "frozen until 18:30 Australia/Sydney (late)"),
        ("spare", TRADING.replace(hour=5, minute=5), "frozen until 18:30 Australia/Sydney (late)"),
        ("shut", TRADING, "frozen (always)"),
        ("plain", TRADING, None),
    ],
    ids=["open", "closed", "no clock", "the other", "both", "for good", "no window"],
)
def test_a_freeze_says_until_when_and_why(
    inventory: Inventory, host: str, now: datetime | None, said: str | None
) -> None:
    assert frozen(inventory, host, now) == said


@pytest.mark.parametrize(
    ("host", "now", "allow", "seconds"),
    [
        ("linode", datetime(2026, 3, 3, 22, 45, tzinfo=UTC), [], 5 * 60),
        ("linode", datetime(2026, 3, 3, 22, 45, tzinfo=UTC), ["linode:freeze"], math.inf),
        # The engine may be disturbed while the window is open, and no longer.
        ("linode", SUNDAY, [], 2 * 3600),
        ("plain", AFTER, [], math.inf),
    ],
    ids=["a freeze begins", "lifted", "a maintenance ends", "no window"],
)
def test_a_permission_says_for_how_long_it_stands(
    inventory: Inventory, host: str, now: datetime, allow: list[str], seconds: float
) -> None:
    engine = Service(unit="engine", restart_on=("file:/etc/x",))
    plan = planned([File(path="/etc/x", content="[Unit]\n"), engine], OLD, UP, host=host)
    assert lasts_s(inventory, host, plan, allow, now) == seconds


@pytest.mark.parametrize(
    ("allow", "now", "refused"),
    [
        ([], AFTER, True),
        (["linode:engine"], AFTER, False),
        (["linode:engine.service"], AFTER, False),
        (["linode:*"], AFTER, False),
        (["lin*:eng*"], AFTER, False),
        (["spare:engine"], AFTER, True),
        (["linode:packages"], AFTER, True),
        (["linode:eng"], AFTER, True),
        (["linode:ENGINE"], AFTER, True),
        ([], SUNDAY, False),
        ([], None, True),
        (["linode:engine"], None, False),
        (["linode:engine"], TRADING, True),
        (["linode:*"], TRADING, True),
        (["linode:freeze"], TRADING, True),
        (["linode:freeze", "linode:engine"], TRADING, False),
        (["*:freeze", "*:*"], TRADING, False),
    ],
)
def test_a_protected_service_restarts_by_consent_or_in_maintenance_only(
    inventory: Inventory, allow: list[str], now: datetime | None, refused: bool
) -> None:
    error = held(inventory, "linode", RESTART, allow, now)
    assert isinstance(error, PreconditionError) is refused


def test_a_freeze_holds_back_what_disturbs_nothing(inventory: Inventory) -> None:
    plan = planned([CONFIG], OLD)
    assert held(inventory, "linode", plan, [], AFTER) is None
    assert held(inventory, "linode", plan, [], TRADING)
    assert held(inventory, "shut", plan, [], AFTER)
    assert held(inventory, "shut", plan, ["shut:freeze"], AFTER) is None
    assert held(inventory, "plain", plan, [], TRADING) is None


def test_a_refusal_says_what_to_type_for_each(inventory: Inventory) -> None:
    plan = planned([NVTOP, CONFIG, engine()], ABSENT, OLD, {**UP, "started_with": "x"})
    error = held(inventory, "linode", plan, [], AFTER)
    assert str(error) == (
        "linode: 2 disruptions of a protected host without consent. Nothing was changed there.\n"
        "  packages  nvtop: package scripts may restart what runs"
        "   --allow-disruption linode:packages\n"
        "  engine    restarts, because file:/etc/engine   --allow-disruption linode:engine\n"
        "Wait for the window sunday, which opens Sun 02:00 Australia/Sydney, "
        "or add the options for what may happen now."
    )
    one = held(inventory, "linode", plan, ["linode:packages"], AFTER)
    assert one
    assert "linode:packages" not in str(one)
    assert one.message.startswith("1 disruption of")


def test_a_refusal_by_a_freeze_says_until_when_and_what_lifts_it(inventory: Inventory) -> None:
    error = held(inventory, "linode", RESTART, [], TRADING)
    assert str(error) == (
        "linode: frozen until 16:15 Australia/Sydney (ASX trading hours). "
        "Nothing was changed there.\n"
        "  freeze  to change it all the same   --allow-disruption linode:freeze\n"
        "  engine  restarts, because file:/etc/engine   --allow-disruption linode:engine\n"
        "Run it again after that, or add the options for what may happen now."
    )


def test_a_host_without_maintenance_is_told_of_the_options_only(inventory: Inventory) -> None:
    plan = planned([NVTOP], ABSENT, host="spare")
    for now in (AFTER.replace(hour=10), None):
        error = held(inventory, "spare", plan, [], now)
        assert error
        assert error.hint == "Add the options for what may happen now."


def test_protecting_fills_in_plans_with_changes_and_leaves_the_others(
    inventory: Inventory,
) -> None:
    down = Planned("plain", error=HostError("off"))
    same = Planned("spare", plan=Plan("spare"))
    items = [Planned("linode", plan=RESTART), same, down]
    changed, *others = protect(inventory, items, ["linode:engine"], AFTER)
    assert others == [same, down]
    (found,) = changed.disruptions
    assert (found.what, found.allowed, changed.held) == ("engine", "linode:engine", None)
    (waiting, *_) = protect(inventory, items, ["linode:engine"], TRADING)
    assert waiting.held
    assert waiting.frozen == "frozen until 16:15 Australia/Sydney (ASX trading hours)"
    (opened, *_) = protect(inventory, items, [], SUNDAY)
    assert [d.allowed for d in opened.disruptions] == ["window sunday"]


@pytest.mark.parametrize("consent", ["linode:engine", "*:*", "lin*:packages", "plain:a:b"])
def test_a_consent_names_a_host_and_what(inventory: Inventory, consent: str) -> None:
    check_consents(inventory, [consent])


@pytest.mark.parametrize(
    ("consent", "said"),
    [
        ("linode", "a consent names a host and what"),
        ("linode:", "a consent names a host and what"),
        (":engine", "a consent names a host and what"),
        ("", "a consent names a host and what"),
        ("linod:engine", "there is no host 'linod'\ndid you mean 'linode'?"),
        ("x*:engine", "there is no host 'x*'\nHosts: linode, spare, shut, plain"),
        ("LINODE:engine", "there is no host 'LINODE'"),
    ],
)
def test_a_consent_that_allows_nothing_is_refused(
    inventory: Inventory, consent: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_consents(inventory, ["linode:engine", consent])
    assert str(caught.value).startswith(f"--allow-disruption {consent}: {said}")

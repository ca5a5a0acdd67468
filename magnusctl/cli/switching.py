"""What commands about models share: plan, show, ask once, do."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from magnusctl.cli.options import report, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from magnusctl.deploying.prepare import Prepared
    from magnusctl.errand import Errand
    from magnusctl.fleet import Fleet
    from magnusctl.releases.record import Record
    from magnusctl.releases.standing import Model
    from magnusctl.report import Outcome, Planned, Report
    from magnusctl.state import Resource


@dataclass(frozen=True)
class Wish:
    """How somebody wants something done: why, with which consents, and how it is told."""

    drawn: Report
    errand: Errand
    allow: tuple[str, ...] = ()
    yes: bool = False
    json: bool = False
    dry_run: bool = False


def wish(
    verb: str,
    *,
    wait_lock: str = "",
    keeps: bool = True,
    allow: Sequence[str] | None = None,
    yes: bool = False,
    json: bool = False,
    dry_run: bool = False,
) -> Wish:
    """From the words of a command; without `keeps` what hosts wrote themselves is gone for good."""
    from magnusctl.errand import Errand

    errand = Errand(verb, seconds(wait_lock, "--wait-lock"), keeps=keeps)
    return Wish(report(json), errand, tuple(allow or ()), yes, json, dry_run)


def switched(
    fleet: Fleet,
    inventory: Path,
    model: str,
    on: str | None,
    choose: Callable[[Model], Record],
    wish: Wish,
) -> int:
    """Let one of the releases serve that are on the host, and tell what came of it."""
    from magnusctl.deploying import manage, outcome, shown
    from magnusctl.deploying.ask import standings

    found = standings(fleet, inventory, on)
    host, one = manage.find(found, model, on)
    record, machine = choose(one), fleet.machine(host)
    wanted = manage.switched(record, one, found[host])
    own = replace(wish, errand=outcome.explaining(wish.errand, machine, record))
    code = applied(fleet, inventory, host, [wanted], own)
    if code == 0 and not wish.dry_run:
        shown.show_serving(machine, record, outcome.measured(machine, record), json=wish.json)
    return code


def applied(
    fleet: Fleet, inventory: Path, host: str, wanted: Sequence[Resource], wish: Wish
) -> int:
    """Plan, show, ask once, and do it."""
    from magnusctl.cli.apply import apply, errors_of
    from magnusctl.deploying import manage
    from magnusctl.fleet import plan_all
    from magnusctl.report import exit_code

    own = manage.only(fleet, inventory, host, wanted)
    planned = plan_all(own, texts=False, allow=wish.allow, now=datetime.now(UTC))
    wish.drawn.plans(planned, diff=False)
    outcomes = []
    if not wish.dry_run and any(item.has_work for item in planned):
        outcomes = apply(
            own,
            planned,
            wish.drawn,
            wish.errand,
            allow=wish.allow,
            yes=wish.yes,
            json=wish.json,
        )
    return int(exit_code(errors_of(planned, outcomes)))


@contextmanager
def lending(
    fleet: Fleet,
    inventory: Path,
    prepared: Prepared,
    planned: Planned,
    drawn: Report,
    *,
    yes: bool,
    json: bool,
) -> Iterator[bool]:
    """Have a peer lend its files while the block runs; whether a person agreed already."""
    from magnusctl.cli.ask import consent
    from magnusctl.deploying import manage
    from magnusctl.deploying.lending import lent
    from magnusctl.errand import Errand
    from magnusctl.errors import Interrupted
    from magnusctl.fleet import apply_all, plan_all

    lender = prepared.lender
    if lender is None or not planned.plan:
        yield False
        return
    consent([planned], verb="deploy-model", yes=yes, json=json)
    macos = fleet.inventory.hosts[lender.host].macos

    def told(over: bool) -> list[Outcome]:
        wanted = [*lent(lender, macos=macos, over=over)]
        own = manage.only(fleet, inventory, lender.host, wanted)
        plans = plan_all(own, texts=False, now=datetime.now(UTC))
        return apply_all(own, plans, drawn, Errand("lend a model", keeps=False))

    drawn.note(lender.host, f"lends the files of {lender.record.model} over {lender.link}")
    for outcome in told(False):
        if outcome.error:
            raise outcome.error
    try:
        yield True
    except Interrupted:
        # The job goes on without us, and so must what it fetches from.
        drawn.note(lender.host, "goes on lending; deploy once more, and it ends")
        raise
    for outcome in told(True):
        if outcome.error:
            drawn.note(lender.host, f"still lends: {outcome.error.message}")

"""magnusctl rollback, magnusctl deprovision"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from magnusctl.cli.apply import apply, errors_of, sudo_password
from magnusctl.cli.options import (
    AllowOption,
    AskSudoOption,
    HostArgument,
    InventoryOption,
    JsonOption,
    OverlayOption,
    WaitLockOption,
    YesOption,
    inventory_paths,
    one_host,
    report,
    seconds,
)
from magnusctl.cli.switching import switched, wish

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from magnusctl.errand import Errand
    from magnusctl.fleet import Fleet
    from magnusctl.report import Outcome, Planned, Report
    from magnusctl.rollback import Way

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")]


def rollback(
    host: Annotated[str, typer.Argument(help="A host; with --model, a release of it, as r3.")] = "",
    job: Annotated[str, typer.Argument(help="The job; else the last that changed something.")] = "",
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME", help="Let an earlier release of this model serve again."
        ),
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="HOST", help="With --model: on this host.")
    ] = None,
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    allow_disruption: AllowOption = None,
    wait_lock: WaitLockOption = "",
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Restore what a job changed: bytes, owners, modes, values. The plan is shown first."""
    from magnusctl import rollback as back
    from magnusctl.deploying.manage import numbered
    from magnusctl.errand import Errand
    from magnusctl.errors import InputError
    from magnusctl.fleet import open_fleet

    if model is not None:
        paths = inventory_paths(inventory, overlay)
        fleet = open_fleet(paths, password=sudo_password(ask_sudo))
        done = wish(
            "rollback",
            wait_lock=wait_lock,
            allow=allow_disruption,
            yes=yes,
            json=json,
            dry_run=dry_run,
        )
        release = host or None
        code = switched(fleet, paths[0], model, on, lambda one: numbered(one, release), done)
        raise typer.Exit(code)
    if not host:
        hint = "As in:  magnusctl rollback HOST        or  magnusctl rollback --model NAME"
        raise InputError("of which host?", hint=hint)
    errand = Errand(back.VERB, seconds(wait_lock, "--wait-lock"))
    fleet = _fleet(inventory_paths(inventory, overlay), host, ask_sudo=ask_sudo)
    name, way = back.of_job(fleet.machines[0], job)
    drawn = report(json)
    drawn.note(host, f"back to before job {name}")
    planned, outcomes = _walk(fleet, way, drawn, errand, allow_disruption, dry_run, yes, json)
    raise typer.Exit(_code(planned, outcomes))


def deprovision(
    host: HostArgument,
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    allow_disruption: AllowOption = None,
    wait_lock: WaitLockOption = "",
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Restore every setting that was ever changed on a host, and prove it."""
    from magnusctl import converge
    from magnusctl import rollback as back
    from magnusctl.errand import Errand

    errand = Errand("deprovision", seconds(wait_lock, "--wait-lock"), keeps=False)
    fleet = _fleet(inventory_paths(inventory, overlay), host, ask_sudo=ask_sudo)
    way = back.of_everything(fleet.machines[0])
    drawn = report(json)
    planned, outcomes = _walk(fleet, way, drawn, errand, allow_disruption, dry_run, yes, json)
    code = _code(planned, outcomes)
    if not dry_run and not code:
        restored = back.require_restored(way, converge.observe(way.machine))
        back.forget(way)
        drawn.note(
            host, f"{restored} settings are as before the first run, {len(way.lasting)} stay"
        )
    raise typer.Exit(code)


def _fleet(paths: list[Path], host: str, *, ask_sudo: bool) -> Fleet:
    from magnusctl.fleet import open_fleet

    return open_fleet(paths, limit=one_host(host), password=sudo_password(ask_sudo))


def _walk(
    fleet: Fleet,
    way: Way,
    drawn: Report,
    errand: Errand,
    allow: list[str] | None,
    dry_run: bool,
    yes: bool,
    json: bool,
) -> tuple[Sequence[Planned], Sequence[Outcome]]:
    """Show a way back, ask, and take it."""
    from dataclasses import replace

    from magnusctl.protection import check_consents, protect

    check_consents(fleet.inventory, allow or ())
    planned = protect(fleet.inventory, [way.planned], allow or (), datetime.now(UTC))
    drawn.plans(planned, diff=False)
    for name, why in way.lasting:
        drawn.note(way.machine.name, f"stays: {name} ({why})")
    if dry_run or not any(item.plan for item in planned):
        return planned, []
    back = replace(fleet, machines=(way.machine,))
    outcomes = apply(back, planned, drawn, errand, allow=allow or (), yes=yes, json=json)
    return planned, outcomes


def _code(planned: Sequence[Planned], outcomes: Sequence[Outcome]) -> int:
    from magnusctl.report import exit_code

    return int(exit_code(errors_of(planned, outcomes)))

"""magnusctl deploy-model"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magnusctl.cli.options import (
    AllowOption,
    AskSudoOption,
    AtOnceOption,
    CacheTypeOption,
    ContextOption,
    DiffOption,
    EngineOption,
    InventoryOption,
    JsonOption,
    ObservedOption,
    OverlayOption,
    QuantOption,
    WaitLockOption,
    YesOption,
    inventory_paths,
    report,
    seconds,
)

if TYPE_CHECKING:
    from magnusctl.deploying.deploy import Order, Placed
    from magnusctl.deploying.prepare import Prepared
    from magnusctl.errand import Errand
    from magnusctl.fleet import Fleet
    from magnusctl.report import Planned, Report


def deploy_model(
    model: Annotated[
        str,
        typer.Argument(
            help="A model of the inventory or of the catalogue, or the path of its files.",
            show_default=False,
        ),
    ],
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="HOST", help="To this host; else every host is a candidate."),
    ] = None,
    engine: EngineOption = None,
    quant: QuantOption = None,
    context: ContextOption = None,
    parallel: AtOnceOption = None,
    kv_dtype: CacheTypeOption = "",
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Push the files from this machine."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="N", min=1024, max=65535, help="The port that clients know."
        ),
    ] = None,
    argument: Annotated[
        list[str] | None,
        typer.Option(
            "--engine-arg", metavar="WORD", help="One more word for the engine; may be repeated."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also where the plan says that it does not fit.")
    ] = False,
    no_peer: Annotated[
        bool, typer.Option("--no-peer", help="Fetch from the hub, also where a peer has the files.")
    ] = False,
    instead: Annotated[
        bool,
        typer.Option("--instead", help="Stop the old release first, also where both would fit."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it would do and stop.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Bring a switch that was cut to its end.")
    ] = False,
    diff: DiffOption = False,
    yes: YesOption = False,
    allow_disruption: AllowOption = None,
    wait_lock: WaitLockOption = "",
    ask_sudo: AskSudoOption = False,
    observed: ObservedOption = None,
    json: JsonOption = False,
) -> None:
    """Bring a model to a host: judged, fetched, proved, and switched to only once it has spoken.

    Ends with 0 when it serves, with 9 when it does not fit.
    """
    from magnusctl.catalogue import ENGINES
    from magnusctl.cli.apply import sudo_password
    from magnusctl.cli.switching import Wish, switched
    from magnusctl.deploying import manage
    from magnusctl.deploying.deploy import Order
    from magnusctl.errand import Errand
    from magnusctl.errors import InputError
    from magnusctl.fitting import Question
    from magnusctl.fleet import open_fleet

    if observed and not dry_run:
        raise InputError("--observed plans from recorded answers, so it goes with --dry-run")
    if engine is not None and engine not in ENGINES:
        hint = f"Engines: {', '.join(ENGINES)}"
        raise InputError(f"there is no engine '{engine}'", where="--engine", hint=hint)
    paths = inventory_paths(inventory, overlay)
    question = Question(model, on, False, engine, quant, context, parallel, kv_dtype)
    order = Order(question, source, port, tuple(argument or ()), force, instead, not no_peer)
    fleet = open_fleet(paths, observed=observed, password=sudo_password(ask_sudo))
    drawn, errand = report(json), Errand("deploy-model", seconds(wait_lock, "--wait-lock"))
    allow = allow_disruption or []
    if resume:
        if observed:
            raise InputError("a cut switch is brought to its end on its host", where="--resume")
        done = Wish(drawn, errand, tuple(allow), yes, json, dry_run)
        raise typer.Exit(switched(fleet, paths[0], model, on, manage.begun, done))
    placed, prepared, planned = _planned(
        fleet, paths[0], order, observed, drawn, allow, json, diff=diff
    )
    then = "" if observed else "Do it with the same command, without --dry-run"
    drawn.plans([planned], diff=diff, then=then if dry_run else "")
    refusal = planned.error or (None if dry_run else planned.held)
    if refusal or dry_run or not planned.plan:
        failed = refusal.exit_code if refusal else 0
        raise typer.Exit(failed or (0 if placed.chosen.verdict or force else 9))
    code = _carried_out(fleet, paths[0], prepared, planned, drawn, errand, allow, yes, json)
    raise typer.Exit(code)


def _planned(
    fleet: Fleet,
    inventory: Path,
    order: Order,
    observed: Path | None,
    drawn: Report,
    allow: list[str],
    json: bool,
    *,
    diff: bool,
) -> tuple[Placed, Prepared, Planned]:
    """Judge, choose and plan; the judgement is shown whatever comes after."""
    from magnusctl.deploying import deploy, recorded, shown
    from magnusctl.deploying.ask import standings
    from magnusctl.fleet import plan_all

    host = deploy.host_of(fleet, order)
    asked = standings(fleet, inventory, host, observed, drawn.note)
    placed = deploy.place(fleet, order, asked, host)
    shown.show_placement(placed, json=json)
    deploy.require_fit(placed, order)
    prepared = deploy.made(
        fleet,
        inventory,
        placed,
        order,
        asked[placed.chosen.host],
        drawn.note,
        live=observed is None,
    )
    shown.show_release(prepared, json=json)
    own = deploy.only(fleet, prepared)
    if observed:
        return placed, prepared, recorded.planned(observed, prepared.machine)
    planned = plan_all(own, texts=diff, allow=allow, now=datetime.now(UTC))
    return placed, prepared, planned[0]


def _carried_out(
    fleet: Fleet,
    inventory: Path,
    prepared: Prepared,
    planned: Planned,
    drawn: Report,
    errand: Errand,
    allow: list[str],
    yes: bool,
    json: bool,
) -> int:
    """Push what is to be pushed, run the job, and tell what came of it."""
    from magnusctl.cli.apply import apply, errors_of
    from magnusctl.cli.ask import consent
    from magnusctl.cli.switching import lending
    from magnusctl.deploying import deploy, outcome, shown
    from magnusctl.fleet import plan_all
    from magnusctl.pushing import push
    from magnusctl.report import exit_code

    started = time.monotonic()
    own = deploy.only(fleet, prepared)
    machine, record = prepared.machine, prepared.chosen.record
    folder, artifact = prepared.files.folder, prepared.artifact
    if folder is not None and artifact is not None and not prepared.present and planned.plan:
        consent([planned], verb=errand.verb, yes=yes, json=json)
        yes = True
        push(machine, artifact, folder, drawn.note)
        # The folder of all models may be there only since then.
        planned = plan_all(own, texts=False, allow=allow, now=datetime.now(UTC))[0]
    errand = outcome.explaining(errand, machine, record)
    with lending(fleet, inventory, prepared, planned, drawn, yes=yes, json=json) as agreed:
        outcomes = apply(own, [planned], drawn, errand, allow=allow, yes=yes or agreed, json=json)
    errors = errors_of([planned], outcomes)
    if not errors:
        shown.show_done(
            prepared, outcome.measured(machine, record), time.monotonic() - started, json
        )
    return int(exit_code(errors))

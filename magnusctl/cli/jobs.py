"""magnusctl jobs, attach, cancel, history, gc"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from magnusctl.cli.apply import sudo_password
from magnusctl.cli.options import (
    AskSudoOption,
    HostArgument,
    InventoryOption,
    JsonOption,
    LimitOption,
    OverlayOption,
    ParallelOption,
    inventory_paths,
    one_host,
    report,
)

if TYPE_CHECKING:
    from pathlib import Path

    from magnusctl.converge import Machine

JobArgument = Annotated[str, typer.Argument(help="A job of that host; `jobs` lists them.")]


def jobs(
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    limit: LimitOption = "*",
    parallel: ParallelOption = 16,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """List the jobs that hosts run and remember."""
    from magnusctl import attending
    from magnusctl.errors import MagnusError
    from magnusctl.fleet import open_fleet
    from magnusctl.report import exit_code

    paths, password = inventory_paths(inventory, overlay), sudo_password(ask_sudo)
    fleet = open_fleet(paths, limit=limit, workers=parallel, password=password)
    found = attending.jobs(fleet)
    drawn = report(json)
    errors = []
    for host, listed in found.items():
        if isinstance(listed, MagnusError):
            listed.host = listed.host or host
            errors.append(listed)
        else:
            drawn.jobs(host, listed)
    drawn.errors(errors)
    raise typer.Exit(exit_code(errors))


def attach(
    host: HostArgument,
    job: JobArgument = "",
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Follow a job from its first line to its end, whoever started it."""
    from magnusctl import attending
    from magnusctl.errors import Interrupted

    machine = _machine(inventory_paths(inventory, overlay), host, ask_sudo=ask_sudo)
    name = attending.named(machine, job, running=False)
    drawn = report(json)
    try:
        attending.attach(machine, name, drawn)
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; job {name} goes on there if it has not ended",
            host=host,
            hint=f"Come back to it with:  magnusctl attach {host} {name}",
        ) from None
    finally:
        drawn.close()
    drawn.note(host, f"job {name} ended well")


def cancel(
    host: HostArgument,
    job: JobArgument = "",
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Let a job end after its current step. What it did stays; `rollback` takes it back."""
    from magnusctl import attending

    machine = _machine(inventory_paths(inventory, overlay), host, ask_sudo=ask_sudo)
    report(json).said("cancel", host, attending.cancel(machine, job))


def history(
    host: Annotated[
        str, typer.Argument(help="Ask this host; else tell what was done from here.")
    ] = "",
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="The releases of a model.")
    ] = None,
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Show who did what, when, from which plan, and with which result."""
    from magnusctl import attending, audit
    from magnusctl.cli.models import show
    from magnusctl.errors import PreconditionError

    if model is not None:
        show(model, inventory, overlay, host or None, ask_sudo, json)
        return
    lines: list[dict[str, Any]] = list(audit.read())
    if not host and audit.trouble():
        raise PreconditionError(audit.trouble(), hint="Ask a host itself:  magnusctl history HOST")
    if host:
        paths = inventory_paths(inventory, overlay)
        lines = attending.history(_machine(paths, host, ask_sudo=ask_sudo))
    report(json).history(lines)


def gc(
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    limit: LimitOption = "*",
    keep: Annotated[
        int, typer.Option("--keep", min=1, help="How many jobs of each host stay.")
    ] = 20,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and stop.")
    ] = False,
    parallel: ParallelOption = 16,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Remove what hosts keep of old jobs. What `deprovision` needs always stays."""
    from magnusctl import attending
    from magnusctl.errors import MagnusError
    from magnusctl.fleet import open_fleet
    from magnusctl.report import exit_code

    paths, password = inventory_paths(inventory, overlay), sudo_password(ask_sudo)
    fleet = open_fleet(paths, limit=limit, workers=parallel, password=password)
    drawn = report(json)
    errors = []
    for host, found in attending.collect(fleet, keep, really=not dry_run).items():
        if isinstance(found, MagnusError):
            found.host = found.host or host
            errors.append(found)
        else:
            drawn.garbage(host, found, gone=not dry_run)
    drawn.errors(errors)
    raise typer.Exit(exit_code(errors))


def _machine(paths: list[Path], host: str, *, ask_sudo: bool) -> Machine:
    from magnusctl.fleet import open_fleet

    password = sudo_password(ask_sudo)
    return open_fleet(paths, limit=one_host(host), password=password).machines[0]

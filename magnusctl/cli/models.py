"""magnusctl models, and magnusctl logs"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magnusctl.cli.apply import sudo_password
from magnusctl.cli.options import (
    AllowOption,
    AskSudoOption,
    InventoryOption,
    JsonOption,
    OverlayOption,
    WaitLockOption,
    YesOption,
    inventory_paths,
    report,
)
from magnusctl.cli.switching import applied, switched, wish

if TYPE_CHECKING:
    from magnusctl.deploying.manage import Standings
    from magnusctl.fleet import Fleet

app = typer.Typer(help="What hosts serve, in numbered releases.", no_args_is_help=True)

ModelArgument = Annotated[str, typer.Argument(help="A model that was deployed.")]
OnOption = Annotated[str | None, typer.Option("--on", metavar="HOST", help="On this host.")]


def _opened(
    inventory: Path | None, overlay: list[Path] | None, on: str | None, ask_sudo: bool
) -> tuple[Fleet, Path, Standings]:
    from magnusctl.deploying.ask import standings
    from magnusctl.fleet import open_fleet

    paths = inventory_paths(inventory, overlay)
    fleet = open_fleet(paths, password=sudo_password(ask_sudo))
    return fleet, paths[0], standings(fleet, paths[0], on, told=report(False).note)


@app.command("list")
def list_models(
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: OnOption = None,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Every model, the release that serves it, and how fast that was."""
    from magnusctl.deploying.listed import show_list

    fleet, _, found = _opened(inventory, overlay, on, ask_sudo)
    show_list(found, fleet.simulated, json=json)


@app.command()
def show(
    model: ModelArgument,
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: OnOption = None,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """The releases of a model."""
    from magnusctl.deploying import listed, manage

    fleet, _, found = _opened(inventory, overlay, on, ask_sudo)
    host, one = manage.find(found, model, on)
    listed.show_history(host, one, simulated=fleet.machine(host).simulated, json=json)


@app.command()
def diff(
    model: ModelArgument,
    before: Annotated[str, typer.Argument(help="A release, as r1.")],
    after: Annotated[str, typer.Argument(help="Another, as r2.")],
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: OnOption = None,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """What differs between two releases of a model."""
    from magnusctl.deploying import listed, manage

    _, _, found = _opened(inventory, overlay, on, ask_sudo)
    host, one = manage.find(found, model, on)
    two = [manage.numbered(one, name) for name in (before, after)]
    listed.show_diff(host, *two, json=json)


@app.command()
def switch(
    model: ModelArgument,
    release: Annotated[str, typer.Argument(help="A release that is on its host, as r2.")],
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: OnOption = None,
    yes: YesOption = False,
    allow_disruption: AllowOption = None,
    wait_lock: WaitLockOption = "",
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Let another release serve; nothing is fetched."""
    from magnusctl.deploying.manage import numbered
    from magnusctl.fleet import open_fleet

    paths = inventory_paths(inventory, overlay)
    fleet = open_fleet(paths, password=sudo_password(ask_sudo))
    done = wish("models switch", wait_lock=wait_lock, allow=allow_disruption, yes=yes, json=json)
    code = switched(fleet, paths[0], model, on, lambda one: numbered(one, release), done)
    raise typer.Exit(code)


@app.command()
def stop(
    model: ModelArgument,
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: OnOption = None,
    yes: YesOption = False,
    allow_disruption: AllowOption = None,
    wait_lock: WaitLockOption = "",
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Let no release of a model run, also after a boot; its files stay."""
    from magnusctl.deploying import manage
    from magnusctl.resources.release import Release

    fleet, path, found = _opened(inventory, overlay, on, ask_sudo)
    host, one = manage.find(found, model, on)
    wanted = Release(model=one.name, number=0, role="deploy")
    done = wish("models stop", wait_lock=wait_lock, allow=allow_disruption, yes=yes, json=json)
    raise typer.Exit(applied(fleet, path, host, [wanted], done))


@app.command()
def start(
    model: ModelArgument,
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: OnOption = None,
    yes: YesOption = False,
    allow_disruption: AllowOption = None,
    wait_lock: WaitLockOption = "",
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Let the release serve that served last."""
    from magnusctl.deploying.manage import last
    from magnusctl.fleet import open_fleet

    paths = inventory_paths(inventory, overlay)
    fleet = open_fleet(paths, password=sudo_password(ask_sudo))
    done = wish("models start", wait_lock=wait_lock, allow=allow_disruption, yes=yes, json=json)
    raise typer.Exit(switched(fleet, paths[0], model, on, last, done))


@app.command()
def rm(
    model: ModelArgument,
    release: Annotated[str, typer.Argument(help="A release that does not serve, as r1.")],
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: OnOption = None,
    yes: YesOption = False,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Forget a release; `models gc` takes its files where no other release has them."""
    from magnusctl.deploying import manage

    fleet, path, found = _opened(inventory, overlay, on, ask_sudo)
    host, one = manage.find(found, model, on)
    wanted = manage.removed(one, manage.numbered(one, release))
    done = wish("models rm", keeps=False, yes=yes, json=json)
    raise typer.Exit(applied(fleet, path, host, wanted, done))


@app.command()
def gc(
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: OnOption = None,
    keep: Annotated[
        int, typer.Option("--keep", min=0, metavar="N", help="Old releases of each model.")
    ] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go.")] = False,
    yes: YesOption = False,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Take away old releases, and files of models that no release has."""
    from magnusctl.deploying import listed
    from magnusctl.releases.garbage import garbage

    fleet, path, found = _opened(inventory, overlay, on, ask_sudo)
    spare = garbage(found, keep)
    listed.show_garbage(spare, json=json, gone=False)
    codes = [0]
    for host in dict.fromkeys(one.host for one in spare) if not dry_run else ():
        wanted = [resource for one in spare if one.host == host for resource in one.resources]
        done = wish("models gc", keeps=False, yes=yes, json=json)
        codes.append(applied(fleet, path, host, wanted, done))
    raise typer.Exit(max(codes))


def logs(
    model: ModelArgument,
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: OnOption = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as it comes.")] = False,
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=1, max=10000, metavar="N", help="The last ones.")
    ] = 50,
    ask_sudo: AskSudoOption = False,
) -> None:
    """What the release that serves a model logs."""
    from magnusctl.deploying import manage
    from magnusctl.deploying.logs import logged
    from magnusctl.errors import InputError
    from magnusctl.quote import visible

    fleet, _, found = _opened(inventory, overlay, on, ask_sudo)
    host, one = manage.find(found, model, on)
    newest = one.releases[max(one.releases)] if one.releases else None
    record = one.current or newest
    if record is None:
        raise InputError(f"{model} has no release", where=host)
    for line in logged(fleet.machine(host), record, lines, follow=follow):
        typer.echo(visible(line))

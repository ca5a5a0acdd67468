"""magnusctl bundle"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    seconds,
)

if TYPE_CHECKING:
    from magnusctl.bundles.manifest import Manifest

app = typer.Typer(
    help="A model with its engine in one file, for hosts without a network.", no_args_is_help=True
)


@app.command()
def create(
    model: Annotated[
        str,
        typer.Argument(
            help="A model of the inventory or of the catalogue, or the path of its files.",
            show_default=False,
        ),
    ],
    on: Annotated[str, typer.Option("--on", metavar="HOST", help="The host that it is for.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.tar", help="The file to write.")
    ],
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Take the model's files from this folder."),
    ] = None,
    without_weights: Annotated[
        bool, typer.Option("--without-weights", help="Only the engine, and what pins the model.")
    ] = False,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="NAME", help="Else the host's own.")
    ] = None,
    quant: Annotated[
        str | None, typer.Option("--quant", metavar="NAME", help="In this form, as 'Q4_K_M'.")
    ] = None,
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    json: JsonOption = False,
) -> None:
    """Put a model and the engine of its host into one tar, with a digest of everything.

    For a machine with a network: what is missing is fetched. Run again, it goes on where it was
    cut.
    """
    from magnusctl.bundles.create import create as made
    from magnusctl.deploying.deploy import Order
    from magnusctl.fitting import Question
    from magnusctl.fleet import open_fleet

    paths = inventory_paths(inventory, overlay)
    order = Order(Question(model, on, engine=engine, quant=quant), source)
    drawn = report(json)
    found = made(
        open_fleet(paths),
        paths[0],
        order,
        output,
        lambda text: drawn.note(on, text),
        weights=not without_weights,
    )
    for note in found.notes:
        drawn.note(on, note)
    said = {"path": str(found.path), "cache": str(found.cache)}
    _show("bundle-created", found.manifest, found.digest, said, json=json)
    if not json:
        typer.echo(f"What was fetched is kept for the next time in {found.cache}")


@app.command()
def apply(
    bundle: Annotated[
        Path, typer.Argument(metavar="FILE.tar", help="A bundle.", show_default=False)
    ],
    inventory: InventoryOption = None,
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="Where it is unpacked to.")
    ] = Path("bundle"),
    python: Annotated[
        str,
        typer.Option(
            "--python",
            metavar="PATH",
            help="An interpreter on the host, as '/usr/bin/python3.12': else uv downloads one.",
            show_default=False,
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Prove every byte of a bundle, unpack it, and pin its model in magnus.lock."""
    from magnusctl.bundles.apply import apply as applied
    from magnusctl.bundles.apply import commands, needs_python
    from magnusctl.errors import InputError

    if python and not python.startswith("/"):
        raise InputError("this is no absolute path on the host", where="--python")
    paths = inventory_paths(inventory, None)
    found = applied(bundle, paths[0], to, python)
    options = ["-i", str(inventory)] if inventory else []
    said = {
        "path": str(found.folder),
        "overlay": str(found.overlay),
        "unpacked": found.unpacked,
        "pinned": found.pinned,
        "next": commands(found, options),
    }
    _show("bundle-applied", found.manifest, found.digest, said, json=json)
    if not json:
        _tell_next(
            found.manifest, commands(found, options), python=needs_python(found.manifest, python)
        )


def _tell_next(manifest: Manifest, lines: list[str], *, python: bool) -> None:
    from magnusctl.quote import visible

    if python:
        typer.echo(
            f"{manifest.host} would download Python {manifest.python}: name one that is there "
            "with --python PATH, and run this again."
        )
    if manifest.engine == "ollama":
        typer.echo("Ollama keeps its models itself: there, ollama create takes the file.")
    typer.echo("Next:")
    for line in lines:
        typer.echo(visible(f"  {line}"))


def _show(
    kind: str,
    manifest: Manifest,
    digest: str,
    said: dict[str, object] | dict[str, str],
    *,
    json: bool,
) -> None:
    """A bundle in a few lines."""
    from magnusctl.quote import visible

    if json:
        from magnusctl.report.jsonl import emit

        values = manifest.model_dump(mode="json", exclude={"version", "members"})
        members = len(manifest.members)
        emit(kind, bytes=manifest.size, members=members, sha256=digest, manifest=values, **said)
        return
    where = said["path"]
    size = manifest.size / 1024**3
    typer.echo(
        visible(
            f"{where}: {manifest.model} with {manifest.engine} ({manifest.engine_version}) for "
            f"{manifest.host}, {len(manifest.members)} files, {size:.2f} GiB"
        )
    )
    typer.echo(f"manifest sha256:{digest}")


@app.command()
def push(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where a bundle was unpacked to.")
    ] = Path("bundle"),
    inventory: InventoryOption = None,
    yes: YesOption = False,
    allow_disruption: AllowOption = None,
    wait_lock: WaitLockOption = "",
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Copy the engine of an unpacked bundle to its host, where the overlay names it."""
    from magnusctl.bundles import apply as applied
    from magnusctl.bundles import unpack
    from magnusctl.bundles.manifest import ENGINE
    from magnusctl.cli.apply import apply as run
    from magnusctl.cli.apply import errors_of, sudo_password
    from magnusctl.cli.ask import consent
    from magnusctl.deploying import manage
    from magnusctl.errand import Errand
    from magnusctl.fleet import open_fleet, plan_all
    from magnusctl.pushing import push as send
    from magnusctl.report import exit_code
    from magnusctl.resources.artifact import Artifact

    paths, drawn, allow = inventory_paths(inventory, None), report(json), allow_disruption or []
    manifest = unpack.manifest_in(folder).manifest
    unpack.prove(folder, manifest.below(ENGINE))
    fleet = open_fleet(paths, password=sudo_password(ask_sudo))
    errand = Errand("bundle push", seconds(wait_lock, "--wait-lock"))
    wanted = applied.wanted(manifest, fleet)
    own = manage.only(fleet, paths[0], manifest.host, wanted)
    planned = plan_all(own, texts=False, allow=allow, now=datetime.now(UTC))
    drawn.plans(planned, diff=False)
    outcomes = []
    if any(item.has_work for item in planned):
        if not planned[0].held:
            consent(planned, verb=errand.verb, yes=yes, json=json)
            yes = True
            files = next(one for one in wanted if isinstance(one, Artifact))
            send(own.machines[0], files, folder / ENGINE, drawn.note)
            # Its folders may be there only since then.
            planned = plan_all(own, texts=False, allow=allow, now=datetime.now(UTC))
        outcomes = run(own, planned, drawn, errand, allow=allow, yes=yes, json=json)
    raise typer.Exit(int(exit_code(errors_of(planned, outcomes))))

"""The command line: one file per verb, each parses, calls and prints."""

from __future__ import annotations

from typing import Annotated

import typer

from magnusctl import __version__
from magnusctl.cli import (
    bundle,
    demo,
    deploy_model,
    fit,
    init,
    inventory,
    jobs,
    models,
    parse,
    plan,
    probe,
    provision,
    render,
    rollback,
    trust,
    verify,
)

app = typer.Typer(
    name="magnusctl",
    help="Turn one YAML inventory of unlike machines into a working local-AI cluster over SSH.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"magnusctl {__version__}")
        raise typer.Exit


@app.callback()
def main(
    debug: Annotated[  # read from the arguments by __main__, which must know it even on a bug
        bool, typer.Option("--debug", help="Show a traceback with an error.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Turn one YAML inventory of unlike machines into a working local-AI cluster over SSH."""
    del debug, version


app.command()(init.init)
app.add_typer(inventory.app, name="inventory")
app.command()(trust.trust)
app.command()(render.render)
app.command()(plan.plan)
app.command()(provision.provision)
app.command()(rollback.rollback)
app.command()(rollback.deprovision)
app.command()(jobs.jobs)
app.command()(jobs.attach)
app.command()(jobs.cancel)
app.command()(jobs.history)
app.command()(jobs.gc)
app.command()(probe.probe)
app.command()(parse.parse)
app.command()(verify.verify)
app.command()(deploy_model.deploy_model)
app.add_typer(models.app, name="models")
app.command()(models.logs)
app.add_typer(bundle.app, name="bundle")
app.command()(fit.fit)
app.command()(demo.demo)

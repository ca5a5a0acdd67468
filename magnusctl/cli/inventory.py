"""magnusctl inventory check | show | graph | schema"""

from __future__ import annotations

import typer

from magnusctl.cli.options import InventoryOption, JsonOption, OverlayOption, inventory_paths

app = typer.Typer(help="Check and show the inventory; nothing is contacted.", no_args_is_help=True)


@app.command()
def check(
    inventory: InventoryOption = None, overlay: OverlayOption = None, json: JsonOption = False
) -> None:
    """Check everything that can be checked without a host, templates included."""
    from magnusctl.fleet import open_fleet
    from magnusctl.inventory import show

    paths = inventory_paths(inventory, overlay)
    fleet = open_fleet(paths)
    counts = {machine.name: len(machine.desired) for machine in fleet.machines}
    typer.echo(show.checked(fleet.inventory, counts, str(paths[0]), json=json))


@app.command("show")
def show_(
    inventory: InventoryOption = None, overlay: OverlayOption = None, json: JsonOption = False
) -> None:
    """Show hosts, groups and links as they are understood."""
    from magnusctl.inventory import show
    from magnusctl.inventory.validate import load

    loaded = load(inventory_paths(inventory, overlay))
    typer.echo(show.as_json(loaded) if json else show.as_text(loaded))


@app.command()
def graph(inventory: InventoryOption = None, overlay: OverlayOption = None) -> None:
    """Draw the links as a Mermaid graph, which GitHub and many editors render."""
    from magnusctl.inventory import show
    from magnusctl.inventory.validate import load

    typer.echo(show.graph(load(inventory_paths(inventory, overlay))))


@app.command()
def schema() -> None:
    """Print the JSON Schema of an inventory."""
    from magnusctl.inventory.starter import schema_text

    typer.echo(schema_text(), nl=False)

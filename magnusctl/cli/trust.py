"""magnusctl trust"""

from __future__ import annotations

from typing import Annotated

import typer

from magnusctl.cli.options import (
    InventoryOption,
    JsonOption,
    OverlayOption,
    inventory_paths,
    report,
)


def trust(
    host: Annotated[str, typer.Argument(help="A host of the inventory.")],
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Forget the key that is pinned now.")
    ] = False,
    fingerprint: Annotated[
        str, typer.Option("--fingerprint", help="Trust just this one (SHA256:…), without asking.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Show a host's key and, if you say so, remember it. Nothing else is sent."""
    from magnusctl.cli.ask import agree
    from magnusctl.errors import PreconditionError
    from magnusctl.inventory.validate import load
    from magnusctl.trust import offered, remember

    offer = offered(load(inventory_paths(inventory, overlay)), host)
    shown = f"{host} at {offer.where} offers\n  {offer.fingerprint}   {offer.key_type}"
    report(json).said("offer", host, shown)
    offer.require_new(replace=replace)
    if not fingerprint and not offer.is_known:
        hint = "Trust it without a question: --fingerprint"
        if not agree("Is this what its console shows?", hint, possible=not json):
            raise PreconditionError("not trusted; nothing was written", host=host)
    report(json).said("trust", host, remember(offer, replace=replace, only=fingerprint))

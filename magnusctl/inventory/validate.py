"""From files to a frozen inventory, or to every fault of it with its place."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from magnusctl.inventory import findings, references
from magnusctl.inventory.load import Problem, fail, place, read_documents
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.select import expand_ranges


def load(paths: list[Path]) -> Inventory:
    """Read and check an inventory with its overlays. Raises InputError."""
    document = read_documents(paths)
    if document.data is None:
        empty = Problem("the inventory is empty", place(document, ()), "try: magnusctl init")
        raise fail(document, [empty])
    try:
        inventory = Inventory.model_validate(document.data)
    except ValidationError as error:
        raise fail(document, findings.problems(document, error.errors())) from None
    found = list(references.problems(document, inventory))
    if found:
        raise fail(document, found)
    return expand_ranges(inventory)


def warnings(inventory: Inventory) -> list[str]:
    """What is allowed and will still not work."""
    return [
        f"link {name}: a DAC cannot join an SFP+ cage and an RJ45 port; a switch with both, "
        "or an SFP+ to 10GBASE-T module, can"
        for name, link in inventory.links.items()
        if link.media == "dac" and {"rj45", "sfp+"} <= {end.port for end in link.ends.values()}
    ]

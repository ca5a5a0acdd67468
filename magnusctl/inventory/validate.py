"""From files to a frozen inventory, or to every fault of it with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from magnusctl.inventory import findings, references, serving
from magnusctl.inventory.checkspec import CheckSpec
from magnusctl.inventory.load import Problem, fail, place, read_document, read_documents
from magnusctl.inventory.marks import Document
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.project import own_files, project_of
from magnusctl.inventory.rolenames import ROLE_NAMES
from magnusctl.inventory.select import expand_ranges
from magnusctl.inventory.specs import Resources
from magnusctl.inventory.strict import Model

TAKEN = (*ROLE_NAMES, "resources")
"""Names that no role of a project may have: `resources` is the tag of what has no role."""

M = TypeVar("M", bound=Model)


def load(paths: list[Path]) -> Inventory:
    """Read and check an inventory with its overlays. Raises InputError.

    Hosts may have the roles of the project, which is the folder of the first file.
    """
    document = read_documents(paths)
    if document.data is None:
        empty = Problem("the inventory is empty", place(document, ()), "try: magnusctl init")
        raise fail(document, [empty])
    own = own_files(project_of(paths[0]), "roles", TAKEN)
    inventory = _validated(Inventory, document, [*ROLE_NAMES, *own])
    found = list(references.problems(document, inventory))
    if found:
        raise fail(document, found)
    return expand_ranges(inventory)


def load_resources(path: Path, secrets: Collection[str]) -> Resources:
    """Read and check a role that is written as the section `resources`. Raises InputError."""
    document = read_document(path, "a role")
    resources = _validated(Resources, document)
    found = list(references.declared(document, (), resources, secrets))
    if found:
        raise fail(document, found)
    return resources


def load_check(path: Path) -> CheckSpec:
    """Read and check a check. Raises InputError."""
    return _validated(CheckSpec, read_document(path, "a check"))


def _validated(model: type[M], document: Document, roles: Collection[str] = ROLE_NAMES) -> M:
    data = {} if document.data is None else document.data
    try:
        return model.model_validate(data, context={"roles": roles})
    except ValidationError as error:
        raise fail(document, findings.problems(document, error.errors(), model)) from None


def warnings(inventory: Inventory) -> list[str]:
    """What is allowed and will still not work, or not be safe."""
    dacs = [
        f"link {name}: a DAC cannot join an SFP+ cage and an RJ45 port; a switch with both, "
        "or an SFP+ to 10GBASE-T module, can"
        for name, link in inventory.links.items()
        if link.media == "dac" and {"rj45", "sfp+"} <= {end.port for end in link.ends.values()}
    ]
    return [*dacs, *_out_of_order(inventory), *serving.warnings(inventory)]


def _out_of_order(inventory: Inventory) -> Iterator[str]:
    """Roles are applied as they are listed, and some need what others bring."""
    for name, host in inventory.hosts.items():
        own = [role for role in host.roles if role in ROLE_NAMES]
        usual = sorted(own, key=ROLE_NAMES.index)
        if own != usual:
            yield f"roles of {name} are applied as listed; the usual order is {', '.join(usual)}"

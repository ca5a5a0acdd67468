"""Roles turn a host into resources, in a visible table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from magnusctl.errors import InputError
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.select import resources_of, variables_of
from magnusctl.quote import Secret
from magnusctl.render import Render
from magnusctl.resources import seal
from magnusctl.roles import (
    base,
    cuda,
    declared,
    inference,
    network,
    storage,
    trading,
    training,
)
from magnusctl.roles.context import Context, placed
from magnusctl.roles.secrecy import with_secrets
from magnusctl.state import Resource

Role = Callable[[Context], Iterator[Resource]]

ROLES: Mapping[str, Role] = {
    "base": base.resources,
    "network": network.resources,
    "storage": storage.resources,
    "cuda": cuda.resources,
    "inference": inference.resources,
    "training": training.resources,
    "trading": trading.resources,
}


def compile_host(
    inventory: Inventory,
    name: str,
    render: Render,
    secrets: Mapping[str, Secret] | None = None,
    roles: Mapping[str, Role] = ROLES,
) -> tuple[Resource, ...]:
    """Everything that is declared for a host, in the order in which it is applied.

    No secret is asked for: files hold placeholders.

    Raises InputError for a template that does not render or a reference to nothing.
    """
    host = inventory.hosts[name]
    context = Context(inventory, name, host, variables_of(inventory, name), render, secrets or {})
    return sealed(context, _resources(context, roles))


def sealed(context: Context, resources: Iterator[Resource]) -> tuple[Resource, ...]:
    """Some resources of a host, each once, with what restarts what. Raises InputError."""
    try:
        return seal(_unique(with_secrets(resource, context) for resource in resources))
    except InputError as error:
        error.host = error.host or context.name
        raise


def _resources(context: Context, roles: Mapping[str, Role]) -> Iterator[Resource]:
    sources = resources_of(context.inventory, context.name)
    for source, wanted in sources:
        for resource in declared.groups(wanted):
            yield replace(resource, role=source)
    for role in context.host.roles:
        with placed(f"for host {context.name}, role {role}"):
            for resource in roles[role](context):
                yield replace(resource, role=role)
    for source, wanted in sources:
        for resource in declared.resources(context, wanted):
            yield replace(resource, role=source)


def _unique(resources: Iterator[Resource]) -> tuple[Resource, ...]:
    """The same thing wanted twice in the same way is one thing; otherwise `seal` refuses it."""
    seen: dict[str, Resource] = {}
    kept = []
    for resource in resources:
        twin = seen.setdefault(resource.id, resource)
        if twin is resource or replace(twin, role=resource.role) != resource:
            kept.append(resource)
    return tuple(kept)

"""What an inventory says of secrets, and what of it cannot be."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from magnusctl.inventory.findings import nearest
from magnusctl.inventory.load import Problem, place
from magnusctl.inventory.marks import Document, Mark
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.providers import PROVIDERS, SecretSpec


def problems(document: Document, inventory: Inventory) -> Iterator[Problem]:
    """Secrets that are nowhere or in two places, and hosts that name one nobody declares."""
    for name, spec in inventory.secrets.items():
        mark = place(document, ("secrets", name), key=True)
        for message, hint in _of_one(name, spec):
            # What is written there by mistake may be the secret itself.
            yield replace(Problem(message, mark, hint), private=True)
    for pattern, host in inventory.hosts.items():
        if host.sudo_password and host.sudo_password not in inventory.secrets:
            mark = place(document, ("hosts", pattern, "sudo_password"))
            yield unknown(f"host {pattern}", host.sudo_password, inventory.secrets, mark)


def unknown(by: str, name: str, secrets: Collection[str], mark: Mark) -> Problem:
    """Something names a secret that is not declared."""
    known = ", ".join(secrets) or "none are declared"
    hint = nearest(name, secrets) or f"secrets: {known}"
    return Problem(f"{by} names the secret '{name}', which does not exist", mark, hint, len(name))


def _of_one(name: str, spec: SecretSpec) -> Iterator[tuple[str, str]]:
    written = spec.written
    given = [key for key in PROVIDERS if key in written]
    if not given:
        yield f"secret {name} does not say where it is", f"with one of: {', '.join(PROVIDERS)}"
    if len(given) > 1:
        yield f"secret {name} has both '{given[0]}' and '{given[1]}'", "one of them is enough"
    for provider, second in PROVIDERS.items():
        if second and provider in written and second not in written:
            yield f"secret {name} has '{provider}', which needs '{second}'", ""
        if second and second in written and provider not in written:
            yield f"secret {name} has '{second}', which only '{provider}' uses", ""

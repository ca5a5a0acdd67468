"""What a role is given: one host of one inventory, and a way to render templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from magnusctl.errors import InputError
from magnusctl.inventory.findings import nearest
from magnusctl.inventory.model import Host, Inventory
from magnusctl.inventory.variables import Variables
from magnusctl.quote import Secret, placeholder, secrets_in, spoilt
from magnusctl.render import Render


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Have a fault of a template tell for what in the inventory it was rendered."""
    try:
        yield
    except InputError as error:
        error.detail = error.detail or f"  {where}"
        raise


@dataclass(frozen=True)
class Context:
    """One host, with its variables already merged by precedence."""

    inventory: Inventory
    name: str
    host: Host
    variables: Variables
    template: Render
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    def render(self, template: str, **values: object) -> str:
        """Render a template; `host`, `name`, `vars` and `inventory` are always there.

        `secret(NAME)` there is a placeholder: the value is put into the file's bytes later.
        """
        asked: set[str] = set()

        def secret(name: str) -> str:
            asked.add(name)
            return self.placeholder(name)

        text = self.template(
            template,
            host=self.host,
            name=self.name,
            vars=self.variables.custom,
            inventory=self.inventory,
            secret=secret,
            **values,
        )
        if asked and (spoilt(text) or asked - {*secrets_in(text)}):
            hint = "A secret can be printed as it is, or with the filter 'quoted'."
            raise InputError("a secret was altered by a filter", where=template, hint=hint)
        return text

    def placeholder(self, secret: str) -> str:
        """What stands for a secret in the content of a file. Raises InputError for no such."""
        if secret not in self.secrets:
            hint = nearest(secret, self.secrets) or f"Secrets: {', '.join(self.secrets) or 'none'}"
            raise InputError(f"there is no secret '{secret}'", hint=hint)
        return placeholder(secret)

    @property
    def root_group(self) -> str:
        """The group of root's files: macOS has no group root."""
        return "wheel" if self.host.macos else "root"

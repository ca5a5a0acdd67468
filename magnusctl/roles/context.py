"""What a role is given: one host of one inventory, and a way to render templates."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.inventory.model import Host, Inventory
from magnusctl.inventory.variables import Variables
from magnusctl.render import Render


@dataclass(frozen=True)
class Context:
    """One host, with its variables already merged by precedence."""

    inventory: Inventory
    name: str
    host: Host
    variables: Variables
    template: Render

    def render(self, template: str, **values: object) -> str:
        """Render a template; `host`, `name`, `vars` and `inventory` are always there."""
        return self.template(
            template,
            host=self.host,
            name=self.name,
            vars=self.variables.custom,
            inventory=self.inventory,
            **values,
        )

    @property
    def root_group(self) -> str:
        """The group of root's files: macOS has no group root."""
        return "wheel" if self.host.macos else "root"

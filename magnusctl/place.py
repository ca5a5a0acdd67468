"""Where something runs: a host, and a way to get there."""

from __future__ import annotations

from typing import Protocol

from magnusctl.bootstrap import Privilege
from magnusctl.transport import Transport


class Place(Protocol):
    """A host that can be asked."""

    @property
    def name(self) -> str:
        """The host."""
        ...

    @property
    def root(self) -> str:
        """The folder that every path is below, or empty."""
        ...

    @property
    def privilege(self) -> Privilege:
        """How commands become root's."""
        ...

    @property
    def transport(self) -> Transport:
        """The way."""
        ...

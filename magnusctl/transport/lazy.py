"""An ssh transport that looks up its target when it is first used, so hosts do so in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from magnusctl.bootstrap import Request
from magnusctl.inventory.model import Inventory
from magnusctl.transport import IDLE_S, Wire
from magnusctl.transport.ssh import SshTransport
from magnusctl.transport.target import target


class LazySsh:
    """Asks `ssh -G` and connects with the first command."""

    def __init__(self, inventory: Inventory, name: str) -> None:
        self._inventory = inventory
        self._name = name
        self._ssh: SshTransport | None = None

    def execute(self, request: Request, idle_s: float = IDLE_S) -> Iterator[str]:
        """See Transport.execute."""
        yield from self._opened().execute(request, idle_s)

    def dial(self, address: str, port: int, timeout_s: float) -> Wire:
        """See Transport.dial."""
        return self._opened().dial(address, port, timeout_s)

    def send_file(self, local: str, remote: str, offset: int, moved: Callable[[int], None]) -> None:
        """See Transport.send_file."""
        self._opened().send_file(local, remote, offset, moved)

    def _opened(self) -> SshTransport:
        if self._ssh is None:
            self._ssh = SshTransport(target(self._inventory, self._name))
        return self._ssh

    def host_key(self) -> str:
        """See Transport.host_key."""
        return self._ssh.host_key() if self._ssh else ""

    def fresh(self) -> LazySsh:
        """See Transport.fresh."""
        return LazySsh(self._inventory, self._name)

    def weakness(self) -> str:
        """See Transport.weakness."""
        return self._ssh.weakness() if self._ssh else ""

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._ssh is not None:
            self._ssh.close()

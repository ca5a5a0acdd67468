"""Learn the key of a host from the host, for a person to judge."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.errors import InputError, PreconditionError
from magnusctl.inventory.model import Inventory
from magnusctl.transport import host_keys, known_hosts
from magnusctl.transport.ssh import close_all, open_connections
from magnusctl.transport.target import Target, target


@dataclass(frozen=True)
class Offer:
    """The key that a host offered, and where."""

    target: Target
    key_type: str
    key: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it."""
        return known_hosts.fingerprint(self.key)

    @property
    def where(self) -> str:
        """Address and port."""
        return f"{self.target.address}:{self.target.port}"

    def require_new(self, *, replace: bool) -> None:
        """Raise PreconditionError when another key is pinned and `replace` does not say so."""
        if known_hosts.plain(host_keys.known(self.target)) and not (replace or self.is_known):
            host_keys.check(self.target, self.key_type, self.key)

    @property
    def is_known(self) -> bool:
        """Whether it is pinned already."""
        found = [*host_keys.known(self.target), *host_keys.known_without_port(self.target)]
        return any(entry.key == self.key for entry in known_hosts.plain(found))


def offered(inventory: Inventory, host: str) -> Offer:
    """Connect for the key exchange only. Raises MagnusError."""
    if host not in inventory.hosts:
        raise InputError(f"no host '{host}'", hint=f"Hosts: {', '.join(inventory.hosts)}")
    if inventory.hosts[host].connection == "local":
        raise InputError(f"{host} is this machine: there is no key to trust")
    where = target(inventory, host)
    connections = open_connections(where, authenticate=False)
    key = connections[-1].transport.get_remote_server_key()
    close_all(connections)
    return Offer(where, key.get_name(), key.asbytes())


def remember(offer: Offer, *, replace: bool, only: str) -> str:
    """Pin an offered key; says what was done. Raises PreconditionError when it must not be."""
    name = offer.target.host
    if only and only != offer.fingerprint:
        raise PreconditionError(
            f"it offers {offer.fingerprint}, not {only}. Nothing was written.", host=name
        )
    if offer.is_known:
        return f"{name} is trusted already."
    host_keys.refuse_revoked(offer.target, offer.key)
    found = host_keys.known(offer.target)
    if known_hosts.revoked(found, offer.key):
        raise PreconditionError("this key is revoked. Nothing was written.", host=name)
    path = host_keys.pin(offer.target, offer.key_type, offer.key, replace)
    return f"{name} is trusted from now on ({path})."

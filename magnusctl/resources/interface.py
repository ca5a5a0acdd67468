"""A network interface of Linux as it is now; the netplan file is a resource of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from magnusctl.quote import sh
from magnusctl.state import STARTED_WITH, Change, Resource, State, Step

ASK = "ask_interface"


@dataclass(frozen=True, kw_only=True)
class Interface(Resource):
    """The card with a MAC address has `address` (as `10.0.0.2/24`) and `mtu`."""

    kind: ClassVar[str] = "interface"
    mac: str
    address: str
    mtu: int

    @property
    def name(self) -> str:
        return self.address

    def state(self) -> State:
        marker = {STARTED_WITH: self.inputs} if self.inputs else {}
        return {"address": self.address, "mtu": str(self.mtu), **marker}


def _marker(resource: Interface) -> str:
    return f"interface.{resource.mac}"


def question(resource: Interface) -> tuple[str, ...]:
    return (resource.mac, _marker(resource))


def parse(resource: Interface, answer: str) -> State | None:
    """Read `DEVICE MTU ADDRESS,ADDRESS STARTED-WITH`; `missing` when no card has the MAC."""
    device, mtu, addresses, started_with = answer.split(" ")
    held = resource.address if resource.address in addresses.split(",") else addresses
    return {"device": device, "address": held, "mtu": mtu, STARTED_WITH: started_with}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    interface = change.resource
    assert isinstance(interface, Interface)
    words = (interface.mac, interface.address, interface.mtu, _marker(interface))
    script = sh("put_interface", *words, interface.inputs or "-")
    prepare = sh("forget_start", _marker(interface)) if change.guard is None else ""
    return Step((change,), script, prepare=prepare)

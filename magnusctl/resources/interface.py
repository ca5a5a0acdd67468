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
    exactly: tuple[str, ...] | None = None
    """All addresses that it has; None: `address`, and others are none of our business."""

    @property
    def name(self) -> str:
        return self.address

    def state(self) -> State:
        marker = {STARTED_WITH: self.inputs} if self.inputs else {}
        held = self.address if self.exactly is None else _listed(self.exactly)
        return {"address": held, "mtu": str(self.mtu), **marker}


def _listed(addresses: Sequence[str]) -> str:
    return ",".join(sorted(addresses)) or "-"


def _marker(resource: Interface) -> str:
    return f"interface.{resource.mac}"


def question(resource: Interface) -> tuple[str, ...]:
    return (resource.mac, _marker(resource))


def parse(resource: Interface, answer: str) -> State | None:
    """Read `DEVICE MTU ADDRESS,ADDRESS STARTED-WITH`; `missing` when no card has the MAC."""
    device, mtu, addresses, started_with = answer.split(" ")
    held = _listed(addresses.split(","))
    if resource.exactly is None and resource.address in addresses.split(","):
        held = resource.address
    return {"device": device, "address": held, "mtu": mtu, STARTED_WITH: started_with}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    interface = change.resource
    assert isinstance(interface, Interface)
    marker = _marker(interface)
    if interface.exactly is not None:
        addresses = _listed(interface.exactly)
        words = (interface.mac, addresses, interface.mtu, marker, interface.inputs or "-")
        return Step((change,), sh("restore_interface", *words))
    words = (interface.mac, interface.address, interface.mtu, marker, interface.inputs or "-")
    prepare = sh("forget_start", marker) if change.guard is None else ""
    return Step((change,), sh("put_interface", *words), prepare=prepare)


def former(resource: Interface, answer: str) -> Resource | str:
    device, mtu, addresses, started_with = answer.split(" ")
    if device == "missing":
        return "no card had that address"
    return Interface(
        mac=resource.mac,
        address=resource.address,
        mtu=int(mtu),
        exactly=() if addresses == "-" else tuple(addresses.split(",")),
        inputs=started_with,
        risk=resource.risk,
    )

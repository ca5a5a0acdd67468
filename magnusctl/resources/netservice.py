"""A network service of macOS with a static address."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from magnusctl.quote import sh
from magnusctl.state import Change, Resource, State, Step

ASK = "ask_netservice"


@dataclass(frozen=True, kw_only=True)
class Netservice(Resource):
    """A service as networksetup names it, on a device, with `address` as `10.0.0.1/24`."""

    kind: ClassVar[str] = "netservice"
    service: str
    device: str
    address: str
    mtu: int
    method: Literal["Manual", "DHCP"] = "Manual"
    router: str = ""

    @property
    def name(self) -> str:
        return self.service

    def state(self) -> State:
        if self.method == "DHCP":
            return {"method": "DHCP", "mtu": str(self.mtu)}
        interface = ipaddress.IPv4Interface(self.address)
        return {
            "method": "Manual",
            "address": str(interface),
            "mtu": str(self.mtu),
        }


def question(resource: Netservice) -> tuple[str, ...]:
    return (resource.service, resource.device)


def parse(resource: Netservice, answer: str) -> State | None:
    """Read `METHOD ADDRESS MASK MTU ROUTER`, as `Manual 10.0.0.1 255.255.255.0 9000 -`."""
    if answer == "missing":
        return {"method": "missing"}
    method, address, mask, mtu, *_router = answer.split(" ")
    held = "-" if "-" in (address, mask) else str(ipaddress.IPv4Interface(f"{address}/{mask}"))
    return {"method": method, "address": held, "mtu": mtu}


def apply(changes: Sequence[Change]) -> Sequence[Step]:
    return [_step(change) for change in changes]


def _step(change: Change) -> Step:
    service = change.resource
    assert isinstance(service, Netservice)
    if service.method == "DHCP":
        return Step((change,), sh("put_dhcp", service.service, service.device, service.mtu))
    interface = ipaddress.IPv4Interface(service.address)
    words = (service.service, service.device, interface.ip, interface.netmask, service.mtu)
    router = [service.router] if service.router else []
    return Step((change,), sh("put_netservice", *words, *router))


def _router_of(answer: str) -> str:
    words = answer.split(" ")
    return words[4] if len(words) > 4 and words[4] != "-" else ""


def former(resource: Netservice, answer: str) -> Resource | str:
    state = parse(resource, answer)
    if state is None or state.get("method") not in ("Manual", "DHCP") or state["mtu"] == "-":
        return "it was set neither by hand nor by DHCP"
    return Netservice(
        service=resource.service,
        device=resource.device,
        address=resource.address if state["address"] == "-" else state["address"] or "",
        mtu=int(state["mtu"] or 0),
        method="DHCP" if state["method"] == "DHCP" else "Manual",
        router="" if state["method"] == "DHCP" else _router_of(answer),
        risk=resource.risk,
    )

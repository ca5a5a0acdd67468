"""Links are judged by what a host told of addresses, rates and cables."""

from __future__ import annotations

from magnusctl.checks import wire
from tests.checks.cases import (
    FAIL,
    PASS,
    SKIP,
    UNKNOWN,
    WARN,
    Case,
    changed,
    each,
    holds,
    parts,
    recorded,
)

GBIT = 10**9
ADDRESS, LINK = "network.address-*", "network.link-*"
VETH = "ip-json/ip-addr-veth9000.json"
MAC = "02:00:00:00:20:01"
OURS = wire.linux_address("10.77.0.1/24", MAC, "mg10g0", 9000)
NAMED = wire.linux_address("10.77.0.1/24", None, "ra0", 9000)
INFO = "macos-networksetup/getinfo-ethernet-manual.txt"
MANUAL, EN0 = recorded(INFO), recorded("macos-ifconfig/m4-macmini-10gbe.txt")[26:35]
MINI = wire.macos_address("192.168.1.103/24", 1500)
NO_SERVICE = ["Thunderbolt Bridge is not a recognized network service.", "** Error: The parameters"]
SPEED = wire.speed(10 * GBIT, GBIT)
TEN, FASTER = wire.thunderbolt(40 * GBIT), wire.thunderbolt(80 * GBIT)
PORTS = "macos-system-profiler-json/thunderbolt-m4pro-macmini-macos27.json"
PEER = '"device_name_key" : "Mac17,6",'
IDLE = "receptacle_no_devices_connected"
NONE = changed(PORTS, "receptacle_connected", IDLE)


def mini(service: list[str], card: list[str]) -> list[str]:
    """What a Mac tells of a network service and of its card."""
    return parts(service=service, card=card)


CASES: list[Case] = [
    Case(ADDRESS, OURS, recorded(VETH), PASS, "10.77.0.1/24, MTU 9000"),
    Case(ADDRESS, NAMED, recorded(VETH), PASS, "10.77.0.1/24, MTU 9000", "found by its name"),
    Case(ADDRESS, OURS, changed(VETH, '"mtu":9000', '"mtu":1500'), FAIL, "MTU 1500",
         "its MTU replaced"),
    Case(ADDRESS, OURS, changed(VETH, "10.77.0.1", "10.77.0.9"), FAIL, "10.77.0.9/24",
         "its address replaced"),
    Case(ADDRESS, OURS, changed(VETH, '"prefixlen":24', '"prefixlen":16'), FAIL, "10.77.0.1/16",
         "its prefix replaced"),
    Case(ADDRESS, OURS, changed(VETH, MAC, "02:00:00:00:20:09"), FAIL, "no such card",
         "another card: its MAC replaced"),
    Case(ADDRESS, OURS, changed(VETH, '"inet"', '"inet6"'), FAIL, "no address", "none left"),
    Case(ADDRESS, OURS, [line[:200] for line in recorded(VETH)], UNKNOWN, "its addresses", "cut"),
    Case(ADDRESS, OURS, ["sh: 1: ip: not found"], UNKNOWN, "not found", "no ip", status="127"),
    Case(ADDRESS, OURS, [], UNKNOWN, "does not tell its addresses", "no lines"),
    Case(ADDRESS, MINI, mini(MANUAL, EN0), PASS, "192.168.1.103/24, MTU 1500", "Mac"),
    Case(ADDRESS, wire.macos_address("192.168.1.103/24", 9000), mini(MANUAL, EN0), FAIL,
         "MTU 1500", "Mac that was to have jumbo frames"),
    Case(ADDRESS, wire.macos_address("192.168.1.104/24", 1500), mini(MANUAL, EN0), FAIL,
         "192.168.1.103/24", "Mac with another address"),
    Case(ADDRESS, MINI, mini(changed(INFO, "Manual", "DHCP"), EN0), FAIL, "DHCP, not by hand",
         "Mac: replaced"),
    Case(ADDRESS, MINI, mini(changed(INFO, "255.255.255.0", "255.255.0.0"), EN0), FAIL,
         "192.168.1.103/16", "Mac: its mask replaced"),
    Case(ADDRESS, MINI, mini(MANUAL, ["ifconfig: interface en9 does not exist"]), PASS,
         "MTU not told", "Mac whose card tells nothing"),
    Case(ADDRESS, MINI, mini(NO_SERVICE, EN0), UNKNOWN, "not a recognized network service", "Mac"),
    Case(ADDRESS, MINI, mini([], EN0), UNKNOWN, "", "Mac without networksetup"),
    Case(LINK, SPEED, ["speed 10000", "carrier 1"], PASS, "10Gbit/s"),
    Case(LINK, SPEED, ["speed 25000", "carrier 1"], PASS, "25Gbit/s"),
    Case(LINK, SPEED, ["speed 1000", "carrier 1"], WARN, "1Gbit/s: the fallback"),
    Case(LINK, wire.speed(10 * GBIT, None), ["speed 1000", "carrier 1"], FAIL, "1Gbit/s",
         "no fallback is declared"),
    Case(LINK, SPEED, ["speed 100", "carrier 1"], FAIL, "100Mbit/s"),
    Case(LINK, SPEED, ["speed ", "carrier 0"], FAIL, "no cable"),
    Case(LINK, SPEED, ["missing"], FAIL, "no such card"),
    Case(LINK, SPEED, ["speed -1", "carrier 1"], SKIP, "virtual"),
    Case(LINK, SPEED, ["speed -1", "carrier "], UNKNOWN, "does not tell"),
    Case(LINK, SPEED, ["state down", "speed ", "carrier "], FAIL, "the card is down"),
    Case(LINK, SPEED, ["state down", "speed -1", "carrier 0"], FAIL, "no cable", "it is up"),
    Case(LINK, SPEED, ["speed ", "carrier 1"], SKIP, "does not tell its rate", "a virtual card"),
    Case(LINK, SPEED, ["media autoselect (10Gbase-T <full-duplex>)", "status active"], PASS,
         "10Gbit/s", "Mac"),
    Case(LINK, SPEED, ["media autoselect (1000baseT <full-duplex>)"], WARN, "the fallback", "Mac"),
    Case(LINK, SPEED, ["media autoselect (2.5Gbase-T)"], WARN, "2500Mbit/s: the fallback", "Mac"),
    Case(LINK, SPEED, ["media autoselect (100baseTX <full-duplex>)"], FAIL, "100Mbit/s", "Mac"),
    Case(LINK, SPEED, ["media autoselect", "status inactive"], FAIL, "no cable", "Mac"),
    Case(LINK, SPEED, [], UNKNOWN, "nothing there tells", "nothing printed"),
    Case(LINK, SPEED, ["untold"], UNKNOWN, "nothing there tells", "no ip"),
    Case(LINK, SPEED, ["speed --5", "carrier 1"], UNKNOWN, "does not tell", "no number"),
    Case(LINK, TEN, recorded(PORTS), PASS, "40Gbit/s", "Thunderbolt"),
    Case(LINK, FASTER, recorded(PORTS), FAIL, "40Gbit/s", "Thunderbolt that does less"),
    Case(LINK, TEN, changed(PORTS, "40 Gb/s", "20 Gb/s"), FAIL, "20Gbit/s",
         "a slow cable: the rate replaced"),
    Case(LINK, TEN, NONE, SKIP, "no cable to a computer in any of 3",
         "every port replaced by an empty one"),
    Case(LINK, TEN, changed(PORTS, PEER, '"device_name_key" : "Studio Display",'), SKIP,
         "no cable to a computer in any of 3", "displays alone: the peer replaced"),
    Case(LINK, TEN, ["{}"], UNKNOWN, "does not tell of its Thunderbolt ports"),
    Case(LINK, TEN, recorded(PORTS)[:60], UNKNOWN, "does not tell of its", "cut"),
    Case(LINK, TEN, ["sh: system_profiler: not found"], UNKNOWN, "not found", status="127"),
]  # fmt: skip


@each(CASES)
def test_a_judge_says_what_it_saw(case: Case) -> None:
    holds(case)

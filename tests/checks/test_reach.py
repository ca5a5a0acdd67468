"""Peers are judged by what ping told of them, and by what a knock at their ports came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from magnusctl.checks import of_hosts, of_roles, reach
from magnusctl.checks.custom import Custom, Said, judged
from magnusctl.checks.engine import WAITS
from magnusctl.checks.reach import Knock, Peer
from magnusctl.inventory.starter import example_path, examples
from magnusctl.inventory.validate import load
from magnusctl.render import renderer
from magnusctl.report import Result
from tests.checks.cases import (
    FAIL,
    PASS,
    SKIP,
    UNKNOWN,
    WARN,
    Case,
    each,
    holds,
    parts,
    recorded,
)

TWO = Peer("two", "10g", "10.77.0.2", 9000, wired=True)
WIFI = replace(TWO, wired=False)
SMALL = reach.whole(replace(TWO, mtu=1500), True)
WHOLE, OF_MAC = reach.whole(TWO, False), reach.whole(TWO, True)
OK, LOSS = recorded("ping/ping-ok.txt"), recorded("ping/ping-loss.txt")
DEAD = recorded("ping/ubuntu-22.04-ping-dest-unreachable.txt")
MAC = recorded("ping/osx-10.14.6-ping-ip.txt")
SLOW = recorded("ping/centos-7.7-ping-ip-dup.txt")
GONE = ["sh: 1: ping: not found"]
NO_ROUTE = ["ping: connect: Network is unreachable"]
SENT = "2 packets transmitted, {} received, {}% packet loss, time 1017ms"
TOO_LONG = ["ping: local error: message too long, mtu=1500", "", SENT.format(0, 100)]
LOST, HALF = [SENT.format(0, 100)], [SENT.format(1, 50)]
MAC_LOST = ["2 packets transmitted, 0 packets received, 100.0% packet loss"]
MAC_TOO_LONG = ["ping: sendto: Message too long", *MAC_LOST]
FIREWALLED = ["From 10.77.0.1 icmp_seq=1 Destination Port Unreachable", *LOST]
PING, MTU, PORT = "ping *", "mtu *", "port * from *"


def said(small: Sequence[str], whole: Sequence[str] = (), of: str = TWO.address) -> list[str]:
    """What a host tells of a peer, after what it tells of another one."""
    other = parts(**{"ping 10.9.9.9": LOSS, "whole 10.9.9.9": LOST})
    return [*other, *parts(**{f"ping {of}": small, f"whole {of}": whole})]


def knock(expected: str) -> Knock:
    """A port of a peer's server."""
    return Knock("two", "10.77.0.2", 8000, "vllm primary", expected)


def came_to(code: str, seconds: str = "0.000000") -> list[str]:
    """What knocks at several ports and hosts came to; that at ours stands last."""
    others = ["10.77.0.2 8001 52 0.1", "10.77.0.22 8000 52 0.1", "10.77.0.2 80000 52 0.1"]
    return [*others, f"10.77.0.2 8000 {code} {seconds}"]


OPEN, CLOSED, SILENT = (reach.door(knock(expected)) for expected in ("open", "closed", "silent"))
HUNG_UP, REFUSED, NO_ANSWER = came_to("52", "0.000213"), came_to("7"), came_to("28")

CASES: list[Case] = [
    Case(PING, reach.answers(TWO), said(OK), PASS, "0 % lost, 0.128 ms"),
    Case(PING, reach.answers(TWO), said(MAC), PASS, "0 % lost, 0.066 ms", "asked by a Mac"),
    Case(PING, reach.answers(TWO), said(LOSS), FAIL, "10.77.0.2: 40 % lost", "recorded"),
    Case(PING, reach.answers(TWO), said(DEAD), FAIL, "100 % lost", "unreachable, recorded"),
    Case(PING, reach.answers(TWO), said(MAC_LOST), FAIL, "100 % lost", "asked by a Mac"),
    Case(PING, reach.answers(TWO), said(SLOW), WARN, "504.26 ms", "a cable that is slow, recorded"),
    Case(PING, reach.answers(WIFI), said(SLOW), PASS, "504.26 ms", "over air, recorded"),
    Case(PING, reach.answers(WIFI), said(LOSS), WARN, "40 % lost", "some, over air: recorded"),
    Case(PING, reach.answers(WIFI), said(DEAD), FAIL, "100 % lost", "all, over air: recorded"),
    Case(PING, reach.answers(TWO), said(["3 packets transmitted, 3 received, 0% packet loss"]),
         PASS, "0 % lost", "no times"),
    Case(PING, reach.answers(TWO), said(GONE), UNKNOWN, "ping: not found", "no ping there"),
    Case(PING, reach.answers(TWO), said([]), UNKNOWN, "said nothing", "nothing printed"),
    Case(PING, reach.answers(TWO), said(OK, of="10.77.0.3"), UNKNOWN, "said nothing", "of another"),
    Case(PING, reach.answers(TWO), said(OK, of="10.77.0.22"), UNKNOWN, "said nothing", "prefix"),
    Case(PING, reach.answers(TWO), said(recorded("ping/ping-badhost.txt")), UNKNOWN, "",
         "a name that is not known, recorded"),
    Case(PING, reach.answers(TWO), said(NO_ROUTE), FAIL, "10.77.0.2: connect: Network is unreach",
         "no address on the link"),
    Case(MTU, WHOLE, said(OK, OK), PASS, "9000 bytes"),
    Case(MTU, WHOLE, said(OK, HALF), PASS, "9000 bytes", "one of two got through"),
    Case(MTU, WHOLE, said(OK, TOO_LONG), FAIL, "too long for the card here"),
    Case(MTU, OF_MAC, said(MAC, MAC), PASS, "8192 bytes, the most that ping of macOS sends"),
    Case(MTU, OF_MAC, said(MAC, MAC_TOO_LONG), FAIL, "too long", "asked by a Mac"),
    Case(MTU, SMALL, said(MAC, MAC), PASS, "1500 bytes", "asked by a Mac"),
    Case(MTU, WHOLE, said(OK, LOST), FAIL, "no packet of 9000 bytes", "a switch"),
    Case(MTU, OF_MAC, said(MAC, MAC_LOST), FAIL, "no packet of 8192 bytes", "Mac"),
    Case(MTU, OF_MAC, said(GONE, GONE), UNKNOWN, "said nothing", "no ping on a Mac"),
    Case(MTU, WHOLE, said(LOST, LOST), UNKNOWN, "said nothing", "it answers nothing"),
    Case(MTU, WHOLE, said(DEAD, DEAD), UNKNOWN, "said nothing", "unreachable"),
    Case(MTU, WHOLE, said(OK, FIREWALLED), FAIL, "no packet of 9000", "refused"),
    Case(MTU, WHOLE, said(GONE, GONE), UNKNOWN, "said nothing", "no ping there"),
    Case(MTU, WHOLE, said(OK), UNKNOWN, "said nothing", "the large ones not told"),
    Case(PORT, OPEN, HUNG_UP, PASS, "vllm primary: open"),
    Case(PORT, OPEN, came_to("28", "0.000213"), PASS, "open", "a server that says nothing"),
    Case(PORT, OPEN, came_to("0", "0,000213"), PASS, "open", "decimals with a comma"),
    Case(PORT, OPEN, REFUSED, FAIL, "vllm primary: refused"),
    Case(PORT, OPEN, NO_ANSWER, FAIL, "vllm primary: no answer"),
    Case(PORT, OPEN, came_to("127", "0"), UNKNOWN, "cannot be tried", "no curl there"),
    Case(PORT, OPEN, came_to("52", "0.1")[:-1], UNKNOWN, "cannot be tried", "of other ports"),
    Case(PORT, OPEN, ["10.77.0.2 8000 52"], UNKNOWN, "cannot be tried", "cut"),
    Case(PORT, OPEN, came_to("52", "x"), UNKNOWN, "cannot be tried", "no number"),
    Case(PORT, CLOSED, REFUSED, PASS, "refused"),
    Case(PORT, CLOSED, NO_ANSWER, PASS, "no answer", "closed by a firewall"),
    Case(PORT, CLOSED, HUNG_UP, FAIL, "open to whom it should not be"),
    Case(PORT, CLOSED, came_to("127", "0"), UNKNOWN, "cannot be tried", "no curl there"),
    Case(PORT, SILENT, NO_ANSWER, PASS, "no answer"),
    Case(PORT, SILENT, REFUSED, FAIL, "no firewall dropped it"),
    Case(PORT, SILENT, HUNG_UP, FAIL, "open to whom it should not be", "silent"),
    Case(PORT, SILENT, [], UNKNOWN, "cannot be tried", "nothing printed"),
]  # fmt: skip


@each(CASES)
def test_a_judge_says_what_it_saw(case: Case) -> None:
    holds(case)


@pytest.mark.parametrize("macos", [False, True], ids=["Linux", "macOS"])
def test_a_whole_packet_is_as_large_as_the_mtu_with_its_headers(macos: bool) -> None:
    text = reach.pings([TWO, replace(TWO, address="10.0.0.9", mtu=1500)], macos)
    # A Mac cannot send as much as 9000 bytes at once.
    assert f"-s {8164 if macos else 8972} 10.77.0.2" in text
    assert "-s 1472 10.0.0.9" in text
    # Nobody may cut it into pieces.
    assert text.count(" -D " if macos else " -M do ") == 2


PINGED, ENGINE = ("one", "ping two"), ("two", "inference.primary-answers")
MISSED = Result(
    "two", "port 8000 from one", FAIL, "refused", "open", "Does it run?", after=(PINGED, ENGINE)
)
WAITING = Result(*ENGINE, SKIP, WAITS)
DOWN, LOST_ALL = Result(*ENGINE, FAIL, "503"), Result(*PINGED, FAIL, "100 % lost")
INTRUDED = replace(MISSED, target="closed", measured="x: open to whom it", after=(PINGED,))


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (WAITING, WAITS),
        (DOWN, "see inference.primary-answers of two"),
        (LOST_ALL, "see ping two of one"),
        (replace(LOST_ALL, verdict=UNKNOWN), "see ping two of one"),
    ],
    ids=["its engine waits", "its engine is down", "no answer", "no ping"],
)
def test_no_port_is_missed_where_another_fault_explains_it(before: Result, why: str) -> None:
    for order in ([before, MISSED], [MISSED, before]):
        found = {one.check: one for one in reach.excused(order)}
        assert found[before.check] == before
        excused = found[MISSED.check]
        assert (excused.verdict, excused.measured, excused.remedy) == (SKIP, why, "")


@pytest.mark.parametrize(
    "results",
    [
        [MISSED],
        [replace(WAITING, subject="other"), MISSED],
        [replace(WAITING, verdict=PASS), MISSED],
        [replace(LOST_ALL, verdict=WARN), MISSED],
        [WAITING, INTRUDED],
        [WAITING, replace(MISSED, target="no answer at all", after=(PINGED,))],
        [WAITING, replace(MISSED, check="ping two", after=())],
        [replace(LOST_ALL, subject="three"), MISSED],
    ],
    ids=["no other", "another waits", "it runs", "slow", "open", "refused", "no port", "of three"],
)
def test_nothing_else_is_excused(results: Sequence[Result]) -> None:
    assert [*reach.excused(results)] == results


@pytest.mark.parametrize(
    ("line", "waits"),
    [("10.9.9.9 8000 0 0.01", False), ("10.9.9.9 8000 28 0", True), ("10.9.9.9 8000 7 0", True)],
    ids=["open", "silent", "refused"],
)
def test_a_port_that_is_open_to_whom_it_should_not_be_is_never_excused(
    line: str, waits: bool
) -> None:
    door = reach.door(Knock("two", "10.9.9.9", 8000, "x", "closed"))
    asked = Custom("port 8000 from one", "", door, frozenset({"one"}), after=(PINGED,))
    found = judged("one", asked, Said((line,), "0"))
    assert found.after == (() if not waits else (PINGED,))
    (_, told) = reach.excused([LOST_ALL, found])
    assert (told.verdict is SKIP) == waits


@pytest.mark.parametrize("example", examples())
def test_what_a_port_needs_first_is_asked(example: str, tmp_path: Path) -> None:
    inventory, render = load([example_path(example)]), renderer(tmp_path)
    asked = [
        (check.subject or host, check)
        for host in inventory.hosts
        for of in (of_hosts, of_roles)
        for check in of.checks_of(inventory, host, render)
    ]
    names = {(subject, check.name) for subject, check in asked}
    assert len(names) == len(asked)
    for subject, check in asked:
        assert {*check.after} <= names
        assert bool(check.after) is check.name.startswith("port ")
        opened = check.after[1:]
        assert all(host == subject for host, _ in opened)


SECOND_LINK = """\
links:
  second:
    kind: ethernet
    speed: 1Gbit/s
    ends:
      rtx3090: {address: 10.0.9.2/24, interface: mg1g0, mac: "a0:36:9f:00:00:09"}
      macmini: {address: 10.0.9.1/24, interface: en9, service: Two}
"""


def test_two_links_between_the_same_hosts_are_two_checks(tmp_path: Path) -> None:
    text = example_path("magnus").read_text()
    (tmp_path / "magnus.yaml").write_text(text.replace("links:\n", SECOND_LINK))
    inventory = load([tmp_path / "magnus.yaml"])
    for host in ("rtx3090", "macmini"):
        names = [check.name for check in of_hosts.checks_of(inventory, host, renderer(tmp_path))]
        assert len(names) == len({*names})

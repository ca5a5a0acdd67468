"""Links: what iperf3 said is judged, and who measures when is dealt out."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnusctl.checks import throughput
from magnusctl.checks.throughput import NOT_LINKED, UNMEASURED, Path, share_of
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.starter import example_path
from magnusctl.inventory.validate import load
from magnusctl.report import Verdict, Way
from tests.checks.cases import FAIL, PASS, UNKNOWN, recorded

TEN = Path("10g", "one", "two", ("10.0.0.1", "10.0.0.2"), 9.4e9)
ONE = Path("1g", "one", "two", ("10.0.0.1", "10.0.0.2"), 0.94e9)
FREE = Path("wan", "one", "two", ("10.0.0.1", "10.0.0.2"), None)
PAIR = Path("a+b", "one", "two", ("10.0.0.1", "10.0.0.2"), None, declared=False)


@pytest.mark.parametrize(
    ("path", "name", "verdict", "said"),
    [
        (TEN, "iperf3-json/iperf312-lo-9.4g-P4.json", PASS, "9.41 Gbit/s"),
        (TEN, "iperf3-json/iperf312-lo-9.17g-just-below.json", FAIL, "9.17 Gbit/s"),
        (TEN, "iperf3-json/iperf312-lo-941m-reverse.json", FAIL, "940.8 Mbit/s"),
        (TEN, "iperf3-json/iperf312-tcp-1g.json", FAIL, "946.5 Mbit/s"),
        (ONE, "iperf3-json/iperf312-lo-941m-reverse.json", PASS, "940.8 Mbit/s"),
        (FREE, "iperf3-json/iperf312-tcp-1g.json", PASS, "946.5 Mbit/s"),
        (TEN, "iperf3-error/refused.json", UNKNOWN, "Connection refused"),
        (TEN, "iperf3-error/refused.txt", UNKNOWN, "Connection refused"),
        (TEN, "iperf3-error/busy.json", UNKNOWN, "the server is busy"),
        (TEN, "iperf3-json/empty-output.json", UNKNOWN, "iperf3 said nothing"),
        (TEN, "ping/ping-ok.txt", UNKNOWN, "PING 10.77.0.2"),
    ],
    ids=lambda value: str(getattr(value, "link", value)),
)
def test_a_link_is_judged_by_what_the_receiver_counted(
    path: Path, name: str, verdict: Verdict, said: str
) -> None:
    way, _ = throughput.ways(path)
    found = throughput.rate(path, way, *throughput.parse_rate(recorded(name)))
    assert (found.subject, found.check) == (f"link {path.link}", "one → two")
    assert found.way == Way("rate", path.link, "one", "two")
    assert found.verdict is verdict, found
    assert said in found.measured
    assert (found.measure is None) is (verdict is UNKNOWN)
    if found.measure:
        assert (found.measure.unit, found.measure.higher) == ("Gbit/s", True)
    if verdict is FAIL:
        assert found.target == "9.40 Gbit/s"
        assert found.remedy


@pytest.mark.parametrize("cut", [0, 1, 400, 3000])
def test_a_cut_answer_is_no_figure(cut: int) -> None:
    text = "\n".join(recorded("iperf3-json/iperf312-lo-9.4g-P4.json"))
    bps, why = throughput.parse_rate(text[: -cut or None].split("\n"))
    assert (bps is None) is bool(cut)
    assert bool(why) is bool(cut)


def test_who_is_not_linked_reads_why_a_firewall_may_let_nothing_in() -> None:
    way, back = throughput.ways(PAIR)
    assert throughput.rate(PAIR, way, None, "timed out").remedy == NOT_LINKED
    assert throughput.rate(TEN, way, None, "timed out").remedy == UNMEASURED
    assert throughput.rate(TEN, way, None, "").measured
    assert throughput.rate(TEN, back, 9.4e9, "").check == "two → one"


@pytest.mark.parametrize(
    ("target", "measured", "verdict"),
    [
        (9.4e9, 9.4e9, PASS),
        (9.4e9, 9.399e9, FAIL),
        (9.4e9, 0.0, FAIL),
        (None, 0.0, PASS),
        (9.4e9, None, UNKNOWN),
    ],
)
def test_the_bound_itself_is_enough(
    target: float | None, measured: float | None, verdict: Verdict
) -> None:
    path = Path("x", "one", "two", ("", ""), target)
    assert throughput.rate(path, throughput.ways(path)[0], measured, "why").verdict is verdict


def linked(*links: tuple[str, str, str, str]) -> Inventory:
    """Hosts that are joined: the name of a link, its two hosts, and its third number."""
    names = sorted({host for _, one, two, _ in links for host in (one, two)})
    told = {
        name: {
            "kind": "ethernet",
            "speed": "10Gbit/s",
            "ends": {
                host: {"address": f"10.0.{net}.{10 + names.index(host)}/24", "interface": "x0"}
                for host in (one, two)
            },
        }
        for name, one, two, net in links
    }
    hosts = {name: {"os": "debian-12", "roles": ("base",)} for name in names}
    return Inventory.model_validate({"hosts": hosts, "links": told})


def test_the_links_of_the_first_cluster() -> None:
    inventory = load([example_path("magnus")])
    ten, thunderbolt = throughput.paths(inventory, [*inventory.hosts], every_pair=False)
    assert (ten.link, ten.one, ten.two) == ("10g", "rtx3090", "macmini")
    assert ten.addresses == ("10.0.0.2", "10.0.0.1")
    assert ten.target_bps == pytest.approx(9.4e9)
    # What Thunderbolt carries of IP nobody promises.
    assert (thunderbolt.link, thunderbolt.target_bps) == ("thunderbolt", None)
    assert throughput.paths(inventory, ["rtx3090", "m2pro"], every_pair=True) == []
    assert throughput.paths(inventory, ["rtx3090", "macmini"], every_pair=True) == [ten]


@pytest.mark.parametrize(
    ("gbit", "share", "streams"), [(1, 0.93, 1), (2.5, 0.93, 1), (10, 0.94, 1), (25, 0.94, 4)]
)
def test_what_a_cable_must_carry_and_by_how_many_streams(
    gbit: float, share: float, streams: int
) -> None:
    inventory = load([example_path("magnus")])
    assert share_of(round(gbit * 1e9)) == share
    link = inventory.links["10g"].model_copy(update={"speed": round(gbit * 1e9)})
    links = {**inventory.links, "10g": link}
    changed = inventory.model_copy(update={"links": links})
    ten, _ = throughput.paths(changed, [*inventory.hosts], every_pair=False)
    assert ten.target_bps == pytest.approx(gbit * 1e9 * share)
    assert ten.streams == streams
    asked = throughput.client(ten.addresses[1], True, ten.streams).script
    assert ("-P 4" in asked) is (streams == 4)
    assert "-R" in asked


def test_two_behind_one_switch_are_a_pair_where_every_pair_is_wanted() -> None:
    inventory = linked(("ab", "a", "b", "1"), ("ac", "a", "c", "1"), ("bd", "b", "d", "2"))
    names = ["a", "b", "c", "d"]
    assert [p.link for p in throughput.paths(inventory, names, every_pair=False)] == [
        *("ab", "ac", "bd")
    ]
    *_, between = throughput.paths(inventory, names, every_pair=True)
    assert (between.link, between.one, between.two) == ("ab+ac", "b", "c")
    assert between.addresses == ("10.0.1.11", "10.0.1.12")
    assert (between.declared, between.target_bps) == (False, None)
    assert len(throughput.paths(inventory, names, every_pair=True)) == 4


HOSTS = [f"host{number}" for number in range(8)]
PATHS = st.lists(
    st.builds(
        lambda number, ends: Path(f"link{number}", ends[0], ends[1], ("", ""), None),
        st.integers(0, 99),
        st.sampled_from([*combinations(HOSTS, 2)]),
    ),
    unique_by=lambda path: (path.link, path.one, path.two),
    max_size=30,
)


@given(PATHS)
def test_no_round_has_a_host_twice_and_every_path_is_in_one_round(paths: list[Path]) -> None:
    rounds = throughput.rounds(paths)
    for together in rounds:
        hosts = [host for path in together for host in (path.one, path.two)]
        assert len(hosts) == len({*hosts})
    measured = [path for together in rounds for path in together]
    assert sorted(measured, key=str) == sorted(paths, key=str)
    assert all(rounds)
    # No more rounds than a path has neighbours: it always finds one that is free.
    busiest = max(
        (sum(bool({a.one, a.two} & {b.one, b.two}) for b in paths) for a in paths), default=0
    )
    assert len(rounds) <= busiest


def test_who_has_no_host_in_common_is_measured_together() -> None:
    ab, bc, cd = (Path("x", one, two, ("", ""), None) for one, two in ("ab", "bc", "cd"))
    assert throughput.rounds([ab, bc, cd]) == [[ab, cd], [bc]]

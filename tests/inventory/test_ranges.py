"""Host ranges: one entry for many hosts, and `{n}` in their addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magnusctl.inventory.ranges import MAX_HOSTS, expand
from tests.inventory.helpers import loaded


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("gpu", ["gpu"]),
        ("gpu[1:3]", ["gpu1", "gpu2", "gpu3"]),
        ("gpu[01:03]", ["gpu01", "gpu02", "gpu03"]),
        ("gpu[8:11]", ["gpu8", "gpu9", "gpu10", "gpu11"]),
        ("gpu[098:101]", ["gpu098", "gpu099", "gpu100", "gpu101"]),
        ("rack[1:2]-edge", ["rack1-edge", "rack2-edge"]),
        ("[5:5]", ["5"]),
    ],
)
def test_a_range_stands_for_its_hosts(name: str, names: list[str]) -> None:
    assert [host for host, _ in expand(name)] == names


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gpu[1-4]", "a host range is written as in"),
        ("gpu[1:4", "a host range is written as in"),
        ("gpu1:4]", "a host range is written as in"),
        ("gpu[]", "a host range is written as in"),
        ("gpu[:4]", "a host range is written as in"),
        ("gpu[a:d]", "a host range is written as in"),
        ("gpu[-1:4]", "a host range is written as in"),
        ("gpu[1:2][3:4]", "a host range is written as in"),
        ("gpu[16:1]", "runs backwards: 16 is more than 1"),
        (f"gpu[0:{MAX_HOSTS}]", f"more than {MAX_HOSTS} hosts"),
        ("gpu[0:" + "9" * 40 + "]", f"more than {MAX_HOSTS} hosts"),
    ],
)
def test_a_range_that_is_none_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        expand(name)


def test_a_bound_of_thousands_of_digits_is_refused_in_our_words() -> None:
    with pytest.raises(ValueError, match=r"more than 4096 hosts|a host range is"):
        expand("gpu[0:" + "9" * 5000 + "]")


def test_the_largest_range_is_allowed() -> None:
    assert len(expand(f"gpu[1:{MAX_HOSTS}]")) == MAX_HOSTS


@given(st.integers(0, 500), st.integers(0, 50), st.integers(1, 4))
def test_every_number_of_a_range_is_one_host(first: int, more: int, width: int) -> None:
    hosts = expand(f"h[{first:0{width}}:{first + more}]x")
    assert [int(number) for _, number in hosts] == list(range(first, first + more + 1))
    assert all(name == f"h{number}x" for name, number in hosts)
    assert len({name for name, _ in hosts}) == more + 1


def addresses(folder: Path, name: str, address: str) -> list[str | None]:
    text = f"hosts:\n  {name}: {{os: debian-12, address: '{address}'}}\n"
    return [host.address for host in loaded(folder, text).hosts.values()]


def test_each_host_of_a_range_has_an_address_of_its_own(tmp_path: Path) -> None:
    assert addresses(tmp_path, "gpu[9:11]", "10.0.0.{n}") == ["10.0.0.9", "10.0.0.10", "10.0.0.11"]


def test_a_name_for_an_address_keeps_the_zeros_of_the_range(tmp_path: Path) -> None:
    assert addresses(tmp_path, "gpu[01:02]", "gpu{n}.lan") == ["gpu01.lan", "gpu02.lan"]


def test_an_ip_address_has_no_zeros_in_front(tmp_path: Path) -> None:
    assert addresses(tmp_path, "gpu[09:10]", "10.0.0.{n}") == ["10.0.0.9", "10.0.0.10"]


def test_the_hosts_of_a_range_share_everything_else(tmp_path: Path) -> None:
    text = "hosts:\n  z: {os: debian-12}\n  gpu[1:2]: {os: debian-13, user: me, roles: [base]}\n"
    hosts = loaded(tmp_path, text).hosts
    assert list(hosts) == ["z", "gpu1", "gpu2"]
    assert hosts["gpu1"] == hosts["gpu2"]
    assert (hosts["gpu1"].user, hosts["gpu1"].roles) == ("me", ("base",))


def test_a_group_holds_the_hosts_of_a_range(tmp_path: Path) -> None:
    text = "hosts:\n  gpu[1:4]: {os: debian-12}\ngroups:\n  some: {hosts: ['gpu[2:3]', gpu1]}\n"
    inventory = loaded(tmp_path, text)
    assert inventory.groups["some"].hosts == ("gpu2", "gpu3", "gpu1")
    assert inventory.groups_of("gpu3") == ["some"]
    assert inventory.groups_of("gpu4") == []


def test_a_link_may_end_at_a_host_of_a_range(tmp_path: Path) -> None:
    text = """\
hosts:
  gpu[1:2]: {os: debian-12}
links:
  cable:
    kind: ethernet
    speed: 10Gbit/s
    ends:
      gpu1: {address: 10.0.0.1/24, interface: en0}
      gpu2: {address: 10.0.0.2/24, interface: en0}
"""
    inventory = loaded(tmp_path, text)
    assert [name for name, _ in inventory.links_of("gpu2")] == ["cable"]
    assert inventory.addresses() == {"gpu1": ["10.0.0.1"], "gpu2": ["10.0.0.2"]}

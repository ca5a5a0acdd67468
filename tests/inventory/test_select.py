"""Which hosts `--limit` means, and what a host is once its groups are counted in."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl.errors import InputError
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.select import resources_of, select, variables_of
from tests.inventory.helpers import loaded

FLEET = """\
hosts:
  rtx3090: {os: ubuntu-24.04}
  edge-1: {os: debian-12}
  edge-2: {os: debian-12}
  macmini: {os: macos-15}
  linode: {os: ubuntu-24.04}
groups:
  gpu: {hosts: [macmini, rtx3090]}
  edge: {hosts: [edge-1, edge-2]}
  nobody: {}
"""
LAYERS = """\
variables:
  base: {packages: [all], ssh_max_sessions: 1}
  network: {sysctls: {net.a: 1, net.b: 1, net.c: 1, net.d: 1}}
  custom: {colour: all, shape: all, size: all, taste: all}
groups:
  early:
    hosts: [h, other]
    variables:
      base: {packages: [early, early-too], ssh_max_sessions: 2}
      network: {sysctls: {net.b: 2, net.c: 2, net.d: 2}}
      custom: {shape: early, size: early, taste: early}
    resources: {packages: [early]}
  late:
    hosts: [h]
    variables:
      base: {packages: [late]}
      network: {sysctls: {net.c: 3, net.d: 3}}
      custom: {size: late, taste: late}
    resources: {packages: [late]}
  foreign:
    hosts: [other]
    variables: {custom: {colour: foreign}}
hosts:
  h:
    os: debian-12
    variables:
      network: {sysctls: {net.d: 4}, hosts_file: false}
      custom: {taste: host}
    resources: {packages: [host]}
  other: {os: debian-12}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Inventory:
    return loaded(tmp_path, FLEET)


@pytest.fixture
def layers(tmp_path: Path) -> Inventory:
    return loaded(tmp_path, LAYERS)


@pytest.mark.parametrize(
    ("limit", "hosts"),
    [
        ("*", ["rtx3090", "edge-1", "edge-2", "macmini", "linode"]),
        ("linode", ["linode"]),
        ("linode,rtx3090", ["rtx3090", "linode"]),
        ("edge-*", ["edge-1", "edge-2"]),
        ("edge-?", ["edge-1", "edge-2"]),
        ("@gpu", ["rtx3090", "macmini"]),
        ("@gpu,edge-1", ["rtx3090", "edge-1", "macmini"]),
        ("!linode", ["rtx3090", "edge-1", "edge-2", "macmini"]),
        ("*,!@edge", ["rtx3090", "macmini", "linode"]),
        ("!@edge,!@gpu", ["linode"]),
        ("!edge-1,@edge", ["edge-2"]),
        (" @gpu , linode ", ["rtx3090", "macmini", "linode"]),
    ],
)
def test_a_limit_means_these_hosts(fleet: Inventory, limit: str, hosts: list[str]) -> None:
    assert select(fleet, limit) == hosts


@pytest.mark.parametrize(
    ("limit", "message", "hint"),
    [
        ("rtx3080", "no host matches 'rtx3080'", "Hosts: rtx3090, edge-1"),
        ("linode,edge-9", "no host matches 'edge-9'", "Hosts: rtx3090"),
        ("!edge-9", "no host matches 'edge-9'", "Hosts: rtx3090"),
        ("@gpus", "there is no group '@gpus'", "Groups: @gpu, @edge"),
        ("!@gpus", "there is no group '@gpus'", "Groups: @gpu, @edge"),
        ("linode,!linode", "no host is left by --limit 'linode,!linode'", ""),
        ("!*", "no host is left by --limit '!*'", ""),
        ("@nobody", "no host is left by --limit '@nobody'", ""),
        ("", "no host matches ''", "Hosts: rtx3090"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(
    fleet: Inventory, limit: str, message: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        select(fleet, limit)
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("host", "custom"),
    [
        ("h", {"colour": "all", "shape": "early", "size": "late", "taste": "host"}),
        ("other", {"colour": "foreign", "shape": "early", "size": "early", "taste": "early"}),
    ],
)
def test_a_host_wins_over_late_groups_over_early_groups_over_all(
    layers: Inventory, host: str, custom: dict[str, str]
) -> None:
    assert variables_of(layers, host).custom == custom


def test_mappings_merge_key_by_key(layers: Inventory) -> None:
    sysctls = variables_of(layers, "h").network.sysctls
    assert {"net.a": 1, "net.b": 2, "net.c": 3, "net.d": 4}.items() <= sysctls.items()
    assert sysctls["net.core.rmem_max"] == 67108864  # a default, which nobody mentions


def test_null_takes_a_default_away(tmp_path: Path) -> None:
    host = "{os: debian-12, variables: {network: {sysctls: {net.core.rmem_max: null}}}}"
    sysctls = variables_of(loaded(tmp_path, f"hosts: {{h: {host}}}"), "h").network.sysctls
    assert sysctls["net.core.rmem_max"] is None
    assert sysctls["net.core.wmem_max"] == 67108864


def test_lists_and_plain_values_replace(layers: Inventory) -> None:
    base = variables_of(layers, "h").base
    assert (base.packages, base.ssh_max_sessions) == (("late",), 2)


def test_what_nobody_says_is_the_default(layers: Inventory) -> None:
    assert variables_of(layers, "h").network.hosts_file is False
    assert variables_of(layers, "other").network.hosts_file is True
    assert variables_of(layers, "other").base.ssh_groups == ("magnus-ssh",)


def test_the_order_of_groups_is_that_of_the_inventory(tmp_path: Path) -> None:
    text = "hosts: {h: {os: debian-12}}\ngroups:\n"
    group = "  {0}: {{hosts: [h], variables: {{custom: {{who: {0}}}}}}}\n"
    b_last = loaded(tmp_path, text + group.format("a") + group.format("b"))
    a_last = loaded(tmp_path, text + group.format("b") + group.format("a"))
    assert variables_of(b_last, "h").custom == {"who": "b"}
    assert variables_of(a_last, "h").custom == {"who": "a"}


def test_resources_come_from_groups_in_order_and_then_from_the_host(layers: Inventory) -> None:
    declared = [(by, resources.packages) for by, resources in resources_of(layers, "h")]
    assert declared == [
        ("group early", ("early",)),
        ("group late", ("late",)),
        ("host h", ("host",)),
    ]


def test_an_overlay_merges_mappings_and_replaces_lists(tmp_path: Path) -> None:
    below = "hosts:\n  h: {os: debian-12, user: me, roles: [base, network]}\n"
    above = "cluster: lab\nhosts:\n  h: {user: you, roles: [cuda]}\n  i: {os: debian-13}\n"
    inventory = loaded(tmp_path, below, above)
    host = inventory.hosts["h"]
    assert (host.os, host.user, host.roles) == ("debian-12", "you", ("cuda",))
    assert (inventory.cluster, list(inventory.hosts)) == ("lab", ["h", "i"])


def test_the_last_overlay_wins(tmp_path: Path) -> None:
    overlays = [f"hosts: {{h: {{user: {name}}}}}\n" for name in ("one", "two")]
    inventory = loaded(tmp_path, "hosts: {h: {os: debian-12}}\n", *overlays)
    assert inventory.hosts["h"].user == "two"

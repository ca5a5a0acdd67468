"""`inventory check | show | graph | schema` and `init`, through the real command line."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from magnusctl.inventory import show, starter
from magnusctl.inventory.validate import load
from tests.inventory.helpers import loaded, magnusctl

PROJECT = Path(__file__).parents[2]
FLEET = """\
cluster: home
variables: {custom: {colour: red}}
groups:
  both: {hosts: ["gpu[1:2]"], variables: {custom: {shape: round}}}
hosts:
  gpu[1:2]:
    os: ubuntu-24.04
    address: 10.1.0.{n}
    roles: [base, network]
    engine: vllm
    location: cellar
    protected: true
    hardware: {cpu: Ryzen, cores: 8, memory: 64GB, gpus: [{name: RTX 3090, memory: 24GiB}]}
  mac: {os: macos-15, connection: local}
links:
  cable:
    kind: ethernet
    speed: 2.5Gbit/s
    mtu: 9000
    ends:
      gpu1: {address: 10.0.0.1/24, interface: en0, mac: "a0:36:9f:00:00:01"}
      mac: {address: 10.0.0.2/24, interface: en5}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "magnus.yaml").write_text(FLEET)
    return tmp_path


def test_show_says_what_each_host_is(tmp_path: Path) -> None:
    text = show.as_text(loaded(tmp_path, FLEET))
    assert text.splitlines() == [
        "cluster home",
        "gpu1  ubuntu-24.04  base, network",
        "      ssh 10.1.0.1, protected, cellar, vllm, groups both",
        "      Ryzen, 8 cores, 64GB memory, RTX 3090 24GiB",
        "gpu2  ubuntu-24.04  base, network",
        "      ssh 10.1.0.2, protected, cellar, vllm, groups both",
        "      Ryzen, 8 cores, 64GB memory, RTX 3090 24GiB",
        "mac   macos-15      no roles",
        "      this machine",
        "links",
        "  cable        ethernet 2500Mbit/s mtu 9000   gpu1 10.0.0.1/24 – mac 10.0.0.2/24",
    ]


def test_show_says_which_windows_there_are_and_whom_they_concern(tmp_path: Path) -> None:
    windows = """\
windows:
  asx: {timezone: Australia/Sydney, from: "09:50", to: "16:15", note: ASX trading hours}
  night: {timezone: UTC, days: [sat], from: "22:00", to: "04:00", holidays: [2026-12-26]}
hosts:
  a: {os: debian-12, protected_services: [db], freeze: [asx], maintenance: [night]}
"""
    inventory = loaded(tmp_path, windows)
    assert show.as_text(inventory).splitlines()[2:] == [
        "   ssh a, protected, freeze asx, maintenance night",
        "windows",
        "  asx          mon tue wed thu fri 09:50–16:15 Australia/Sydney   ASX trading hours",
        "  night        sat 22:00–04:00 UTC",
    ]
    document = json.loads(show.as_json(inventory))
    assert document["hosts"]["a"]["protected"] is True
    night = document["windows"]["night"]
    assert (night["from"], night["to"]) == ("22:00", "04:00")
    assert (night["days"], night["holidays"]) == (["sat"], ["2026-12-26"])


def test_show_json_holds_everything_as_understood(project: Path) -> None:
    result = magnusctl(project, "inventory", "show", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert (document["schema"], document["type"], document["cluster"]) == (1, "inventory", "home")
    assert set(document["hosts"]) == {"gpu1", "gpu2", "mac"}
    host = document["hosts"]["gpu2"]
    assert (host["address"], host["groups"]) == ("10.1.0.2", ["both"])
    assert host["hardware"]["memory"] == 64 * 1000**3
    assert host["variables"]["custom"] == {"colour": "red", "shape": "round"}
    assert document["hosts"]["mac"]["variables"]["custom"] == {"colour": "red"}
    assert document["links"]["cable"]["speed"] == 2_500_000_000


def test_show_json_of_a_group_holds_only_what_the_group_says(tmp_path: Path) -> None:
    group = json.loads(show.as_json(loaded(tmp_path, FLEET)))["groups"]["both"]
    assert group["variables"] == {"custom": {"shape": "round"}}


def test_show_prints_the_text(project: Path) -> None:
    result = magnusctl(project, "inventory", "show")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == show.as_text(load([project / "magnus.yaml"])) + "\n"


def test_graph_draws_every_host_and_link(project: Path) -> None:
    result = magnusctl(project, "inventory", "graph")
    assert (result.returncode, result.stderr) == (0, "")
    first, *lines = result.stdout.splitlines()
    assert first == "graph LR"
    boxes = {m[2]: m[1] for line in lines if (m := re.fullmatch(r'  (\w+)\["(\w+)<.*"\]', line))}
    assert set(boxes) == {"gpu1", "gpu2", "mac"}
    assert f'  {boxes["gpu1"]} ---|"cable: 2500Mbit/s"| {boxes["mac"]}' in lines


def test_check_counts_what_it_checked(project: Path) -> None:
    result = magnusctl(project, "inventory", "check")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"magnus\.yaml: 3 hosts, 1 links?, \d+ resources: ok\n", result.stdout)


def test_check_json_is_one_line(project: Path) -> None:
    result = magnusctl(project, "inventory", "check", "--json")
    (line,) = result.stdout.splitlines()
    document = json.loads(line)
    assert (document["type"], document["file"]) == ("inventory-check", "magnus.yaml")
    assert set(document["resources"]) == {"gpu1", "gpu2", "mac"}
    assert (document["warnings"], document["resources"]["mac"]) == ([], 0)


def test_check_warns_and_still_passes(project: Path) -> None:
    ends = FLEET.replace("interface: en0", "interface: en0, port: sfp+")
    ends = ends.replace("interface: en5", "interface: en5, port: rj45")
    (project / "magnus.yaml").write_text(ends.replace("mtu: 9000", "media: dac"))
    result = magnusctl(project, "inventory", "check")
    assert result.returncode == 0
    assert result.stdout.startswith("warning: link cable: a DAC cannot join")
    found = json.loads(magnusctl(project, "inventory", "check", "--json").stdout)
    assert len(found["warnings"]) == 1


def test_check_names_the_overlay_that_is_wrong(project: Path) -> None:
    (project / "lab.yaml").write_text("hosts:\n  mac: {os: macos-14}\n")
    result = magnusctl(project, "inventory", "check", "--overlay", "lab.yaml")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("lab.yaml:2:13: unknown os 'macos-14'")


def test_an_error_is_an_object_for_machines_that_read(project: Path) -> None:
    (project / "magnus.yaml").write_text("hosts:\n  a: {os: amiga}\n")
    result = magnusctl(project, "inventory", "check", "--json")
    assert result.returncode == 2
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["type"] == "error"
    assert "unknown os 'amiga'" in line


def test_schema_prints_the_schema(project: Path) -> None:
    result = magnusctl(project, "inventory", "schema")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == starter.schema_text()


def test_the_inventory_is_found_or_missed_in_words(tmp_path: Path) -> None:
    missing = magnusctl(tmp_path, "inventory", "check")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "magnusctl init" in missing.stderr
    (tmp_path / "other.yaml").write_text(FLEET)
    named = magnusctl(tmp_path, "inventory", "show", environment={"MAGNUS_INVENTORY": "other.yaml"})
    assert named.stdout.startswith("cluster home")


def test_init_writes_an_inventory_that_is_good(tmp_path: Path) -> None:
    result = magnusctl(tmp_path, "init", "lab")
    assert (result.returncode, result.stderr) == (0, "")
    folder = tmp_path / "lab" / "inventory"
    first = (folder / "magnus.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=./schema.json"
    assert (folder / "schema.json").read_text() == starter.schema_text()
    assert magnusctl(tmp_path / "lab", "inventory", "check").returncode == 0


def test_a_second_init_refuses_and_leaves_the_file(tmp_path: Path) -> None:
    assert magnusctl(tmp_path, "init").returncode == 0
    path = tmp_path / "inventory" / "magnus.yaml"
    path.write_text("mine\n")
    second = magnusctl(tmp_path, "init")
    assert (second.returncode, second.stdout) == (2, "")
    assert "there is an inventory already" in second.stderr
    assert path.read_text() == "mine\n"


def test_what_the_starter_comments_out_is_good_too(tmp_path: Path) -> None:
    text = starter.STARTER
    example = text[text.index("# links:") :]
    links = "\n".join(line.removeprefix("# ") for line in example.splitlines())
    inventory = loaded(tmp_path, f"{text[: text.index('# A cable')]}{links}\n")
    assert set(inventory.links) == {"10g"}


def test_the_command_in_the_example_is_one_that_works(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "inventory", tmp_path / "inventory")
    text = (tmp_path / "inventory" / "magnus.yaml").read_text()
    command = re.search(r"magnusctl (.*)", text)
    assert command
    assert magnusctl(tmp_path, *command[1].split()).returncode == 0

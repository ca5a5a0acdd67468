"""The types of an inventory: what is allowed, what is understood, and the schema of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from magnusctl.inventory import fields, starter
from magnusctl.inventory.model import Host, Inventory
from magnusctl.inventory.validate import load, warnings
from tests.inventory.helpers import loaded

PROJECT = Path(__file__).parents[2]
EXAMPLES = sorted((PROJECT / "inventory").glob("*.yaml"))
SCHEMA = PROJECT / "inventory" / "schema.json"

SHELL = ["a;b", "a b", "$(id)", "`id`", "a|b", "a&b", "a>b", "a'b", 'a"b', "a\nb", "a\0b", "a\x1bb"]

GOOD: list[tuple[str, Any, list[str]]] = [
    ("host", fields.HostName, ["a", "gpu-1", "gpu_1", "a.example.org", "10g", "A" * 63]),
    ("address", fields.Address, ["10.0.0.1", "::1", "fe80::1", "gpu.lan", "gpu{n}.lan"]),
    ("interface", fields.Interface, ["10.0.0.1/24", "10.0.0.0/31", "10.0.0.1/32"]),
    ("device", fields.Device, ["en0", "enp1s0f0", "bridge0", "eth0.100", "mg10g0"]),
    ("user", fields.UserName, ["magnus", "_chrony", "www-data", "u1", "a" * 32]),
    ("member", fields.Member, ["@login", "magnus"]),
    ("package", fields.PackageName, ["iperf3", "g++", "libstdc++6", "python3.11", "go@1.21"]),
    ("unit", fields.Unit, ["chrony", "magnus-vllm.service", "user@1000", "dev-sda1.device"]),
    ("sysctl", fields.SysctlKey, ["vm.swappiness", "net.ipv4.conf.en0.rp_filter"]),
    ("mac", fields.Mac, ["a0:36:9f:12:34:56"]),
    ("path", fields.AbsolutePath, ["/", "/etc/motd", "/srv/with space/ü", "/etc/..x", "/a/.b"]),
    ("mode", fields.Mode, ["0644", "1777", "4755", "0000"]),
    ("clock", fields.Clock, ["00:00", "09:50", "19:09", "23:59"]),
    ("clock end", fields.ClockEnd, ["00:00", "24:00"]),
    ("port", fields.Port, []),
    ("key", fields.PublicKey, ["ssh-ed25519 AAAA me@laptop", "ssh-rsa AAAA==", "ssh-rsa AB a b"]),
]
BAD: list[tuple[str, Any, list[object]]] = [
    ("host", fields.HostName, [*SHELL, "-a", ".a", "_a", "a-", "", "A" * 64, "a/b", "a:b", "ü"]),
    ("address", fields.Address, [*SHELL, "-a", "10.0.0", "10.0.0.256", "1:2", "a/b", "http://a"]),
    ("interface", fields.Interface, [*SHELL, "10.0.0.1", "10.0.0.1/33", "::1/64", "10.0.0.1/"]),
    ("device", fields.Device, [*SHELL, "-a", "0en", "", "e" * 16, "en/0", "en\n"]),
    ("user", fields.UserName, [*SHELL, "-a", "Root", "0a", "", "a" * 33, "a.b", "root\n", "a:b"]),
    ("member", fields.Member, [*SHELL, "@all", "@", "@login\n"]),
    ("package", fields.PackageName, [*SHELL, "-a", "--purge", "", "a/b", "a=1", "a\n"]),
    ("unit", fields.Unit, [*SHELL, "-a", "--force", "", "a/b", "chrony\n", "ü"]),
    ("sysctl", fields.SysctlKey, [*SHELL, "vm", "vm.", ".vm", "-w.a", "vm.a=1", "vm.a\n"]),
    ("mac", fields.Mac, [*SHELL, "", "a0:36:9f:12:34", "a0:36:9f:12:34:5g", "a0369f123456"]),
    ("path", fields.AbsolutePath, ["", "a", "~/a", "./a", "/a/../b", "/..", "//a", "/a/", "/a\nb"]),
    ("mode", fields.Mode, ["644", "0o644", "0888", "00644", "u=rw", "", 644, 0o644, True, None]),
    ("clock", fields.Clock, [*SHELL, "", "9:50", "24:00", "12:60", "12:5", "12:00:00", 950]),
    ("clock end", fields.ClockEnd, ["24:01", "25:00", "16:15\n"]),
    ("date", fields.Date, [*SHELL, "", "20261225", "2026-W01-1", "2026-02-30", "26-12-25", 2026]),
    ("port", fields.Port, [0, -1, 65536, 70000]),
    ("key", fields.PublicKey, ["", "AAAA", "ssh-dss AAAA", "ssh-rsa AAAA\nssh-rsa B", "ssh-rsa"]),
]


def each(table: list[tuple[str, Any, Any]]) -> list[Any]:
    return [
        pytest.param(kind, value, id=f"{name}-{value!r}")
        for name, kind, values in table
        for value in values
    ]


@pytest.mark.parametrize(("kind", "value"), each(GOOD))
def test_a_field_takes_what_its_grammar_allows(kind: Any, value: object) -> None:
    assert TypeAdapter(kind).validate_python(value, strict=True) == value


@pytest.mark.parametrize(("kind", "value"), each(BAD))
def test_a_field_refuses_what_its_grammar_does_not_know(kind: Any, value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value, strict=True)


def test_an_inventory_cannot_be_changed(tmp_path: Path) -> None:
    inventory = loaded(tmp_path, "hosts: {a: {os: debian-12}}\n")
    with pytest.raises(ValidationError, match="frozen"):
        inventory.cluster = "other"
    with pytest.raises(ValidationError, match="frozen"):
        inventory.hosts["a"].user = "other"


def test_what_is_left_out_has_a_careful_default(tmp_path: Path) -> None:
    host = loaded(tmp_path, "hosts: {a: {os: debian-12}}\n").hosts["a"]
    assert (host.connection, host.become, host.address, host.port) == ("ssh", True, None, None)
    assert (host.protected, host.simulated, host.ssh.forward_agent) == (False, False, False)
    assert (host.roles, host.ssh.timeout) == ((), 10.0)


def test_a_host_with_protected_services_is_protected(tmp_path: Path) -> None:
    text = "hosts: {a: {os: debian-12, protected_services: [db]}, b: {os: debian-12}}\n"
    hosts = loaded(tmp_path, text).hosts
    assert (hosts["a"].protected, hosts["b"].protected) == (True, False)


@pytest.mark.parametrize(
    ("os", "name", "macos"),
    [
        ("ubuntu-24.04", "ubuntu", False),
        ("debian-13", "debian", False),
        ("macos-26", "macos", True),
    ],
)
def test_a_host_knows_its_system(os: Any, name: str, macos: bool) -> None:
    host = Host(os=os)
    assert (host.os_name, host.macos) == (name, macos)


def test_units_are_numbers_once_read(tmp_path: Path) -> None:
    text = """\
hosts:
  a:
    os: debian-12
    ssh: {timeout: 2m}
    hardware:
      memory: 64GiB
      gpus: [{name: RTX, memory: 24GiB}]
      nics: [{name: X520, speed: 10Gbit/s}]
      disks: [{name: SSD, size: 2TB}]
"""
    host = loaded(tmp_path, text).hosts["a"]
    hardware = host.hardware
    assert host.ssh.timeout == 120
    assert (hardware.memory, hardware.gpus[0].memory) == (64 * 1024**3, 24 * 1024**3)
    assert (hardware.nics[0].speed, hardware.disks[0].size) == (10 * 1000**3, 2 * 1000**4)


LINK = """\
hosts: {{one: {{os: debian-12}}, two: {{os: debian-12}}}}
links:
  cable:
    kind: ethernet
    speed: 10Gbit/s
    media: {media}
    ends:
      one: {{address: 10.0.0.1/24, interface: en0, port: sfp+}}
      two: {{address: 10.0.0.2/24, interface: en0, port: {port}}}
"""


@pytest.mark.parametrize(
    ("media", "port", "count"), [("dac", "rj45", 1), ("dac", "sfp+", 0), ("switch", "rj45", 0)]
)
def test_a_dac_between_unlike_ports_is_warned_of(
    media: str, port: str, count: int, tmp_path: Path
) -> None:
    found = warnings(loaded(tmp_path, LINK.format(media=media, port=port)))
    assert len(found) == count
    assert all("link cable: a DAC cannot join" in note for note in found)


def test_there_is_an_example() -> None:
    assert "magnus.yaml" in {path.name for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_a_good_inventory(path: Path) -> None:
    assert load([path]).hosts


@pytest.mark.skipif(not SCHEMA.exists(), reason="the checkout has no inventory/schema.json")
def test_the_schema_beside_the_example_is_the_schema_of_the_model() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == starter.schema_text()


def test_the_schema_knows_every_key_and_allows_no_other() -> None:
    schema = json.loads(starter.schema_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == set(Inventory.model_fields)
    assert set(schema["$defs"]["Host"]["properties"]) == set(Host.model_fields)
    models = [part for part in schema["$defs"].values() if part.get("type") == "object"]
    assert len(models) >= 15
    assert all(part["additionalProperties"] is False for part in models)


def test_the_schema_takes_sizes_and_modes_as_text() -> None:
    parts = json.loads(starter.schema_text())["$defs"]
    assert parts["Gpu"]["properties"]["memory"]["type"] == "string"
    assert parts["FileSpec"]["properties"]["mode"]["type"] == "string"


def test_the_schema_is_the_same_every_time() -> None:
    assert starter.schema_text() == starter.schema_text()
    assert starter.schema_text().endswith("}\n")

"""The kinds of a Linux host, against its stand-ins: probe, apply, probe again, drift."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from magnusctl.resources.group import Group
from magnusctl.resources.interface import Interface
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.state import Resource
from tests.shells.conftest import MACS
from tests.shells.hosts import Host, a_file, fewer_shells

pytestmark = pytest.mark.shells
NETPLAN = """\
network:
  ethernets:
    lan:
      match: {{macaddress: "{mac}"}}
      set-name: lan10g
      mtu: 9000
      addresses: [10.0.0.2/24]
"""


Drift = tuple[Callable[[Host], None], set[str]]


def _edit(name: str, old: str, new: str) -> Callable[[Host], None]:
    def edit(host: Host) -> None:
        path = host.path(name)
        text, edits = re.subn(old, new, path.read_text(), flags=re.MULTILINE)
        assert edits, f"no {old!r} in {name}"
        path.write_text(text)

    return edit


UNITS = "/.simulated/units"
# The resource, what the host first answers, and one drift after the other with what it changes.
CASES: list[tuple[Resource, str, list[Drift]]] = [
    (
        Package(package="curl"),
        "absent",
        [(_edit("/.simulated/packages", "^curl .*\n", ""), {"ensure"})],
    ),
    (
        Package(package="pinned", version="1.0-simulated"),
        "absent",
        [(_edit("/.simulated/packages", "^pinned .*", "pinned 0.9"), {"version"})],
    ),
    (
        User(user="ops", shell="/bin/bash", comment="Op S", groups=("root",)),
        "absent",
        [
            (_edit("/etc/passwd", "^(ops:.*):/bin/bash$", r"\1:/bin/false"), {"shell"}),
            (_edit("/etc/passwd", "Op S", "Else"), {"comment"}),
            (_edit("/etc/group", "^(root:.*:).*", r"\1demo"), {"groups"}),
        ],
    ),
    (
        Group(group="llm", members=("demo", "@login")),
        "absent",
        [(_edit("/etc/group", "^(llm:.*:).*", r"\1other"), {"members"})],
    ),
    (
        Service(unit="ssh"),
        "loaded disabled up -",
        [
            (_edit(f"{UNITS}/ssh.service", "active", "inactive"), {"running"}),
            (_edit(f"{UNITS}/ssh.service", "enabled", "disabled"), {"enabled"}),
            (_edit(f"{UNITS}/ssh.service", ".+", "disabled failed"), {"enabled", "running"}),
        ],
    ),
    (
        Service(unit="web.timer", enabled=False, running=False),
        "loaded enabled up -",
        [(_edit(f"{UNITS}/web.timer", ".+", "static active"), {"enabled", "running"})],
    ),
    (
        Service(unit="half", enabled=None),
        "loaded disabled down -",
        [(_edit(f"{UNITS}/half.service", ".+", "masked failed"), {"running"})],
    ),
    (
        Sysctl(key="net.ipv4.tcp_rmem", value="4096  87380\t16777216"),
        "= 4096 131072 6291456",
        [(_edit("/.simulated/sysctl", "4096 87380 16777216", "1 2 3"), {"value"})],
    ),
]


def test_kinds_are_asked_set_and_read_back_as_declared(linux: Host) -> None:
    linux.write(f"{UNITS}/web.timer", "enabled active\n")
    linux.write(f"{UNITS}/half.service", "disabled inactive\n")
    wanted = [resource for resource, _, _ in CASES]
    seen = linux.observe(wanted)
    assert [seen[resource.id].answer for resource in wanted] == [answer for _, answer, _ in CASES]
    job = linux.provision(*wanted)
    assert job.ok, job.output
    for number in range(max(len(drifts) for _, _, drifts in CASES)):
        drifted = {r.id: drifts[number] for r, _, drifts in CASES if number < len(drifts)}
        for drift, _ in drifted.values():
            drift(linux)
        changes = linux.plan(*wanted).changes
        assert {change.resource.id: set(change.differs) for change in changes} == {
            name: attributes for name, (_, attributes) in drifted.items()
        }
        job = linux.provision(*wanted)
        assert job.ok, job.output


@fewer_shells
def test_the_home_of_a_user_is_set_and_its_drift_undone(linux: Host) -> None:
    wanted = User(user="ops", home="/srv/ops", system=True)
    assert linux.provision(wanted).ok
    _edit("/etc/passwd", "/srv/ops", "/elsewhere")(linux)
    assert linux.plan(wanted).changes[0].differs == ("home",)
    assert linux.provision(wanted).ok


@fewer_shells
def test_ten_packages_are_one_question_and_one_transaction(linux: Host) -> None:
    wanted = [Package(package=f"tool-{number}") for number in range(10)]
    for program in ("dpkg-query", "apt-get"):
        real = linux.path(f"/.standins/{program}")
        real.rename(linux.path(f"/.standins/real-{program}"))
        linux.standin(program, f'echo {program} >>"$MAGNUS_ROOT/calls"; exec real-{program} "$@"')
    plan = linux.plan(*wanted)
    job = linux.apply(plan, *wanted)
    assert job.ok
    assert set(job.words) == {package.id for package in wanted}
    calls = linux.path("/calls").read_text().split()
    assert calls.count("apt-get") == 1
    # The plan, the guards (one for each package), the closing probe.
    assert calls.count("dpkg-query") == 2 + len(wanted)


@fewer_shells
def test_a_package_that_no_repository_offers_fails_by_name(linux: Host) -> None:
    linux.standin("apt-cache", 'shift; printf "%s:\\n  Candidate: (none)\\n" "$@"')
    wanted = Package(package="no-such-tool")
    job = linux.provision(wanted)
    assert job.words == {wanted.id: "failed"}
    assert "no repository of this host offers: no-such-tool" in job.output[wanted.id][-1]


@fewer_shells
def test_declared_absent_packages_users_and_groups_are_removed(linux: Host) -> None:
    linux.write("/.simulated/packages", "sudo 1\nnano 2\n")
    linux.write("/etc/passwd", "root:x:0:0::/:/bin/sh\nold:x:9:9::/:/bin/sh\n")
    linux.write("/etc/group", "root:x:0:\nolds:x:9:\n")
    remove = 'sed "/^$1:/d" "$f" >"$f.new" && mv "$f.new" "$f"'
    linux.standin("userdel", f"f=$MAGNUS_ROOT/etc/passwd; {remove}")
    linux.standin("groupdel", f"f=$MAGNUS_ROOT/etc/group; {remove}")
    wanted = (
        Package(package="nano", ensure="absent"),
        User(user="old", ensure="absent"),
        Group(group="olds", ensure="absent"),
    )
    job = linux.provision(*wanted)
    assert job.ok, job.output
    assert linux.path("/.simulated/packages").read_text() == "sudo 1\n"
    assert linux.path("/etc/passwd").read_text() == "root:x:0:0::/:/bin/sh\n"
    assert linux.path("/etc/group").read_text() == "root:x:0:\n"
    assert not linux.plan(*wanted)


@fewer_shells
def test_a_unit_that_is_missing_is_told_apart_and_fails_to_start(linux: Host) -> None:
    wanted = [Service(unit="absent.socket"), Service(unit="ssh")]
    seen = linux.observe(wanted)
    assert seen["service:absent.socket"].answer == "not-found disabled down -"
    assert seen["service:ssh"].answer == "loaded disabled up -"


@fewer_shells
def test_a_sysctl_that_the_kernel_clamps_is_different_after_the_job(linux: Host) -> None:
    linux.standin("sysctl", '[ "$1" = -w ] || echo 42')
    job = linux.provision(Sysctl(key="vm.swappiness", value="10"))
    assert set(job.words.values()) == {"ok"}
    assert job.left is not None
    assert job.left.changes[0].before == {"value": "42"}


def test_a_card_gets_its_address_and_mtu_once_its_file_is_there(linux: Host) -> None:
    mac = MACS["card0"]
    file = a_file("/etc/netplan/60-lan.yaml", NETPLAN.format(mac=mac), validator="netplan")
    card = Interface(mac=mac, address="10.0.0.2/24", mtu=9000, restart_on=(file.id,))
    linux.path("/etc/netplan").mkdir()
    job = linux.provision(file, card)
    assert job.ok, job.output
    _edit("/.simulated/links", "9000", "1500")(linux)
    assert linux.plan(file, card).changes[0].differs == ("mtu",)
    assert linux.provision(file, card).ok
    _edit("/.simulated/links", "10.0.0.2/24", "10.0.0.9/24")(linux)
    assert linux.plan(file, card).changes[0].differs == ("address",)
    assert linux.provision(file, card).ok


@fewer_shells
def test_a_card_that_is_not_there_is_said_by_its_mac(linux: Host) -> None:
    card = Interface(mac="02:00:00:00:00:99", address="10.0.0.2/24", mtu=9000)
    assert linux.observe([card])[card.id].answer == "missing - - -"
    job = linux.provision(card)
    assert "no network card has the address 02:00:00:00:00:99" in job.output[card.id][-1]

"""The kinds of a Mac, against its stand-ins: probe, apply, probe again, drift."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from magnusctl.resources.group import Group
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.netservice import Netservice
from magnusctl.resources.package import Package
from magnusctl.resources.pmset import Pmset
from magnusctl.resources.user import User
from magnusctl.state import Action, Resource
from tests.shells.hosts import Host, a_file, a_plist, fewer_shells

pytestmark = pytest.mark.shells
DIRECTORY = "/.simulated/directory"


Drift = tuple[Callable[[Host], None], set[str]]


def _set(name: str, text: str) -> Callable[[Host], None]:
    def change(host: Host) -> None:
        assert host.path(name).exists()
        host.path(name).write_text(text)

    return change


CASES: list[tuple[Resource, str, list[Drift]]] = [
    (
        Package(package="jq"),
        "absent",
        [(_set("/.simulated/packages", "other 1.0\n"), {"ensure"})],
    ),
    (
        User(user="ops", shell="/bin/bash", comment="Op S", home="/Users/ops"),
        "absent",
        [
            (_set(f"{DIRECTORY}/Users/ops/UserShell", "/bin/zsh\n"), {"shell"}),
            (_set(f"{DIRECTORY}/Users/ops/RealName", "Else\n"), {"comment"}),
            (_set(f"{DIRECTORY}/Users/ops/NFSHomeDirectory", "/x\n"), {"home"}),
        ],
    ),
    (
        Group(group="llm", members=("demo", "@login")),
        "absent",
        [(_set(f"{DIRECTORY}/Groups/llm/GroupMembership", "other\n"), {"members"})],
    ),
    (
        Pmset(key="sleep", value=0),
        "= 1",
        [
            (_set("/.simulated/pmset", " sleep 10\n"), {"value"}),
            (_set("/.simulated/pmset", " sleep 0\nBattery Power:\n sleep 5\n"), {"value"}),
        ],
    ),
    (
        Netservice(service="Thunderbolt Bridge", device="bridge0", address="10.0.0.1/24", mtu=9000),
        "DHCP - - 1500 -",
        [
            (
                _set("/.simulated/services/Thunderbolt Bridge", "DHCP\n"),
                {"method", "address"},
            ),
            (_set("/.simulated/services/mtu.bridge0", "1500\n"), {"mtu"}),
        ],
    ),
]


def test_kinds_are_asked_set_and_read_back_as_declared(macos: Host) -> None:
    wanted = [resource for resource, _, _ in CASES]
    seen = macos.observe(wanted)
    assert [seen[resource.id].answer for resource in wanted] == [answer for _, answer, _ in CASES]
    job = macos.provision(*wanted)
    assert job.ok, job.output
    for number in range(max(len(drifts) for _, _, drifts in CASES)):
        drifted = {r.id: drifts[number] for r, _, drifts in CASES if number < len(drifts)}
        for drift, _ in drifted.values():
            drift(macos)
        changes = macos.plan(*wanted).changes
        assert {change.resource.id: set(change.differs) for change in changes} == {
            name: attributes for name, (_, attributes) in drifted.items()
        }
        job = macos.provision(*wanted)
        assert job.ok, job.output


@fewer_shells
def test_a_user_is_added_to_its_groups(macos: Host) -> None:
    wanted = (Group(group="ops"), User(user="joan", groups=("ops",), after=("group:ops",)))
    macos.provision(*wanted)
    members = macos.path(f"{DIRECTORY}/Groups/ops/GroupMembership").read_text()
    assert members == "joan\n"


def test_a_launchd_job_is_loaded_asked_and_loaded_again_for_another_plist(macos: Host) -> None:
    path = "/Library/LaunchDaemons/com.example.x.plist"
    macos.path("/Library/LaunchDaemons").mkdir(parents=True, exist_ok=True)

    def wanted(text: str) -> tuple[Resource, ...]:
        plist = a_file(path, a_plist(text), validator="plist")
        return plist, Launchd(label="com.example.x", plist=path, restart_on=(plist.id,))

    assert macos.observe(wanted("1"))["launchd:com.example.x"].answer == "yes absent -"
    assert macos.provision(*wanted("1")).ok
    plan = macos.plan(*wanted("2"))
    assert [change.action for change in plan.changes] == [Action.UPDATE, Action.RESTART]
    assert macos.apply(plan, *wanted("2")).ok
    macos.path("/.simulated/jobs/com.example.x").unlink()
    (change,) = macos.plan(*wanted("2")).changes
    assert change.differs == ("loaded",)
    assert macos.provision(*wanted("2")).ok


@fewer_shells
def test_a_launchd_job_that_must_not_run_is_booted_out(macos: Host) -> None:
    macos.write("/.simulated/jobs/com.example.x", "")
    wanted = Launchd(label="com.example.x", plist="/x.plist", running=False)
    assert macos.provision(wanted).ok
    assert not macos.path("/.simulated/jobs/com.example.x").exists()
    assert not macos.plan(wanted)


@fewer_shells
def test_a_launchd_job_that_is_slow_to_go_is_waited_for(macos: Host) -> None:
    label = "com.example.slow"
    macos.path("/.standins/launchctl").rename(macos.path("/.standins/real-launchctl"))
    slow = '[ "$1" != bootout ] || { (sleep 0.3; real-launchctl "$@") & exit 0; }'
    macos.standin("launchctl", f'{slow}\nexec real-launchctl "$@"')
    plist = a_file("/etc/com.example.slow.plist", "1")
    wanted = (plist, Launchd(label=label, plist=plist.path, restart_on=(plist.id,)))
    macos.write(f"/.simulated/jobs/{label}", "")
    job = macos.provision(*wanted)
    assert job.ok, job.output


@fewer_shells
def test_networksetup_that_complains_and_exits_0_has_failed(macos: Host) -> None:
    wanted = Netservice(service="No Such", device="en9", address="10.0.0.1/24", mtu=9000)
    assert macos.observe([wanted])[wanted.id].answer == "missing"
    job = macos.provision(wanted)
    assert job.words == {wanted.id: "failed"}
    assert "not a recognized network service" in job.output[wanted.id][-1]


@fewer_shells
def test_a_key_that_this_mac_lacks_is_missing(macos: Host) -> None:
    wanted = Pmset(key="nosuchkey", value=1)
    assert macos.observe([wanted])[wanted.id].answer == "missing"


@fewer_shells
def test_declared_absent_packages_users_and_groups_are_removed(macos: Host) -> None:
    macos.write("/.simulated/packages", "jq 1.0\nkept 1.0\n")
    macos.write(f"{DIRECTORY}/Users/old/UniqueID", "551\n")
    macos.write(f"{DIRECTORY}/Groups/olds/PrimaryGroupID", "600\n")
    wanted = (
        Package(package="jq", ensure="absent"),
        User(user="old", ensure="absent"),
        Group(group="olds", ensure="absent"),
    )
    job = macos.provision(*wanted)
    assert job.ok, job.output
    assert macos.path("/.simulated/packages").read_text() == "kept 1.0\n"
    assert not macos.plan(*wanted)

"""Every kind has a way back: what was declared is undone, and the host answers as before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from magnusctl import records, undo
from magnusctl.resources import KINDS
from magnusctl.resources.command import Command
from magnusctl.resources.group import Group
from magnusctl.resources.hostname import Hostname
from magnusctl.resources.interface import Interface
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.netservice import Netservice
from magnusctl.resources.package import Package
from magnusctl.resources.pmset import Pmset
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.state import Resource, Risk
from tests.shells.conftest import MACS
from tests.shells.guarded import RISKY, asking, told_by
from tests.shells.hosts import Host, a_block, a_directory, a_file, a_plist
from tests.shells.shells import FEWER, SHELLS
from tests.shells.test_linux import NETPLAN
from tests.shells.together import under

pytestmark = pytest.mark.shells
UNITS = "/.simulated/units"
PLISTS = "/Library/LaunchDaemons"


def _anywhere(host: Host) -> tuple[Resource, ...]:
    host.write("/etc/theirs", b"bytes \xff\0 of theirs", 0o604)
    host.write("/etc/gone", "theirs\n", 0o640)
    host.write("/etc/marked", "a\n# magnus begin\nold\n# magnus end\nz\n")
    host.write("/etc/unmarked", "a\n")
    host.path("/srv/open").mkdir(parents=True, mode=0o777)
    host.path("/srv/empty").mkdir()
    made = '"$ROOT/made"'
    return (
        a_directory("/srv/new"),
        a_directory("/srv/open", mode="0700"),
        a_directory("/srv/empty", ensure="absent"),
        a_file("/srv/new/file", after=("directory:/srv/new",)),
        a_file("/etc/theirs", "ours\n", mode="0600"),
        a_file("/etc/gone", ensure="absent"),
        a_block("/etc/marked", "new\n"),
        a_block("/etc/unmarked", "new\n"),
        a_block("/etc/fresh", "new\n"),
        Command(label="made", run=f": >{made}", unless=f"[ -e {made} ]", undo=f"rm {made}"),
    )


def _of_linux(host: Host) -> tuple[Resource, ...]:
    host.write("/etc/passwd", host.path("/etc/passwd").read_text() + _USER)
    host.write("/etc/group", host.path("/etc/group").read_text() + "old:x:50:demo\nops:x:51:ann\n")
    host.write(f"{UNITS}/web.service", "disabled active\n")
    host.write(f"{UNITS}/off.service", "disabled inactive\n")
    host.write(f"{UNITS}/noise.timer", "enabled active\n")
    host.path("/etc/netplan").mkdir(exist_ok=True)
    conf = a_file("/etc/web.conf")
    card = a_file("/etc/netplan/60-lan.yaml", NETPLAN.format(mac=MACS["card0"]))
    return (
        *_anywhere(host),
        Group(group="llm", members=("demo",)),
        Group(group="ops", members=("demo", "@login")),
        Group(group="old", without=("demo",)),
        User(user="joan", shell="/bin/bash", groups=("llm",), after=("group:llm",)),
        User(user="ann", shell="/bin/zsh", comment="New", home="/srv/ann", groups=("demo",)),
        Sysctl(key="vm.swappiness", value="1"),
        Sysctl(key="net.ipv4.tcp_rmem", value="1 2 3"),
        conf,
        Service(unit="web", restart_on=(conf.id,)),
        Service(unit="off"),
        Service(unit="noise.timer", enabled=False, running=False),
        card,
        Interface(mac=MACS["card0"], address="10.0.0.2/24", mtu=9000, restart_on=(card.id,)),
        Hostname(hostname="new-name"),
    )


_USER = "ann:x:1500:1500:Old Name:/home/ann:/bin/sh\n"


def _of_a_mac(host: Host) -> tuple[Resource, ...]:
    directory = "/.simulated/directory"
    host.write(f"{directory}/Groups/ops/PrimaryGroupID", "600\n")
    host.write(f"{directory}/Groups/ops/GroupMembership", "ann\n")
    for key, value in (("UniqueID", "600"), ("UserShell", "/bin/sh"), ("RealName", "Old Name")):
        host.write(f"{directory}/Users/ann/{key}", f"{value}\n")
    host.write(f"{directory}/Users/ann/NFSHomeDirectory", "/Users/ann\n")
    host.write("/etc/passwd", host.path("/etc/passwd").read_text() + "ann:*:600:20::/:/bin/sh\n")
    host.write(f"{PLISTS}/com.example.old.plist", "old")
    host.write("/.simulated/jobs/com.example.old", "")
    host.write("/.simulated/jobs/com.example.noise", "")
    old = a_file(f"{PLISTS}/com.example.old.plist", a_plist("new"))
    fresh = a_file(f"{PLISTS}/com.example.fresh.plist", a_plist("new"))
    return (
        *_anywhere(host),
        Group(group="llm", members=("demo",)),
        Group(group="ops", members=("demo",)),
        User(user="joan", shell="/bin/bash"),
        User(user="ann", shell="/bin/zsh", comment="New", home="/srv/ann"),
        Pmset(key="sleep", value=0),
        old,
        Launchd(label="com.example.old", plist=old.path, restart_on=(old.id,)),
        fresh,
        Launchd(label="com.example.fresh", plist=fresh.path, restart_on=(fresh.id,)),
        Launchd(
            label="com.example.noise", plist=f"{PLISTS}/com.example.noise.plist", running=False
        ),
        Netservice(service="Thunderbolt Bridge", device="bridge0", address="10.0.0.1/24", mtu=9000),
        Hostname(hostname="new-name"),
    )


def _answers(host: Host, wanted: Sequence[Resource]) -> dict[str, str]:
    """What a host says; but a card keeps its new name until the next boot, and the mark of a start
    means nothing where nothing runs."""
    said = {name: seen.answer for name, seen in host.observe(wanted).items()}
    for name, answer in said.items():
        if name.startswith("interface:"):
            said[name] = answer.partition(" ")[2]
        elif name.startswith("launchd:") and " absent " in answer:
            said[name] = answer.rpartition(" ")[0]
    return said


def _changed(
    host: Host, wanted: Sequence[Resource], before: dict[str, str]
) -> dict[str, tuple[str, str]]:
    now = _answers(host, wanted)
    return {name: (was, now[name]) for name, was in before.items() if now[name] != was}


def _there_and_back(host: Host, wanted: Sequence[Resource]) -> None:
    """Apply, then declare what was: as a rollback does it, from what the host wrote down."""
    before = _answers(host, wanted)
    job = host.provision(*wanted)
    assert job.ok, (job.words, job.output)
    assert len(job.words) == len(wanted)
    made = records.manifest((job.folder / "manifest").read_text()).changes
    assert all(before[record.id] in record.answer for record in made)
    backs = [record.former for record in made]
    former = [backs[place] for place in undo.order(backs)]
    declared = [back for back in former if isinstance(back, Resource)]
    # What becomes of a user changes the members of groups.
    users = tuple(back.id for back in declared if isinstance(back, User))
    declared = [replace(b, after=users) if isinstance(b, Group) else b for b in declared]
    assert len(declared) == len(wanted)
    back = host.provision(*declared)
    failed = {name: word for name, word in back.words.items() if word != "ok"}
    assert not failed, (failed, back.output)
    assert _changed(host, wanted, before) == {}
    assert not host.plan(*declared)


def _taken_back(host: Host, wanted: Sequence[Resource]) -> None:
    """The same of a job that nobody confirms."""
    before = _answers(host, wanted)
    job = host.end(asking(host, *(replace(one, **RISKY) for one in wanted), seconds=1))
    told = told_by(job.folder)
    assert told[-1] == "end reverted", (told, job.words, job.output)
    assert _changed(host, wanted, before) == {}


@under(FEWER)
def test_everything_on_linux_goes_back(linux: Host) -> None:
    _there_and_back(linux, _of_linux(linux))


@under(FEWER[:2])
def test_everything_on_a_mac_goes_back(macos: Host) -> None:
    _there_and_back(macos, _of_a_mac(macos))


@under(FEWER[1:])
def test_everything_guarded_on_linux_is_taken_back(linux: Host) -> None:
    _taken_back(linux, _of_linux(linux))


@under(SHELLS[4:])
def test_everything_guarded_on_a_mac_is_taken_back(macos: Host) -> None:
    _taken_back(macos, _of_a_mac(macos))


def test_every_kind_goes_back_here_or_says_why_not(linux: Host, macos: Host) -> None:
    gone_back = {one.kind for one in (*_of_linux(linux), *_of_a_mac(macos))}
    # The way back of these is in test_archives, _artifacts, _environments and _releases; a boot
    # has none.
    elsewhere = {"archive", "artifact", "environment", "reboot", "release"}
    assert set(KINDS) - gone_back == {"package", *elsewhere}
    package = Package(package="curl")
    (change,) = linux.plan(package).changes
    assert undo.former(change) == "packages stay installed: others may need them by now"


@under(FEWER)
def test_what_was_begun_in_vain_has_a_way_back_too(linux: Host) -> None:
    for program in ("groupadd", "useradd", "groupdel", "userdel"):
        linux.standin(program, "exit 6")
    wanted = (
        Group(group="llm", risk=Risk.CONNECTIVITY),
        User(user="joan", risk=Risk.CONNECTIVITY),
    )
    job = linux.provision(*wanted)
    assert set(job.first.values()) == {"failed"}
    assert told_by(job.folder)[-1] == "end reverted", job.output
    assert {seen.answer for seen in linux.observe(wanted).values()} == {"absent"}


@under(FEWER)
def test_a_way_back_at_boot_starts_nothing_but_sets_what_starts(linux: Host) -> None:
    linux.write(f"{UNITS}/web.service", "disabled active\n")
    wanted = Service(unit="web", **RISKY)
    running = asking(linux, wanted)
    for name in ("pid", "timer"):
        running.kill(name)
    running.heard()
    linux.path("/.standins/systemctl").rename(linux.path("/.standins/real-systemctl"))
    linux.standin("systemctl", 'echo "$1" >>"$MAGNUS_ROOT/verbs"; exec real-systemctl "$@"')
    linux.boot()
    assert told_by(running.folder)[-1] == "reverted"
    assert linux.path(f"{UNITS}/web.service").read_text() == "disabled active\n"
    verbs = set(linux.path("/verbs").read_text().split())
    assert "disable" in verbs
    assert not verbs & {"start", "restart", "stop", "reload-or-restart"}

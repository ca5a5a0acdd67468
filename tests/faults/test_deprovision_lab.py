"""Rollback and deprovision of a real host, judged by everything that it is: I2, I3, I5.

What may differ in the end is the table of docs/rollback.md, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

import pytest

from tests.faults.everything import PACKAGES, first, link, second
from tests.faults.real import Real, declare, free, job_of, reachable
from tests.faults.snapshot import Snapshot, differences, files, runtime
from tests.faults.sshd import REPOSITORY
from tests.lab import Host, Lab, lab, missing

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
FOLDERS = (
    *("/etc", "/usr/local", "/root", "/home", "/var/spool", "/boot", "/opt", "/srv"),
    *("/run/systemd/network", "/run/netplan", "/run/sysctl.d"),
)
KEYS = "ip_forward tcp_fin_timeout tcp_mtu_probing tcp_rmem tcp_wmem"
QUESTIONS = {
    "values": f"for key in {KEYS}; do sysctl net.ipv4.$key; done",
    "users": "getent passwd",
    "groups": "getent group",
}
PAGE = REPOSITORY / "docs" / "rollback.md"


@pytest.fixture
def one() -> Iterator[Lab]:
    with lab(["one"]) as running:
        reachable(running, "one", 20)
        yield running


@pytest.fixture(scope="module")
def of_packages() -> Snapshot:
    """What is otherwise on a host on which somebody installs the packages, and no more."""
    with lab(["one"]) as other:
        host = other.hosts["one"]
        reachable(other, "one", 20)
        before = state(host)
        install = "apt-get install -y --no-install-recommends"
        host.run(f"DEBIAN_FRONTEND=noninteractive {install} {' '.join(PACKAGES)}")
        return {name: is_now for name, (_, is_now) in differences(before, state(host)).items()}


def state(host: Host) -> Snapshot:
    return {**files(host, FOLDERS), **runtime(host, QUESTIONS)}


def documented() -> list[str]:
    """The paths that the page says stay, from the first column of its table."""
    table = PAGE.read_text().partition("## What stays")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    return [path for row in rows for path in re.findall(r"`([^`]+)`", row.split("|")[1])]


def left(before: Snapshot, after: Snapshot, of_packages: Snapshot) -> dict[str, tuple[str, str]]:
    """What is otherwise, and neither came with the packages nor is documented to stay."""
    found = differences(before, after)
    allowed = [pattern for path in documented() for pattern in (path, f"{path}/*")]
    return {
        name: pair
        for name, pair in found.items()
        if of_packages.get(name) != pair[1]
        and not any(fnmatchcase(name, pattern) for pattern in allowed)
        and name != "units: chrony.service disabled"
    }


def wants(one: Lab, version: Mapping[str, object]) -> Real:
    host = one.hosts["one"]
    return declare(one, {"one": version, "peer": {}}, links=link(host.mac))


def versions(one: Lab) -> tuple[Mapping[str, object], Mapping[str, object]]:
    key = one.key.with_suffix(".pub").read_text().rsplit(" ", 1)[0]
    return first(key), second(key)


def provisioned(one: Lab, version: Mapping[str, object]) -> Real:
    real = wants(one, version)
    ran = real.run("provision", "--yes", "-l", "one")
    assert ran.code == 0, ran.said
    return real


@pytest.mark.parametrize(
    "reboots", [False, pytest.param(True, marks=pytest.mark.slow_faults)], ids=["", "over a reboot"]
)
def test_deprovision_makes_a_host_what_it_was_before_two_different_runs(
    one: Lab, of_packages: Snapshot, reboots: bool
) -> None:
    host = one.hosts["one"]
    if reboots:
        host.reboot()
        reachable(one, "one", 20)
    before = state(host)
    for version in versions(one):
        real = provisioned(one, version)
    assert len(differences(before, state(host))) > 100
    shown = real.run("deprovision", "one", "--dry-run")
    assert shown.code == 0, shown.said
    ran = real.run("deprovision", "one", "-y")
    assert ran.code == 0, ran.said
    stay = f"settings are as before the first run, {len(PACKAGES)} stay"
    assert re.search(rf"one  [1-9][0-9]+ {stay}", ran.stderr)
    for package in PACKAGES:
        assert f"one  stays: package:{package} (packages stay installed" in ran.stderr
    assert left(before, state(host), of_packages) == {}
    if reboots:
        host.reboot()
        reachable(one, "one", 20)
        assert left(before, state(host), of_packages) == {}
    # Only the packages are still known, and there is nothing to take back a second time.
    assert len(list((host.rootfs / "var/lib/magnus/origin").iterdir())) == len(PACKAGES)
    again = real.run("deprovision", "one", "-y")
    assert again.code == 0, again.said
    assert f"one  0 {stay}" in again.stderr
    assert free(host)


@pytest.mark.slow_faults
def test_deprovision_takes_back_what_a_failed_run_left(one: Lab, of_packages: Snapshot) -> None:
    host = one.hosts["one"]
    before = state(host)
    version, _ = versions(one)
    broken = {**version, "resources": {**version["resources"], "commands": {"no": BROKEN}}}  # type: ignore[dict-item]
    ran = wants(one, broken).run("provision", "--yes", "-l", "one")
    assert ran.code == 5, ran.said
    assert "command:no failed" in ran.stdout
    ran = wants(one, broken).run("deprovision", "one", "-y")
    assert ran.code == 0, ran.said
    assert left(before, state(host), of_packages) == {}


BROKEN = {"run": "false", "restart_on": ["file:/etc/ours/ours.conf"]}


@pytest.mark.slow_faults
def test_rollback_restores_what_the_last_job_changed_and_a_named_one(
    one: Lab, of_packages: Snapshot
) -> None:
    host = one.hosts["one"]
    before = state(host)
    early, late = versions(one)
    provisioned(one, early)
    between, job = state(host), job_of(host)
    real = provisioned(one, late)
    ran = real.run("rollback", "one", "-y")
    assert ran.code == 0, ran.said
    assert f"one  back to before job {job_of_verb(real, 'provision')}" in ran.stderr
    assert left(between, state(host), of_packages) == {}
    ran = real.run("rollback", "one", job, "-y")
    assert ran.code == 0, ran.said
    assert f"one  back to before job {job}" in ran.stderr
    assert left(before, state(host), of_packages) == {}
    unknown = real.run("rollback", "one", "20200101-000000", "-y")
    assert unknown.code == 2
    assert "it knows no job 20200101-000000" in unknown.said


def job_of_verb(real: Real, verb: str) -> str:
    """The last job of a verb, as the host lists them."""
    lines = real.run("jobs", "-l", "one").stdout.splitlines()
    return next(line.split()[0] for line in reversed(lines) if f" {verb} " in line)


@pytest.mark.slow_faults
def test_gc_removes_old_jobs_and_nothing_that_deprovision_needs(
    one: Lab, of_packages: Snapshot
) -> None:
    host = one.hosts["one"]
    before = state(host)
    early, late = versions(one)
    for version in (early, late, early, late):
        real = provisioned(one, version)
    jobs = host.rootfs / "var/lib/magnus/jobs"
    names = {path.name for path in jobs.iterdir()}
    assert len(names) == 4
    shown = real.run("gc", "-l", "one", "--keep", "1", "--dry-run")
    assert shown.code == 0, shown.said
    assert "would go" in shown.stdout
    assert {path.name for path in jobs.iterdir()} == names
    ran = real.run("gc", "-l", "one", "--keep", "1")
    assert ran.code == 0, ran.said
    (kept,) = jobs.iterdir()
    for name in names - {kept.name}:
        assert name in shown.stdout
        assert name in ran.stdout
    assert "0 KiB" in real.run("gc", "-l", "one", "--keep", "1").stdout
    ran = real.run("deprovision", "one", "-y")
    assert ran.code == 0, ran.said
    assert left(before, state(host), of_packages) == {}

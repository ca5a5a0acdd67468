"""S16: nothing disturbs a real service that is protected, unless somebody says its name.

The engine is SIMULATED in what it does, and real in how it runs: a real-time service of systemd.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults.kill import Journals
from tests.faults.real import Real, declare, journal, reachable, says
from tests.lab import Lab, lab, missing
from tests.lab.cluster import SYSCTLS, UNSETTABLE
from tests.lab.engine import EngineState, engine_state, install_engine

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
SLOW = pytest.mark.slow_faults
ENGINE = "trading-engine"
CONFIG = "/etc/trading/engine.toml"
DROP_IN = f"/etc/systemd/system/{ENGINE}.service.d/ours.conf"
SSHD = "/etc/ssh/sshd_config.d/05-ours.conf"
RULES = "flush ruleset\ntable inet f {\n chain i {\n  tcp dport 9 drop\n }\n}\n"
OTHER = {"resources": {"files": {"/etc/other": {"content": "x\n"}}}}


@pytest.fixture(scope="module")
def two() -> Iterator[Lab]:
    """A host that trades, and another one of the same run."""
    with lab(["linode", "other"]) as running:
        install_engine(running.hosts["linode"])
        reachable(running, "linode", 20)
        yield running


def engine(two: Lab) -> EngineState:
    return engine_state(two.hosts["linode"])


def wants(two: Lab, *, other: bool = False, windows: Any = None, **host: Any) -> Real:
    """What is declared for the host that trades, and for the other one of the run."""
    linode = {"protected_services": [ENGINE], **host}
    hosts = {"linode": linode, **({"other": OTHER} if other else {})}
    return declare(two, hosts, windows=windows or {})


def files(**contents: str) -> dict[str, Any]:
    return {path: {"content": content} for path, content in contents.items()}


def resources(**kinds: Any) -> dict[str, Any]:
    return {"resources": kinds}


def restarting(text: str) -> dict[str, Any]:
    """A new configuration, and the engine started with it."""
    folder: dict[str, Any] = {"/etc/trading": {}}
    service = {ENGINE: {"restart_on": [f"file:{CONFIG}"]}}
    return resources(directories=folder, files=files(**{CONFIG: text}), services=service)


def stopping() -> dict[str, Any]:
    return resources(services={ENGINE: {"running": False}})


def unit_changing() -> dict[str, Any]:
    folder: dict[str, Any] = {DROP_IN.rpartition("/")[0]: {}}
    return resources(directories=folder, files=files(**{DROP_IN: "[Service]\nNice=5\n"}))


REFUSED = [
    pytest.param(restarting("a = 1\n"), "restarts, because file:/etc/trading", id="restart"),
    pytest.param(stopping(), "stops", id="stop", marks=SLOW),
    pytest.param(unit_changing(), "its next start is another", id="drop-in", marks=SLOW),
]


@pytest.mark.parametrize(("declared", "why"), REFUSED)
def test_s16_what_would_disturb_the_engine_is_refused_and_others_go_on(
    two: Lab, declared: dict[str, Any], why: str
) -> None:
    before, other = engine(two), two.hosts["other"]
    other.run("rm -f /etc/other")
    ran = wants(two, other=True, **declared).run("provision", "--yes")
    assert ran.code == 3, ran.said
    assert "Disruptions" in ran.stdout
    assert f"{ENGINE}  " in ran.stdout
    assert why in ran.stdout
    assert "linode: 1 disruption of a protected host without consent" in ran.stdout
    assert f"--allow-disruption linode:{ENGINE}" in ran.stdout
    assert engine(two) == before
    assert not (two.hosts["linode"].rootfs / CONFIG.lstrip("/")).exists()
    assert (other.rootfs / "etc/other").read_text() == "x\n"


def test_s16_with_its_name_the_engine_is_restarted(two: Lab) -> None:
    before = engine(two)
    real = wants(two, **restarting("a = 2\n"))
    wrong = real.run("provision", "--yes", "--allow-disruption", "linode:other-engine")
    assert wrong.code == 3
    assert engine(two) == before
    ran = real.run("provision", "--yes", "--allow-disruption", f"linode:{ENGINE}")
    assert ran.code == 0, ran.said
    assert f"allowed by linode:{ENGINE}" in ran.stdout
    after = engine(two)
    assert (after.pid, after.started) != (before.pid, before.started)
    assert (after.policy, after.priority, after.affinity) == ("SCHED_FIFO", 10, "0")
    assert real.run("plan", "--detailed-exitcode").code == 0
    undone = real.run("deprovision", "linode", "-y", "--allow-disruption", f"linode:{ENGINE}")
    assert undone.code == 0, undone.said


PERMITTED: dict[str, tuple[dict[str, Any], str]] = {
    "a file": (resources(files=files(**{"/etc/a": "1\n"})), ""),
    "accounts": (resources(groups={"g": {}}, users={"u": {"groups": ["g"]}}), ""),
    "a kernel parameter": (resources(sysctls={"net.ipv4.tcp_fin_timeout": 33}), ""),
    "a service that did not run": (resources(services={"iperf3": {}}), ""),
    "packages": (resources(packages=["figlet", "sysstat"]), "packages"),
    "a command": (
        resources(commands={"c": {"run": "touch /c", "unless": "test -e /c"}}),
        "command",
    ),
    "sshd": (
        resources(
            files=files(**{SSHD: "MaxAuthTries 5\n"}),
            services={"ssh": {"reload": True, "restart_on": [f"file:{SSHD}"]}},
        ),
        "connectivity ssh",
    ),
    "a firewall": (
        resources(
            files=files(**{"/etc/nftables.conf": RULES}),
            services={"nftables": {"restart_on": ["file:/etc/nftables.conf"]}},
        ),
        "connectivity",
    ),
    # That of trading boots: then the engine cannot be the same (tests/lab/test_roles_hosts.py).
    "the roles": (
        {
            "roles": ["base", "network"],
            "variables": {"base": {"sysctls": UNSETTABLE}, "network": {"sysctls": SYSCTLS}},
        },
        "connectivity packages ssh systemd-journald",
    ),
}


@pytest.mark.parametrize(
    "plan", [pytest.param(p, marks=() if p in ("packages", "sshd") else SLOW) for p in PERMITTED]
)
def test_s16_the_engine_is_the_same_through_every_plan_that_is_permitted(
    two: Lab, plan: str
) -> None:
    before = engine(two)
    declared, consents = PERMITTED[plan]
    real = wants(two, **declared)
    allowed = [f"--allow-disruption=linode:{what}" for what in consents.split()]
    if allowed:
        refused = real.run("provision", "--yes")
        assert refused.code == 3, refused.said
        assert f"--allow-disruption linode:{consents.split()[0]}" in refused.stdout
    ran = real.run("provision", "--yes", *allowed)
    assert ran.code == 0, ran.said
    assert engine(two) == before
    back = real.run("rollback", "linode", "-y", "--allow-disruption", "linode:*")
    assert back.code == 0, back.said
    assert engine(two) == before


def test_s16_a_change_that_is_taken_back_leaves_the_engine_alone_too(two: Lab) -> None:
    before = engine(two)
    locked = {"/etc/sudoers.d/zz": {"content": "admin ALL=(ALL) !ALL\n", "mode": "0440"}}
    real = wants(two, **resources(files=locked))
    ran = real.run("provision", "--yes", "--allow-disruption", "linode:connectivity")
    assert ran.code == 6, ran.said
    assert engine(two) == before


def test_s16_a_permitted_command_that_restarts_the_engine_is_found_out(two: Lab) -> None:
    """What a plan does not say is not excused by a consent to something else."""
    before = engine(two)
    text = f"systemctl restart {ENGINE} && touch /restarted"
    command = {"sly": {"run": text, "unless": "test -e /restarted"}}
    real = wants(two, **resources(commands=command))
    ran = real.run("provision", "--yes", "--allow-disruption", "linode:command")
    assert ran.code == 5, ran.said
    assert engine(two) != before
    assert f"linode: {ENGINE}" in ran.stdout
    assert "no part of the plan was to touch it" in ran.stdout
    assert journal(two.hosts["linode"])[-1] == "end ok"


def window(begins: timedelta, ends: timedelta) -> dict[str, Any]:
    """A window of the clock of now; one that ends tomorrow is written so."""
    now = datetime.now(UTC)
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    times = {"from": f"{now + begins:%H:%M}", "to": f"{now + ends:%H:%M}"}
    return {"timezone": "UTC", "days": days, "note": "trading hours", **times}


NOW = (timedelta(hours=-1), timedelta(hours=1))
LATER = (timedelta(hours=2), timedelta(hours=3))


def test_s16_a_freeze_that_applies_now_holds_its_host_alone(two: Lab) -> None:
    before, other = engine(two), two.hosts["other"]
    other.run("rm -f /etc/other")
    declared = resources(files=files(**{"/etc/frozen": "1\n"}))
    real = wants(two, other=True, windows={"asx": window(*NOW)}, freeze=["asx"], **declared)
    ran = real.run("provision", "--yes", "--allow-disruption", "linode:*")
    assert ran.code == 3, ran.said
    assert "linode: frozen until " in ran.stdout
    assert "(trading hours). Nothing was changed there." in ran.stdout
    assert "--allow-disruption linode:freeze" in ran.stdout
    frozen = two.hosts["linode"].rootfs / "etc/frozen"
    assert not frozen.exists()
    assert (other.rootfs / "etc/other").exists()
    lifted = real.run("provision", "--yes", "--allow-disruption", "linode:freeze")
    assert lifted.code == 0, lifted.said
    assert frozen.read_text() == "1\n"
    assert engine(two) == before


@pytest.mark.slow_faults
def test_s16_a_freeze_of_other_hours_holds_nobody(two: Lab) -> None:
    declared = resources(files=files(**{"/etc/thawed": "1\n"}))
    real = wants(two, windows={"asx": window(*LATER)}, freeze=["asx"], **declared)
    assert real.run("provision", "--yes").code == 0


@pytest.mark.slow_faults
def test_s16_in_a_maintenance_window_no_consent_is_needed(two: Lab) -> None:
    before = engine(two)
    real = wants(
        two, windows={"night": window(*NOW)}, maintenance=["night"], **restarting("a = 3\n")
    )
    ran = real.run("provision", "--yes")
    assert ran.code == 0, ran.said
    assert "allowed by window night" in ran.stdout
    assert engine(two).pid != before.pid


@SLOW
def test_s16_who_waits_for_a_lock_does_not_wait_into_a_freeze(two: Lab) -> None:
    """The host is held by somebody until after the exchange has opened."""
    host = two.hosts["linode"]
    begins = (datetime.now(UTC) + timedelta(seconds=75)).replace(second=0, microsecond=0)
    left = (begins - datetime.now(UTC)).total_seconds()
    hold = {"run": f"sleep {left + 6:.0f}; touch /held", "unless": "test -e /held"}
    first, journals = wants(two, **resources(commands={"hold": hold})), Journals(host.rootfs)
    with first.start("provision", "--yes", "--allow-disruption", "linode:command") as run:
        says(host, journals, " start 0$")
        opens = {"timezone": "UTC", "from": f"{begins:%H:%M}", "to": "24:00", "note": "trading"}
        days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        declared = resources(files=files(**{"/etc/late": "1\n"}))
        real = wants(two, windows={"asx": {**opens, "days": days}}, freeze=["asx"], **declared)
        ran = real.run("provision", "--yes", "--wait-lock", "5m")
        assert ran.code == 7, ran.said
        assert "linode: held by " in ran.stdout
        assert run.wait(60) == 0
    assert not (host.rootfs / "etc/late").exists()
    assert real.run("provision", "--yes").code == 3


RIVAL = f"[Unit]\nConflicts={ENGINE}.service\n[Service]\nExecStart=/bin/sleep 600\n"
FRIEND = "[Unit]\nRequires=rival.service\n[Service]\nExecStart=/bin/sleep 600\n"


@pytest.mark.parametrize("unit", ["rival", pytest.param("friend", marks=SLOW)])
def test_s16_a_service_that_would_stop_the_engine_is_not_started(two: Lab, unit: str) -> None:
    """Not even one that needs another, which conflicts with it."""
    before = engine(two)
    units = {"rival": RIVAL, "friend": FRIEND}
    paths = {f"/etc/systemd/system/{name}.service": text for name, text in units.items()}
    services = {unit: {"enabled": False, "running": True}}
    real = wants(two, **resources(files=files(**paths), services=services))
    ran = real.run("provision", "--yes")
    assert ran.code == 5, ran.said
    refusal = f"refusing to start {unit}.service: it conflicts with {ENGINE}.service"
    assert f"{refusal}, which is protected and runs" in ran.stdout
    assert engine(two) == before

"""Every check of a role passes on a good host and fails on a bad one, for the reason it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from magnusctl.checks import clock, disk, doors, engine, gpu, mac, of_roles, realtime, upkeep, wire
from magnusctl.checks.custom import Judge
from magnusctl.inventory.starter import example_path, examples
from magnusctl.inventory.validate import load
from magnusctl.render import renderer
from magnusctl.report import Verdict

TRACKING = "System time     : {} seconds slow of NTP time"
CARD = gpu.card("NVIDIA GeForce RTX 3090", 1, 290, 83)
LINK = wire.speed(10 * 10**9, 10**9)
PMSET = mac.awake({"sleep": 0, "autorestart": 1})
AGREE = ["runs 580.95", "installed 580.95", "library 580.95"]
BASE, NET, CUDA, INF, TRADE = "base", "network", "cuda", "inference", "trading"

CASES: list[tuple[str, Judge, Sequence[str], Verdict, str]] = [
    (BASE, clock.offset_judge(0.005), [TRACKING.format("0.001")], Verdict.PASS, "1.000 ms"),
    (BASE, clock.offset_judge(0.005), [TRACKING.format("0.2")], Verdict.FAIL, "200.000 ms"),
    (
        BASE,
        clock.offset_judge(1),
        [TRACKING.format("0.2"), "timesyncd active"],
        Verdict.FAIL,
        "two programs set the clock",
    ),
    (
        BASE,
        clock.offset_judge(1),
        [TRACKING.format("0"), "Leap status     : Not synchronised"],
        Verdict.WARN,
        "not found the time",
    ),
    (BASE, clock.offset_judge(1), ["506 Cannot talk to daemon"], Verdict.UNKNOWN, "506"),
    (
        BASE,
        doors.sshd,
        [
            *("passwordauthentication no", "kbdinteractiveauthentication no"),
            *("permitrootlogin no", "x11forwarding no"),
        ],
        Verdict.PASS,
        "keys only",
    ),
    (BASE, doors.sshd, ["passwordauthentication yes"], Verdict.FAIL, "passwordauthentication yes"),
    (BASE, doors.sshd, ["no hostkeys available"], Verdict.UNKNOWN, "no hostkeys"),
    (
        BASE,
        doors.firewall,
        ["type filter hook input priority 0; policy drop;", "tcp dport 22 accept"],
        Verdict.PASS,
        "closed but for 1",
    ),
    (
        BASE,
        doors.firewall,
        ["hook input priority 0; policy accept;", "}", "hook forward priority 0; policy drop;"],
        Verdict.FAIL,
        "lets in",
    ),
    (BASE, doors.firewall, ["Error: No such file or directory"], Verdict.FAIL, "not in force"),
    (BASE, doors.firewall, ["nft: command not found"], Verdict.UNKNOWN, "not found"),
    (BASE, upkeep.journal, ["kept"], Verdict.PASS, ""),
    (BASE, upkeep.journal, ["lost"], Verdict.FAIL, "lost"),
    (BASE, upkeep.boot, ["none"], Verdict.PASS, ""),
    (BASE, upkeep.boot, ["due", "linux-image"], Verdict.WARN, "linux-image"),
    (NET, LINK, ["speed 10000", "carrier 1"], Verdict.PASS, "10Gbit/s"),
    (NET, LINK, ["speed 1000", "carrier 1"], Verdict.WARN, "1Gbit/s: the fallback"),
    (NET, LINK, ["speed 100", "carrier 1"], Verdict.FAIL, "100Mbit/s"),
    (NET, LINK, ["speed ", "carrier 0"], Verdict.FAIL, "no cable"),
    (NET, LINK, ["speed -1", "carrier 1"], Verdict.UNKNOWN, "does not tell"),
    (NET, LINK, ["missing"], Verdict.FAIL, "no such card"),
    (NET, LINK, ["media autoselect (10Gbase-T <full-duplex>)"], Verdict.PASS, "10Gbit/s"),
    (NET, LINK, ["media autoselect (1000baseT <full-duplex>)"], Verdict.WARN, "the fallback"),
    (NET, LINK, ["media autoselect (2.5Gbase-T)"], Verdict.WARN, "2500Mbit/s: the fallback"),
    (NET, LINK, ["media autoselect", "status inactive"], Verdict.FAIL, "no cable"),
    ("storage", disk.enough(15), ["1000 400"], Verdict.PASS, "40 % free"),
    ("storage", disk.enough(15), ["1000 100"], Verdict.WARN, "10 % free"),
    ("storage", disk.enough(15), ["df: No such file"], Verdict.UNKNOWN, "df:"),
    (CUDA, gpu.driver, AGREE, Verdict.PASS, "580.95"),
    (
        CUDA,
        gpu.driver,
        [
            *AGREE[:2],
            "library Failed to initialize NVML: Driver/library version mismatch",
        ],
        Verdict.FAIL,
        "module 580.95 and library differ",
    ),
    (CUDA, gpu.driver, ["runs 575.1", *AGREE[1:]], Verdict.FAIL, "runs 575.1, installed 580.95"),
    (CUDA, gpu.driver, ["runs ", *AGREE[1:]], Verdict.FAIL, "not loaded"),
    (CUDA, gpu.driver, [*AGREE, "nouveau"], Verdict.FAIL, "nouveau"),
    (CUDA, gpu.driver, ["runs ", "installed ", "library sh: not found"], Verdict.FAIL, "kernel"),
    (
        CUDA,
        CARD,
        ["NVIDIA GeForce RTX 3090, Enabled, 290.00, 41, GPU-1"],
        Verdict.PASS,
        "1 × NVIDIA GeForce RTX 3090",
    ),
    (CUDA, CARD, ["GeForce RTX 3090, Disabled, 350.00, 90, GPU-1"], Verdict.FAIL, "350 W"),
    (CUDA, CARD, ["NVIDIA GeForce RTX 3060, Enabled, 290.00, 41, G"], Verdict.FAIL, "a NVIDIA"),
    (CUDA, CARD, ["RTX 3090, [N/A], [N/A], [N/A], G"], Verdict.UNKNOWN, "not tell its power"),
    (CUDA, CARD, ["No devices were found"], Verdict.FAIL, "No devices"),
    (CUDA, gpu.secure_boot, ["SecureBoot enabled", "loaded"], Verdict.PASS, "on"),
    (CUDA, gpu.secure_boot, ["SecureBoot enabled", "absent"], Verdict.FAIL, "refuses"),
    (CUDA, gpu.secure_boot, ["sh: mokutil: not found"], Verdict.UNKNOWN, "mokutil"),
    (CUDA, gpu.toolkit("12.6"), ["Cuda tools, release 12.6, V12.6.85"], Verdict.PASS, "12.6"),
    (CUDA, gpu.toolkit("12.6"), ["Cuda tools, release 13.0, V13"], Verdict.FAIL, "13.0"),
    (CUDA, gpu.toolkit("12.6"), ["sh: nvcc: not found"], Verdict.FAIL, "not found"),
    (CUDA, gpu.tensorrt, ["10.16.1.1"], Verdict.PASS, "10.16"),
    (CUDA, gpu.tensorrt, ["10.16.1.1", "10.2"], Verdict.WARN, "2 versions"),
    (CUDA, gpu.tensorrt, [], Verdict.SKIP, ""),
    (CUDA, upkeep.holds(["a", "b"]), ["a", "b", "c"], Verdict.PASS, "2 held"),
    (CUDA, upkeep.holds(["a", "b"]), ["b"], Verdict.FAIL, "not held: a"),
    (INF, engine.bound("10.0.0.2"), ["10.0.0.2 8000"], Verdict.PASS, "10.0.0.2"),
    (INF, engine.bound("10.0.0.2"), ["0.0.0.0 8000"], Verdict.FAIL, "all addresses"),
    (INF, engine.bound("10.0.0.2"), ["[::] 8000"], Verdict.FAIL, "all addresses"),
    (INF, engine.bound("10.0.0.2"), ["* 8000"], Verdict.FAIL, "all addresses"),
    (INF, engine.bound("10.0.0.2"), [], Verdict.FAIL, "nothing listens"),
    (INF, engine.bound("10.0.0.2"), ["waits"], Verdict.SKIP, "not there yet"),
    (
        INF,
        engine.on_gpu,
        ['{"models": [{"name": "a", "size": 10, "size_vram": 10}]}'],
        Verdict.PASS,
        "all on the card",
    ),
    (
        INF,
        engine.on_gpu,
        ['{"models": [{"name": "a", "size": 10, "size_vram": 4}]}'],
        Verdict.FAIL,
        "a: 40 % on the card",
    ),
    (INF, engine.on_gpu, ['{"models": []}'], Verdict.SKIP, "no model"),
    (INF, engine.on_gpu, ["<html>"], Verdict.SKIP, "does not tell"),
    (INF, engine.alive, ["200"], Verdict.PASS, "200"),
    (INF, engine.alive, ["503"], Verdict.FAIL, "503"),
    (INF, engine.alive, ["000"], Verdict.FAIL, "nothing answers"),
    (INF, engine.alive, ["waits"], Verdict.SKIP, "not there yet"),
    (INF, engine.locked, ["000"], Verdict.UNKNOWN, "nothing answers"),
    (INF, engine.locked, ["waits"], Verdict.SKIP, "not there yet"),
    (INF, engine.locked, ["401"], Verdict.PASS, "401"),
    (INF, engine.locked, ["200"], Verdict.FAIL, "200 without the key"),
    (INF, engine.kept_private, ["-rw------- 0"], Verdict.PASS, "0600"),
    (INF, engine.kept_private, ["-rw-r--r-- 0"], Verdict.FAIL, "-rw-r--r--"),
    (INF, mac.wired(40960), ["40960"], Verdict.PASS, "40960"),
    (INF, mac.wired(40960), ["0"], Verdict.FAIL, "the default"),
    (INF, mac.panics, ["0"], Verdict.PASS, "none"),
    (INF, mac.panics, ["2"], Verdict.FAIL, "2 within"),
    (BASE, PMSET, ["AC Power:", " sleep 0 (sleep prevented)", " autorestart 1"], Verdict.PASS, ""),
    (BASE, PMSET, ["AC Power:", " sleep 1", " autorestart 1"], Verdict.FAIL, "sleep 1"),
    (BASE, mac.filevault("off"), ["FileVault is Off."], Verdict.PASS, "off"),
    (BASE, mac.filevault("off"), ["FileVault is On."], Verdict.WARN, "after a power cut"),
    (BASE, mac.filevault("on"), ["FileVault is On."], Verdict.PASS, "as declared"),
    (BASE, mac.full_disk, ["no"], Verdict.WARN, "Full Disk Access"),
    (BASE, mac.firewall, ["Firewall is enabled. (State = 1)"], Verdict.PASS, "on"),
    (BASE, mac.firewall, ["Firewall is disabled. (State = 0)"], Verdict.FAIL, "off"),
    (TRADE, realtime.huge_pages(2048), ["there 2048", "free 100"], Verdict.PASS, "2048"),
    (TRADE, realtime.huge_pages(2048), ["there 1200"], Verdict.FAIL, "1200 allocated of 2048"),
    (TRADE, realtime.huge_pages(2048), [], Verdict.UNKNOWN, "does not tell"),
    (TRADE, realtime.isolated("2-7"), ["2-7", "told"], Verdict.PASS, "2-7"),
    (TRADE, realtime.isolated("2-7"), ["2-5,6-7", "told"], Verdict.PASS, ""),
    (TRADE, realtime.isolated("2-7"), ["told"], Verdict.FAIL, "none"),
    (TRADE, realtime.isolated("2-7"), [], Verdict.UNKNOWN, "does not tell"),
    (TRADE, realtime.io_uring, ["1"], Verdict.PASS, "its group"),
    (TRADE, realtime.io_uring, ["0"], Verdict.WARN, "for all"),
    (TRADE, realtime.io_uring, ["2"], Verdict.FAIL, "nobody"),
    (TRADE, realtime.io_uring, ["missing"], Verdict.UNKNOWN, "no kernel.io_uring"),
    (TRADE, realtime.governor, [], Verdict.SKIP, "no governor"),
    (TRADE, realtime.governor, ["performance"], Verdict.PASS, ""),
    (TRADE, realtime.governor, ["powersave"], Verdict.FAIL, "powersave"),
    (TRADE, realtime.limits(80), ["LimitRTPRIO=80", "LimitMEMLOCK=infinity"], Verdict.PASS, "80"),
    (TRADE, realtime.limits(80), ["LimitRTPRIO=0", "LimitMEMLOCK=8M"], Verdict.FAIL, "priority 0"),
]


@pytest.mark.parametrize(
    ("judge", "printed", "verdict", "said"),
    [pytest.param(*case[1:], id=f"{case[0]} {case[3]} {case[4]}") for case in CASES],
)
def test_a_judge_says_what_it_saw(
    judge: Judge, printed: Sequence[str], verdict: Verdict, said: str
) -> None:
    found = judge(printed)
    assert found.verdict is verdict, found
    assert said in found.measured
    assert found.is_sound
    # Whoever reads of a fault reads what to do.
    quiet = verdict is not Verdict.FAIL or "card" in str(judge)
    assert quiet or found.remedy or found.target, found


@pytest.mark.parametrize("example", examples())
def test_every_role_of_an_example_is_proved_by_something(example: str, tmp_path: Path) -> None:
    inventory = load([example_path(example)])
    for name, host in inventory.hosts.items():
        checks = list(of_roles.checks_of(inventory, name, renderer(tmp_path)))
        names = [check.name for check in checks]
        assert len(names) == len(set(names))
        remote = set(host.roles) if host.connection == "ssh" else set()
        proved = {check.partition(".")[0] for check in names}
        # A network without a cable that tells its rate has nothing to prove by itself.
        assert remote - proved <= {"network"}


def test_every_role_has_a_check() -> None:
    roles = {role for role, *_ in CASES} | {"training"}
    assert roles == set(of_roles.CHECKS)
    assert of_roles._torch(["2.15.0 True"]).verdict is Verdict.PASS
    assert of_roles._torch(["ModuleNotFoundError: torch"]).verdict is Verdict.UNKNOWN

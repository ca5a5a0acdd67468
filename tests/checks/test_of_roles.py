"""Every check passes on a good host, fails on a bad one, and is unknown where nobody tells."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magnusctl.checks import (
    clock,
    disk,
    diskspeed,
    doors,
    engine,
    gpu,
    of_hosts,
    of_roles,
    realtime,
)
from magnusctl.checks.custom import Custom, Judge
from magnusctl.inventory.starter import example_path, examples
from magnusctl.inventory.validate import load
from magnusctl.render import renderer
from tests.checks import test_cards, test_hardware, test_mac, test_reach, test_upkeep, test_wire
from tests.checks.cases import (
    FAIL,
    PASS,
    SKIP,
    UNKNOWN,
    WARN,
    Case,
    changed,
    each,
    holds,
    recorded,
)

CLOCK, SSHD, KEYS, FIREWALL = (f"base.{x}" for x in ("clock", "sshd", "key-files", "firewall"))
ROOM, READ = "storage.room-for-models", "storage.read-speed"
DRIVER, BOOT, NVCC, TENSORRT = (
    f"cuda.{name}" for name in ("driver", "secure-boot", "toolkit", "tensorrt")
)
ADDRESS, ANSWERS, KEY = "inference.*-address", "inference.*-answers", "inference.*-key"
ON_GPU, SECRETS, TORCH = "inference.ollama-on-gpu", "inference.secret-files", "*.pytorch"
PAGES, ISOLATED, URING, GOVERNOR, LIMITS = (
    f"trading.{name}"
    for name in ("huge-pages", "isolated-cpus", "io_uring", "governor", "rt-limits")
)
IN_5_MS, TRACKING = clock.offset_judge(0.005), "chrony/tracking-aws.txt"
KEYS_ONLY = [
    *("passwordauthentication no", "kbdinteractiveauthentication no"),
    *("permitrootlogin no", "x11forwarding no"),
]
CLOSED = ["type filter hook input priority 0; policy drop;", "tcp dport 22 accept", "}"]
FORWARDS = ["hook input priority 0; policy accept;", "}", "hook forward priority 0; policy drop;"]
AGREE = ["runs 580.95", "installed 580.95", "library 580.95"]
MISMATCH = "library Failed to initialize NVML: Driver/library version mismatch"
NVCC_13 = recorded("nvcc/nvcc-13.0.88.txt")
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
BSD = "536870912 bytes transferred in 0.25 secs (2147483648 bytes/sec)"
DD = "{} bytes (537 MB, 512 MiB) copied, {} s, 1.0 GB/s"
MODEL = '{{"models": [{{"name": "a", "size": 10, "size_vram": {}}}]}}'
BOUND, TWELVE, FAST = engine.bound("10.0.0.2"), gpu.toolkit("12.6"), diskspeed.fast(3000)
ANY_SPEED = diskspeed.fast(None)
KILLED, GONE = {"status": "137"}, {"status": "127"}
SLOW = "did not end within 20 s"

CASES: list[Case] = [
    Case(CLOCK, IN_5_MS, recorded(TRACKING), PASS, "0.001 ms slow", "recorded"),
    Case(CLOCK, IN_5_MS, changed(TRACKING, "0.000000626 sec", "0.2 sec"), FAIL, "200.000 ms"),
    Case(CLOCK, IN_5_MS, [*recorded(TRACKING), "timesyncd active"], FAIL, "two programs"),
    Case(CLOCK, IN_5_MS, changed(TRACKING, "Normal", "Not synchronised"), WARN, "not found the"),
    Case(CLOCK, IN_5_MS, recorded("chrony/no-daemon.txt"), UNKNOWN, "506 Cannot talk", "recorded"),
    Case(CLOCK, IN_5_MS, changed(TRACKING, "0.000000626", "0.0.6"), UNKNOWN, "", "no number"),
    Case(SSHD, doors.sshd, KEYS_ONLY, PASS, "keys only"),
    *(
        Case(SSHD, doors.sshd, [*KEYS_ONLY, f"{key} yes"], FAIL, f"{key} yes")
        for key in ("passwordauthentication", "permitrootlogin", "kbdinteractiveauthentication")
    ),
    Case(SSHD, doors.sshd, KEYS_ONLY[:2], FAIL, "permitrootlogin None", "cut"),
    Case(SSHD, doors.sshd, ["no hostkeys available"], UNKNOWN, "no hostkeys"),
    Case(KEYS, doors.key_files, [f"-rw------- {HOST_KEY}"], PASS, "1 files, private"),
    Case(KEYS, doors.key_files, [f"-rw-r--r-- {HOST_KEY}"], FAIL, HOST_KEY),
    Case(KEYS, doors.key_files, [f"-rw----r-- {HOST_KEY}"], FAIL, HOST_KEY, "others alone"),
    Case(KEYS, doors.key_files, ["-rw-r----- /etc/ssl/private/a.key"], PASS, "1", "a group reads"),
    Case(KEYS, doors.key_files, ["-rw-rw---- /etc/ssl/private/a.key"], FAIL, "a.key", "it writes"),
    Case(KEYS, doors.key_files, ["-rw-r--r-- /root/.ssh/authorized_keys"], PASS, "1", "public"),
    Case(KEYS, doors.key_files, ["-rw-rw-r-- /root/.ssh/authorized_keys"], FAIL, "authorized"),
    Case(KEYS, doors.key_files, ["-rw-r--r-- /home/a b/.ssh/x y"], FAIL, "/home/a b/.ssh/x y"),
    Case(KEYS, doors.key_files, ["-rw-r----- /root/.ssh/id"], FAIL, "/root/.ssh/id", "a group"),
    Case(KEYS, doors.key_files, [], UNKNOWN, "no key files"),
    Case(FIREWALL, doors.firewall, CLOSED, PASS, "closed but for 1"),
    Case(FIREWALL, doors.firewall, FORWARDS, FAIL, "lets in"),
    Case(FIREWALL, doors.firewall, ["Error: No such file or directory"], FAIL, "not in force"),
    Case(FIREWALL, doors.firewall, ["sh: 1: nft: not found"], UNKNOWN, "not found", **GONE),
    Case(ROOM, disk.enough(15), ["1000 400"], PASS, "40 % free"),
    Case(ROOM, disk.enough(15), ["1000 100"], WARN, "10 % free"),
    Case(ROOM, disk.enough(15), ["No such"], UNKNOWN, "No such"),
    Case(READ, FAST, [DD.format(536870912, "0.15")], PASS, "3579 MB/s"),
    Case(READ, FAST, [DD.format(536870912, "0,15")], PASS, "3579 MB/s", "with a comma"),
    Case(READ, FAST, [DD.format(536870912, "1.5")], FAIL, "358 MB/s"),
    Case(READ, ANY_SPEED, [DD.format(536870912, "1.5")], PASS, "358 MB/s", "none is asked for"),
    Case(READ, ANY_SPEED, [DD.format(536870912, "9.7")], WARN, "55 MB/s"),
    Case(READ, ANY_SPEED, [BSD], PASS, "2147 MB/s", "BSD"),
    Case(READ, ANY_SPEED, [DD.format(4096, "0.15")], UNKNOWN, "4096 bytes", "too little"),
    Case(READ, ANY_SPEED, ["cached", BSD], UNKNOWN, "2147 MB/s, but", "a Mac's own memory"),
    Case(READ, ANY_SPEED, ["nothing"], SKIP, "no large file"),
    Case(READ, ANY_SPEED, ["dd: failed to open '/dev/sda': Permission denied"], UNKNOWN, "Perm"),
    Case(DRIVER, gpu.driver, AGREE, PASS, "580.95"),
    Case(DRIVER, gpu.driver, [*AGREE[:2], MISMATCH], FAIL, "module 580.95 and library differ"),
    Case(DRIVER, gpu.driver, ["runs 575.1", *AGREE[1:]], FAIL, "runs 575.1, installed 580.95"),
    Case(DRIVER, gpu.driver, ["runs ", *AGREE[1:]], FAIL, "not loaded"),
    Case(DRIVER, gpu.driver, [*AGREE, "nouveau"], FAIL, "nouveau"),
    Case(DRIVER, gpu.driver, ["runs ", "installed ", "library sh: not found"], FAIL, "kernel"),
    Case(DRIVER, gpu.driver, [*AGREE[:2], "library No devices were found"], FAIL, "No devices"),
    Case(DRIVER, gpu.driver, AGREE[:2], UNKNOWN, SLOW, "nvidia-smi hangs", **KILLED),
    Case(BOOT, gpu.secure_boot, ["SecureBoot enabled", "loaded"], PASS, "on"),
    Case(BOOT, gpu.secure_boot, ["SecureBoot disabled", "absent"], PASS, "off"),
    Case(BOOT, gpu.secure_boot, ["SecureBoot enabled", "absent"], FAIL, "refuses"),
    Case(BOOT, gpu.secure_boot, ["no variable SecureBoot", "loaded"], UNKNOWN, "no variable"),
    Case(NVCC, gpu.toolkit("13.0"), NVCC_13, PASS, "13.0", "recorded"),
    Case(NVCC, TWELVE, NVCC_13, FAIL, "13.0", "recorded"),
    Case(NVCC, TWELVE, ["sh: 1: /usr/local/cuda-12.6/bin/nvcc: not found"], FAIL, "not found",
         "it is not installed"),
    Case(NVCC, TWELVE, [], UNKNOWN, SLOW, "a disk that hangs", **KILLED),
    Case(TENSORRT, gpu.tensorrt, ["10.16.1.1"], PASS, "10.16"),
    Case(TENSORRT, gpu.tensorrt, ["10.16.1.1", "10.2"], WARN, "2 versions"),
    Case(TENSORRT, gpu.tensorrt, [], SKIP, "no part"),
    Case(TENSORRT, gpu.tensorrt, [], UNKNOWN, SLOW, "dpkg hangs", **KILLED),
    Case(ADDRESS, BOUND, ["10.0.0.2 8000"], PASS, "10.0.0.2"),
    *(
        Case(ADDRESS, BOUND, [f"{wide} 8000"], FAIL, "all addresses", wide)
        for wide in ("0.0.0.0", "[::]", "*")
    ),
    Case(ADDRESS, BOUND, ["10.0.0.2 8000", "127.0.0.1 8000"], FAIL, "127.0.0.1", "one too many"),
    Case(ADDRESS, BOUND, [], FAIL, "nothing listens"),
    Case(ADDRESS, BOUND, ["waits"], SKIP, "not there yet"),
    Case(ADDRESS, BOUND, [], UNKNOWN, SLOW, "ss hangs", **KILLED),
    Case(ADDRESS, BOUND, ["untold"], UNKNOWN, "it has no ss"),
    Case(ON_GPU, engine.on_gpu, [MODEL.format(10)], PASS, "all on the card"),
    Case(ON_GPU, engine.on_gpu, [MODEL.format(4)], FAIL, "a: 40 % on the card"),
    Case(ON_GPU, engine.on_gpu, ['{"models": []}'], SKIP, "no model"),
    Case(ON_GPU, engine.on_gpu, ["<html>"], SKIP, "does not tell"),
    Case(ON_GPU, engine.on_gpu, ["sh: curl: not found"], UNKNOWN, "not found", **GONE),
    Case(ANSWERS, engine.alive, ["200"], PASS, "200"),
    Case(ANSWERS, engine.alive, ["503"], FAIL, "503"),
    Case(ANSWERS, engine.alive, ["000"], FAIL, "nothing answers"),
    Case(ANSWERS, engine.alive, ["waits"], SKIP, "not there yet"),
    Case(ANSWERS, engine.alive, [], UNKNOWN, "exit code 127", **GONE),
    Case(KEY, engine.locked, ["401"], PASS, "401"),
    Case(KEY, engine.locked, ["200"], FAIL, "200 without the key"),
    Case(KEY, engine.locked, ["000"], UNKNOWN, "nothing answers"),
    Case(KEY, engine.locked, ["waits"], SKIP, "not there yet"),
    Case(SECRETS, engine.kept_private, ["-rw------- 0"], PASS, "0600"),
    Case(SECRETS, engine.kept_private, ["-rw-r--r-- 0"], FAIL, "-rw-r--r--"),
    Case(SECRETS, engine.kept_private, ["ls: access"], UNKNOWN, "is not there"),
    Case(SECRETS, engine.kept_private, ["-rw-r--r-- 0", "ls: access"], FAIL, "-rw-r--r--",
         "and another is not there"),
    Case(TORCH, of_roles._torch, ["2.9.0 True"], PASS, "sees the card"),
    Case(TORCH, of_roles._torch, ["2.9.0 False"], FAIL, "sees no card"),
    Case(TORCH, of_roles._torch, ["ModuleNotFoundError: torch"], UNKNOWN, "ModuleNotFoundError"),
    Case(PAGES, realtime.huge_pages(2048), ["there 2048", "free 100"], PASS, "2048"),
    Case(PAGES, realtime.huge_pages(2048), ["there 1200"], FAIL, "1200 allocated of 2048"),
    Case(PAGES, realtime.huge_pages(2048), [], UNKNOWN, "does not tell"),
    Case(ISOLATED, realtime.isolated("2-7"), ["2-7", "told"], PASS, "2-7"),
    Case(ISOLATED, realtime.isolated("2-7"), ["2-5,6-7", "told"], PASS, "2-5", "in parts"),
    Case(ISOLATED, realtime.isolated("2-7"), ["told"], FAIL, "none"),
    Case(ISOLATED, realtime.isolated("2-7"), [], UNKNOWN, "does not tell"),
    Case(URING, realtime.io_uring, ["1"], PASS, "its group"),
    Case(URING, realtime.io_uring, ["0"], WARN, "for all"),
    Case(URING, realtime.io_uring, ["2"], FAIL, "nobody"),
    Case(URING, realtime.io_uring, ["missing"], UNKNOWN, "no kernel.io_uring"),
    Case(GOVERNOR, realtime.governor, [], SKIP, "no governor"),
    Case(GOVERNOR, realtime.governor, ["performance"], PASS, "performance"),
    Case(GOVERNOR, realtime.governor, ["powersave"], FAIL, "powersave"),
    Case(GOVERNOR, realtime.governor, [], UNKNOWN, SLOW, **KILLED),
    Case(LIMITS, realtime.limits(80), ["LimitRTPRIO=80", "LimitMEMLOCK=infinity"], PASS, "80"),
    Case(LIMITS, realtime.limits(80), ["LimitRTPRIO=0", "LimitMEMLOCK=8M"], FAIL, "priority 0"),
    Case(LIMITS, realtime.limits(80), [], UNKNOWN, "does not tell of the unit"),
]  # fmt: skip
SUBJECTS = (test_hardware, test_cards, test_reach, test_wire, test_upkeep, test_mac)
ALL = [*CASES, *(case for subject in SUBJECTS for case in subject.CASES)]


def checks() -> Iterator[tuple[str, Custom]]:
    """What the hosts of all examples are asked, each kind of question once."""
    seen: set[object] = set()
    for example in examples():
        inventory, render = load([example_path(example)]), renderer(Path(example))
        for host in inventory.hosts:
            for of in (of_hosts, of_roles):
                for check in of.checks_of(inventory, host, render):
                    if (check.name, kind(check.judge)) not in seen:
                        seen.add((check.name, kind(check.judge)))
                        yield f"{host} {check.name}", check


def kind(judge: Judge) -> tuple[object, ...]:
    """The function that judges, for which system, and what a port is to be."""
    kept = inspect.getclosurevars(judge).nonlocals
    function, knock = kept.get("judge_cards", judge), kept.get("knock")
    expected = getattr(knock, "expected", None)
    return function.__module__, function.__qualname__, kept.get("macos"), expected


ASKED = [*checks()]
every_check = pytest.mark.parametrize(
    "check", [check for _, check in ASKED], ids=[name for name, _ in ASKED]
)


@each(CASES)
def test_a_judge_says_what_it_saw(case: Case) -> None:
    holds(case)


@every_check
def test_every_check_of_an_example_passes_fails_and_is_unknown_in_a_case(check: Custom) -> None:
    cases = [
        c for c in ALL if fnmatchcase(check.name, c.check) and kind(c.judge) == kind(check.judge)
    ]
    told = {case.verdict for case in cases if not case.fault}
    assert PASS in told
    assert told & {FAIL, WARN}
    assert UNKNOWN in told


def test_every_case_is_of_a_check_that_somebody_is_asked() -> None:
    names = {check.name for _, check in ASKED}
    left = {case.check for case in ALL if not any(fnmatchcase(n, case.check) for n in names)}
    assert left == set()


@every_check
@pytest.mark.parametrize(
    "lines",
    [[], [""], ["x"], ["sh: 1: program: not found"], ["Permission denied"], ["\udcff\0"]],
    ids=["nothing", "blank", "a word", "not found", "denied", "no text"],
)
def test_nothing_passes_that_was_not_told(check: Custom, lines: list[str]) -> None:
    passes = check.judge(lines).verdict is PASS
    # Its text leaves no line but versions: what else is printed does not come there.
    assert not passes or (check.name == TENSORRT and lines)


TEXT = (
    "0 1 -1 9.9 , . : / e ² ٣ nan 1e999 % M { } [ ] < > = == speed media carrier used slow free "
    "there told System time 10.0.0.2 8000 7 28 bytes copied, s seconds (10Gbase policy drop"
)
WORDS = st.sampled_from(TEXT.split(" "))


@every_check
@settings(deadline=None, derandomize=True)
@given(lines=st.lists(st.lists(WORDS, max_size=6).map(" ".join), max_size=6))
def test_whatever_a_host_prints_no_judge_raises(check: Custom, lines: list[str]) -> None:
    assert check.judge(lines).is_sound


@pytest.mark.parametrize("example", examples())
def test_every_role_of_an_example_is_proved_by_something(example: str, tmp_path: Path) -> None:
    inventory = load([example_path(example)])
    for name, host in inventory.hosts.items():
        names = [
            check.name
            for of in (of_hosts, of_roles)
            for check in of.checks_of(inventory, name, renderer(tmp_path))
        ]
        assert len(names) == len(set(names))
        remote = set(host.roles) if host.connection == "ssh" else set()
        proved = {check.partition(".")[0] for check in names}
        # A network without a cable that tells its rate has nothing to prove by itself.
        assert remote - proved <= {"network"}


def test_every_role_has_a_check() -> None:
    asked = {check.name.partition(".")[0] for _, check in ASKED}
    assert asked >= set(of_roles.CHECKS)

"""A Mac is judged by what it told of sleep, updates, its memory and what MLX computes on."""

from __future__ import annotations

from magnusctl.checks import mac
from magnusctl.roles.mac import NEVER_SLEEP
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
    parts,
    recorded,
)

SLEEP, UPDATES, FILEVAULT, DISK = (
    f"base.{name}" for name in ("sleep", "updates", "filevault", "full-disk-access")
)
FIREWALL, MEMORY = "base.firewall", "base.memory-pressure"
DEVICE, WIRED, PANICS = (
    f"inference.{name}" for name in ("mlx-device", "wired-memory", "kernel-panics")
)
AWAKE = mac.awake(NEVER_SLEEP)
SERVER = "macos-pmset/custom-m4-macmini-server.txt"
NO_DOMAIN = [
    "2026-01-01 12:00:00.000 defaults[1:2]",
    "The domain/default pair of (/Library/Preferences/com.apple.SoftwareUpdate, "
    "AutomaticallyInstallMacOSUpdates) does not exist",
]
ON, OFF = ("Automatic checking for updates is turned on", "Automatic check is off")
FREE = "macos-memory-pressure/q-48gb-73.txt"
SWAP, NO_SWAP = (
    recorded("macos-sysctl/swapusage-encrypted.txt"),
    ["vm.swapusage: total = 0.00M  used = 0.00M  free = 0.00M  (encrypted)"],
)
BOUND = mac.wired(40960)


def gone(name: str) -> list[str]:
    """What a shell says of a program that is not there."""
    return [f"sh: {name}: command not found"]


def memory(pressure: list[str], swap: list[str]) -> list[str]:
    """What a Mac tells of its memory."""
    return parts(pressure=pressure, swap=swap)


CASES: list[Case] = [
    Case(SLEEP, AWAKE, recorded(SERVER), PASS, "never sleeps", "recorded"),
    Case(SLEEP, AWAKE, recorded("macos-pmset/g-m4pro-macmini-sleep120.txt"), FAIL, "sleep 120",
         "recorded"),
    Case(SLEEP, AWAKE, recorded("macos-pmset/g-macbook-sleepdisabled0.txt"), FAIL, "sleep 1",
         "recorded"),
    Case(SLEEP, AWAKE, changed(SERVER, "autorestart          1", "autorestart          0"), FAIL,
         "autorestart 0", "stays off after a power cut: replaced"),
    Case(SLEEP, AWAKE, ["Battery Power:", " sleep 1", *recorded(SERVER)], FAIL, "sleep 1",
         "in one profile of two"),
    Case(SLEEP, AWAKE, ["pmset: must be run as root"], UNKNOWN, "pmset: must"),
    Case(SLEEP, AWAKE, [], UNKNOWN, "pmset said nothing", "nothing printed"),
    Case(SLEEP, AWAKE, gone("pmset"), UNKNOWN, "not found", status="127"),
    Case(SLEEP, AWAKE, ["AC Power:", " lidwake              1"], UNKNOWN, "AC Power:",
         "not one of them"),
    Case(SLEEP, AWAKE, ["AC Power:", " womp                 1"], UNKNOWN, "", "one, but not sleep"),
    Case(UPDATES, mac.updates, ["0", ON], PASS, "none come by themselves"),
    Case(UPDATES, mac.updates, [*NO_DOMAIN, OFF], PASS, "none come", "not even looked for"),
    Case(UPDATES, mac.updates, ["1", ON], FAIL, "installs updates of macOS by itself"),
    Case(UPDATES, mac.updates, [*NO_DOMAIN, ON], UNKNOWN, "defaults", "the default of macOS"),
    Case(UPDATES, mac.updates, gone("defaults") + gone("softwareupdate"), UNKNOWN, "not found"),
    Case(UPDATES, mac.updates, [], UNKNOWN, "told nothing", "nothing printed"),
    Case(FILEVAULT, mac.filevault("off"), ["FileVault is Off."], PASS, "off"),
    Case(FILEVAULT, mac.filevault("off"), ["FileVault is On."], WARN, "after a power cut"),
    Case(FILEVAULT, mac.filevault("on"), ["FileVault is On."], PASS, "as declared"),
    Case(FILEVAULT, mac.filevault("on"), [], UNKNOWN, "said nothing"),
    Case(FILEVAULT, mac.filevault("off"), gone("fdesetup"), UNKNOWN, "not found", status="127"),
    Case(DISK, mac.full_disk, ["yes"], PASS, "given"),
    Case(DISK, mac.full_disk, ["no"], WARN, "Full Disk Access"),
    Case(DISK, mac.full_disk, [], UNKNOWN, "did not end", "a disk that hangs", status="137"),
    Case(FIREWALL, mac.firewall, ["Firewall is enabled. (State = 1)"], PASS, "on"),
    Case(FIREWALL, mac.firewall, ["Firewall is disabled. (State = 0)"], FAIL, "off"),
    Case(FIREWALL, mac.firewall, gone("socketfilterfw"), UNKNOWN, "not found", status="127"),
    Case(FIREWALL, mac.firewall, [], UNKNOWN, "it said nothing", "nothing printed"),
    Case(MEMORY, mac.memory, memory(recorded(FREE), NO_SWAP), PASS, "73 % free, 0 MB of swap"),
    Case(MEMORY, mac.memory, memory(recorded(FREE), gone("sysctl")), PASS, "73 % free", "no swap"),
    Case(MEMORY, mac.memory, memory(changed(FREE, "73%", "4%"), NO_SWAP), WARN, "4 % free",
         "the percentage replaced"),
    Case(MEMORY, mac.memory, memory(recorded(FREE), SWAP), WARN, "5120 MB of swap", "recorded"),
    Case(MEMORY, mac.memory, memory(gone("memory_pressure"), SWAP), UNKNOWN, "does not tell",
         "no memory_pressure"),
    Case(MEMORY, mac.memory, [], UNKNOWN, "does not tell", "nothing printed"),
    Case(MEMORY, mac.memory, memory(recorded(FREE), ["vm.swapusage: used = 1.2.3M"]), PASS, "73 %",
         "no number"),
    Case(DEVICE, mac.device, ["Device(gpu, 0)"], PASS, "gpu"),
    Case(DEVICE, mac.device, ["Device(cpu, 0)"], FAIL, "Device(cpu, 0)"),
    Case(DEVICE, mac.device, ["ModuleNotFoundError: No module named 'mlx'"], UNKNOWN, "mlx"),
    Case(DEVICE, mac.device, [], UNKNOWN, "it said nothing"),
    Case(WIRED, BOUND, ["40960"], PASS, "40960"),
    Case(WIRED, BOUND, ["0"], FAIL, "the default"),
    Case(WIRED, BOUND, ["20480"], FAIL, "20480 MiB"),
    Case(WIRED, BOUND, ["sysctl: unknown oid 'iogpu.wired_limit_mb'"], SKIP, "has no iogpu"),
    Case(WIRED, BOUND, gone("sysctl"), UNKNOWN, "not found", status="127"),
    Case(PANICS, mac.panics, ["       0"], PASS, "none"),
    Case(PANICS, mac.panics, ["       2"], FAIL, "2 within"),
    Case(PANICS, mac.panics, [], UNKNOWN, "nobody can tell"),
    Case(PANICS, mac.panics, ["untold"], UNKNOWN, "nobody can tell", "a folder that is closed"),
]  # fmt: skip


@each(CASES)
def test_a_judge_says_what_it_saw(case: Case) -> None:
    holds(case)

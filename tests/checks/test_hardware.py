"""The machine is what was bought: judged by what its kernel told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from magnusctl.checks import hardware
from magnusctl.inventory.model import Disk, Hardware, Nic
from tests.checks.cases import (
    FAIL,
    PASS,
    UNKNOWN,
    WARN,
    Case,
    changed,
    each,
    holds,
    parts,
    recorded,
)


def linux(**told: Sequence[str]) -> list[str]:
    """What a Linux host tells of its hardware: a plain one, but for what is given."""
    plain = {
        "memory": recorded("meminfo/meminfo-normal.txt"),
        "cpu": recorded("lscpu/lscpu_results_intel_1.txt"),
        "disks": recorded("lsblk/lsblk.json"),
        "nics": recorded("ethtool/x520-dac-up-ubuntu22.txt"),
    }
    return parts(**{**plain, **told})


def mac(**told: Sequence[str]) -> list[str]:
    """What a Mac mini tells of its hardware, but for what is given."""
    plain = {
        "memory": recorded("macos-sysctl/m4pro-macmini-64gb.txt"),
        "cpu": recorded("macos-sysctl/m4pro-macmini-64gb.txt"),
        "disks": BUILT_IN,
        "nics": recorded("macos-ifconfig/m4-macmini-10gbe.txt"),
        "thunderbolt": recorded(PORTS),
    }
    return parts(**{**plain, **told})


def disk(name: str, size: str) -> Disk:
    """A disk as an inventory declares it."""
    return Disk.model_validate({"name": name, "size": size})


def nic(name: str, speed: str, port: str = "rj45") -> Nic:
    """A card as an inventory declares it."""
    return Nic.model_validate({"name": name, "speed": speed, "port": port})


# SIMULATED, in the form of `diskutil list physical`.
BUILT_IN = [
    "/dev/disk0 (internal, physical):",
    "   #:                       TYPE NAME                    SIZE       IDENTIFIER",
    "   0:      GUID_partition_scheme                        *500.3 GB   disk0",
    "   1:             Apple_APFS_ISC Container disk1         524.3 MB   disk0s1",
    "   2:                 Apple_APFS Container disk3         494.4 GB   disk0s2",
    "   3:        Apple_APFS_Recovery Container disk2         5.4 GB     disk0s3",
    "",
]
EXTERNAL = [
    "/dev/disk4 (external, physical):",
    "   #:                       TYPE NAME                    SIZE       IDENTIFIER",
    "   0:      GUID_partition_scheme                        *2.0 TB     disk4",
    "   1:                        EFI EFI                     209.7 MB   disk4s1",
    "   2:                 Apple_APFS Container disk5         2.0 TB     disk4s2",
    "",
]
# SIMULATED, in the form of `ifconfig -m`: a card that does more than its cable lets it.
FALLEN = [
    "en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500",
    "\tmedia: autoselect (1000baseT <full-duplex,flow-control>)",
    "\tstatus: active",
    "\tsupported media:",
    "\t\tmedia autoselect",
    "\t\tmedia 100baseTX mediaopt full-duplex mediaopt flow-control",
    "\t\tmedia 1000baseT mediaopt full-duplex mediaopt flow-control",
    "\t\tmedia 2500Base-T mediaopt full-duplex mediaopt flow-control",
    "\t\tmedia 10Gbase-T mediaopt full-duplex mediaopt flow-control",
    "en1: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500",
    "\tmedia: autoselect",
    "\tstatus: active",
    "\tsupported media:",
    "\t\tmedia autoselect",
]
GIB = 1024**3
LSCPU, MEMINFO = "lscpu/lscpu_results_intel_1.txt", "meminfo/meminfo-normal.txt"
NORMAL, ONLINE = "MemTotal:       16201888 kB", "list:             0-3"
MEMORY, CORES, CHIP = "hardware.memory", "hardware.cores", "hardware.chip"
DISKS, NICS = "hardware.disks", "hardware.nics"
BOOT, MODELS = disk("boot SSD", "275GB"), disk("model SSD", "2TB")
TWIN, SSD = disk("second SSD", "275GB"), disk("SSD", "512GB")
PART = disk("second", "494GB")
X520, SECOND = nic("Intel X520-DA1", "10Gbit/s"), nic("second X520", "10Gbit/s")
TEN, SLOW = nic("built-in 10 GbE", "10Gbit/s"), nic("built-in", "2500Mbit/s")
WIFI = nic("Wi-Fi", "12Gbit/s", "wifi")
THUNDERBOLT = nic("Thunderbolt 5", "40Gbit/s", "thunderbolt")
PORTS = "macos-system-profiler-json/thunderbolt-m4pro-macmini-macos27.json"
GIGABIT = recorded("macos-ifconfig/imac-27-intel-2019-macosx-10.14.6.txt")
NO_OID = ["sysctl: unknown oid 'hw.memsize'"]
LSCPU_GONE, LSBLK_GONE = ["sh: 1: lscpu: not found"], ["sh: 1: lsblk: not found"]
DISKUTIL_GONE = ["sh: diskutil: command not found"]
X520_TOLD = recorded("ethtool/x520-dac-up-ubuntu22.txt")

CASES: list[Case] = [
    Case(MEMORY, hardware.memory(16 * GIB, False), linux(), PASS, "15.5 GiB"),
    Case(MEMORY, hardware.memory(32 * GIB, False),
         linux(memory=recorded("meminfo/meminfo-vm-24g.txt")), FAIL, "23.5 GiB",
         "24 of 32 GiB, recorded"),
    Case(MEMORY, hardware.memory(16 * GIB, False),
         linux(memory=changed(MEMINFO, NORMAL, "MemTotal:        8100944 kB")), FAIL, "7.7 GiB",
         "one of two modules is not seen: MemTotal replaced"),
    Case(MEMORY, hardware.memory(8 * GIB, False), linux(), WARN, "15.5 GiB"),
    Case(MEMORY, hardware.memory(16 * GIB, False),
         linux(memory=["cat: /proc/meminfo: No such file or directory"]), UNKNOWN,
         "does not tell how much memory"),
    Case(MEMORY, hardware.memory(16 * GIB, False), [], UNKNOWN, "does not tell", "no lines"),
    Case(MEMORY, hardware.memory(64 * GIB, True), mac(), PASS, "64.0 GiB", "Mac"),
    Case(MEMORY, hardware.memory(48 * GIB, True),
         mac(memory=recorded("macos-sysctl/iogpu-m2pro-macmini-default.txt")), FAIL, "32.0 GiB",
         "Mac with 32 of 48 GiB, recorded"),
    Case(MEMORY, hardware.memory(48 * GIB, True), mac(), WARN, "64.0 GiB", "Mac"),
    Case(MEMORY, hardware.memory(48 * GIB, True), mac(memory=NO_OID), UNKNOWN, "does not", "Mac"),
    Case(CORES, hardware.cores(2, False), linux(), PASS, "2 cores, 4 threads", "cores"),
    Case(CORES, hardware.cores(4, False), linux(), PASS, "2 cores, 4 threads", "threads"),
    Case(CORES, hardware.cores(8, False), linux(), FAIL, "2 cores, 4 threads"),
    Case(CORES, hardware.cores(3, False), linux(), WARN, "2 cores, 4 threads"),
    Case(CORES, hardware.cores(2, False), linux(cpu=recorded("lscpu/lscpu_results_ampere_1.txt")),
         PASS, "2 cores, 2 threads", "ARM"),
    Case(CORES, hardware.cores(4, False), linux(cpu=LSCPU_GONE), UNKNOWN, "how many CPUs"),
    Case(CORES, hardware.cores(4, False),
         linux(cpu=changed(LSCPU, ONLINE, ONLINE.replace("0-3", "0,1\nOff-line list: 2,3"))), FAIL,
         "2 cores, 2 threads", "two of four CPUs are off: the list of those on line replaced"),
    Case(CORES, hardware.cores(14, True), mac(), PASS, "14 CPUs", "Mac"),
    Case(CORES, hardware.cores(16, True), mac(), FAIL, "14 CPUs", "Mac"),
    Case(CORES, hardware.cores(14, True), mac(cpu=NO_OID), UNKNOWN, "how many CPUs", "Mac"),
    Case(CHIP, hardware.chip("Apple M4 Pro"), mac(), PASS, "Apple M4 Pro"),
    Case(CHIP, hardware.chip("Apple M4 Pro"),
         mac(cpu=recorded("macos-sysctl/m4-macmini-machdep.txt")), FAIL, "Apple M4",
         "an M4 is no M4 Pro, recorded"),
    Case(CHIP, hardware.chip("Apple M4 Pro"), mac(cpu=NO_OID), UNKNOWN, "does not tell its chip"),
    Case(DISKS, hardware.disks([BOOT], False), linux(), PASS, "275 GB"),
    Case(DISKS, hardware.disks([BOOT, MODELS], False), linux(), FAIL, "no model SSD (2TB)"),
    Case(DISKS, hardware.disks([BOOT, TWIN], False), linux(), FAIL, "no second SSD", "no twin"),
    Case(DISKS, hardware.disks([BOOT], False), linux(disks=recorded("lsblk/alma9-attached.json")),
         UNKNOWN, "does not tell of its disks", "no sizes, recorded"),
    Case(DISKS, hardware.disks([BOOT], False), linux(disks=LSBLK_GONE), UNKNOWN, "of its disks"),
    Case(DISKS, hardware.disks([SSD], True), mac(), PASS, "500 GB", "Mac"),
    Case(DISKS, hardware.disks([MODELS, SSD], True), mac(disks=[*BUILT_IN, *EXTERNAL]), PASS,
         "500 GB, 2000 GB", "Mac with a disk that is plugged in"),
    Case(DISKS, hardware.disks([SSD, MODELS], True), mac(), FAIL, "no model SSD", "Mac"),
    Case(DISKS, hardware.disks([SSD, PART], True), mac(), FAIL, "among 500 GB", "Mac's parts"),
    Case(DISKS, hardware.disks([BOOT], True), mac(disks=DISKUTIL_GONE), UNKNOWN, "does not", "Mac"),
    Case(NICS, hardware.nics([X520], False), linux(), PASS, "10Gbit/s"),
    Case(NICS, hardware.nics([SLOW], False),
         linux(nics=recorded("ethtool/rtl-2.5g-nic-fell-back-to-1g.txt")), PASS, "2500Mbit/s",
         "a link at its fallback is no fault of the card, recorded"),
    Case(NICS, hardware.nics([X520, SLOW], False),
         linux(nics=recorded("ethtool/rtl-2.5g-nic-fell-back-to-1g.txt")), FAIL,
         "no Intel X520-DA1", "the second card is not in, recorded"),
    Case(NICS, hardware.nics([X520, SECOND], False), linux(), FAIL, "no second X520 among 10Gbit/s",
         "one of two equal cards is not in"),
    Case(NICS, hardware.nics([X520, SECOND], False), linux(nics=[*X520_TOLD, *X520_TOLD]), PASS,
         "10Gbit/s, 10Gbit/s", "two equal cards, recorded"),
    Case(NICS, hardware.nics([WIFI, SLOW], False), linux(), PASS, "10Gbit/s", "Wi-Fi has no cable"),
    Case(NICS, hardware.nics([X520], False), linux(nics=[]), UNKNOWN, "do not tell", "no ethtool"),
    Case(NICS, hardware.nics([TEN], True), mac(), PASS, "10Gbit/s, 100Mbit/s", "Mac"),
    Case(NICS, hardware.nics([TEN], True), mac(nics=FALLEN, thunderbolt=[]), PASS, "10Gbit/s",
         "Mac whose cable does less than its card"),
    Case(NICS, hardware.nics([TEN, SECOND], True), mac(nics=FALLEN), FAIL, "no second X520",
         "Mac: neither Wi-Fi nor a second rate of one card is a card"),
    Case(NICS, hardware.nics([TEN, THUNDERBOLT], True), mac(), PASS,
         "10Gbit/s, 100Mbit/s, 120Gbit/s, 120Gbit/s, 120Gbit/s", "Mac with Thunderbolt, recorded"),
    Case(NICS, hardware.nics([THUNDERBOLT] * 4, True), mac(), FAIL, "no Thunderbolt 5 among",
         "Mac with three such ports, not four"),
    Case(NICS, hardware.nics([TEN, THUNDERBOLT], True), mac(thunderbolt=[]), UNKNOWN, "do not tell",
         "Mac that tells of no Thunderbolt"),
    Case(NICS, hardware.nics([TEN], True), mac(nics=GIGABIT), FAIL, "no built-in 10 GbE", "Mac"),
    Case(NICS, hardware.nics([TEN, THUNDERBOLT], True), mac(nics=GIGABIT), FAIL,
         "no built-in 10 GbE", "Mac without the 10 GbE that was paid for, recorded parts"),
    Case(NICS, hardware.nics([TEN], True), mac(nics=[]), UNKNOWN, "do not tell", "Mac"),
]  # fmt: skip


@each(CASES)
def test_a_judge_says_what_it_saw(case: Case) -> None:
    holds(case)


@pytest.mark.parametrize("card", [WIFI, THUNDERBOLT], ids=lambda card: str(card.port))
def test_what_is_not_looked_at_does_not_pass(card: Nic) -> None:
    for lines in (linux(), linux(nics=[])):
        assert hardware.nics([card], False)(lines).verdict is not PASS


def test_only_what_is_declared_is_judged() -> None:
    assert [*hardware.checks(Hardware(), macos=False)] == []
    declared = {
        "cpu": "Apple M4 Pro",
        "cores": 14,
        "memory": "48GiB",
        "nics": ({"name": "10 GbE", "speed": "10Gbit/s"},),
        "disks": ({"name": "SSD", "size": "512GB"},),
    }
    told = Hardware.model_validate(declared)
    names = [name for name, _ in hardware.checks(told, macos=True)]
    assert names == ["memory", "cores", "chip", "disks", "nics"]
    # A Linux host's CPU is told in words of the seller.
    assert "chip" not in [name for name, _ in hardware.checks(told, macos=False)]

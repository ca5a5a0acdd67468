"""What the texts of the checks ask of a host, and the programs and files that answer.

Programs are SIMULATED by stand-ins that print what was recorded.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from magnusctl.checks import (
    cards,
    clock,
    disk,
    diskspeed,
    doors,
    engine,
    gpu,
    hardware,
    mac,
    realtime,
    upkeep,
    wire,
)
from magnusctl.checks.custom import Judge
from magnusctl.checks.sections import asked
from magnusctl.report import Verdict
from tests.checks.cases import FAIL, PASS, RECORDED, UNKNOWN
from tests.checks.test_hardware import BUILT_IN, TEN, THUNDERBOLT

FOLDER = "/srv/o'brien's \"big\" models"
GIB = 1024**3
MAC = "02:00:00:00:00:01"
LINKS = f"1: x0@if2: <UP> mtu 9000 \\\\    link/ether {MAC} brd ff:ff:ff:ff:ff:ff"


def shown(name: str) -> str:
    """A program that prints a recorded output, whose last line is whole."""
    return f"cat {shlex.quote(str(RECORDED / name))}; echo"


def says(*lines: str) -> str:
    """A program that prints some lines."""
    return "\n".join(f"printf '%s\\n' {shlex.quote(line)}" for line in lines)


@dataclass(frozen=True)
class Ask:
    """A text, its judge, and what a host with these programs and files is found to be.

    Without one of the programs of `needs` nobody can tell.
    """

    about: str
    text: str
    judge: Judge
    verdict: Verdict
    said: str
    programs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


LINUX = {
    "lscpu": shown("lscpu/lscpu_results_intel_1.txt"),
    "lsblk": shown("lsblk/lsblk.json"),
    "ethtool": shown("ethtool/x520-dac-up-ubuntu22.txt"),
}
LINUX_FILES = {
    "/proc/meminfo": (RECORDED / "meminfo/meminfo-normal.txt").read_text(),
    "/sys/class/net/mg10g0/device": "",
    "/sys/class/net/lo/mtu": "65536",
}
IFCONFIG = shown("macos-ifconfig/m4-macmini-10gbe.txt")
PORTS = shown("macos-system-profiler-json/thunderbolt-m4pro-macmini-macos27.json")
MACOS = {
    "sysctl": shown("macos-sysctl/m4pro-macmini-64gb.txt"),
    "diskutil": f'[ "$*" = "list physical" ] || exit 1\n{says(*BUILT_IN)}',
    "ifconfig": f'[ "$*" = -m ] || exit 1\n{IFCONFIG}',
    "system_profiler": PORTS,
}
EN0 = f"{{ {IFCONFIG}; }} | sed -n 27,35p"
OF_LINUX, OF_MACOS = asked(hardware.LINUX), asked(hardware.MACOS)
BSD_DD = """\
case " $* " in *" if= "* | *" if=/dev/"*) echo "dd: no such device"; exit 1 ;; esac
echo "536870912 bytes transferred in 0.25 secs (2147483648 bytes/sec)"
"""
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
SERVICE = 'Ethernet "10G" o\'brien'

ASKS = [
    Ask("memory", OF_LINUX, hardware.memory(16 * GIB, False), PASS, "15.5 GiB", LINUX,
        LINUX_FILES),
    Ask("cores", OF_LINUX, hardware.cores(4, False), PASS, "4 threads", LINUX, LINUX_FILES,
        ("lscpu",)),
    Ask("disks", OF_LINUX, hardware.disks([], False), PASS, "275 GB", LINUX, LINUX_FILES,
        ("lsblk",)),
    Ask("nics", OF_LINUX, hardware.nics([TEN], False), PASS, "10Gbit/s",
        LINUX, LINUX_FILES, ("ethtool",)),
    Ask("Mac's memory", OF_MACOS, hardware.memory(64 * GIB, True), PASS, "64.0", MACOS, {},
        ("sysctl",)),
    Ask("chip", OF_MACOS, hardware.chip("Apple M4 Pro"), PASS, "M4 Pro", MACOS, {},
        ("sysctl",)),
    Ask("Mac's disks", OF_MACOS, hardware.disks([], True), PASS, "500 GB", MACOS, {},
        ("diskutil",)),
    Ask("Mac's nics", OF_MACOS, hardware.nics([TEN], True), PASS, "10Gbit/s, 100Mbit/s",
        MACOS, {}, ("ifconfig",)),
    Ask("Mac's Thunderbolt", OF_MACOS, hardware.nics([THUNDERBOLT], True), PASS,
        "120Gbit/s, 120Gbit/s, 120Gbit/s", MACOS, {}, ("system_profiler",)),
    Ask("read speed", diskspeed.text(FOLDER, False), diskspeed.fast(None), Verdict.SKIP,
        "no large file", {"find": "exit 0"}),
    # Below a root there is no device of a Mac: its file is read.
    Ask("read speed, BSD", diskspeed.text(FOLDER, True), diskspeed.fast(None), UNKNOWN,
        "2147 MB/s, but a Mac", {"dd": BSD_DD, "find": 'printf "%s\\n" "$1/a model"'},
        {f"{FOLDER}/a model": ""}, ("dd",)),
    Ask("key files", doors.KEY_FILES, doors.key_files, FAIL, "/home/a b/.ssh/my 'key'", {},
        {"/home/a b/.ssh/my 'key'": KEY, "/home/a b/.ssh/known_hosts": "",
         "/home/a b/.ssh/my.pub": "", "/home/a b/.ssh/config": ""}),
    Ask("a certificate's key", doors.KEY_FILES, doors.key_files, FAIL, "/etc/letsencrypt/archive/",
        {}, {"/etc/letsencrypt/archive/a.b/privkey1.pem": KEY,
             "/etc/letsencrypt/archive/a.b/cert1.pem": ""}),
    Ask("nothing of a key", doors.KEY_FILES, doors.key_files, UNKNOWN, "no key files", {},
        {"/home/a b/.ssh/known_hosts": "", "/etc/ssl/private/README": "keys go here"}),
    Ask("no key files", doors.KEY_FILES, doors.key_files, UNKNOWN, "no key files"),
    Ask("updates", upkeep.UPDATES, upkeep.updates, PASS, "security updates",
        {"apt-config": says('APT::Periodic::Unattended-Upgrade "1";')}, {}, ("apt-config",)),
    Ask("log", upkeep.JOURNAL, upkeep.journal, FAIL, "lost"),
    Ask("log that is kept", upkeep.JOURNAL, upkeep.journal, PASS, "", {},
        {"/var/log/journal/x": ""}),
    Ask("boot", upkeep.BOOT, upkeep.boot, Verdict.WARN, "due: libc6, linux-image", {},
        {"/run/reboot-required": "",
         "/run/reboot-required.pkgs": "linux-image\nlibc6\nlinux-image\n"}),
    Ask("no boot", upkeep.BOOT, upkeep.boot, PASS, "no boot is due"),
    Ask("holds", upkeep.HOLDS, upkeep.holds(["vim"]), PASS, "1 held", {"apt-mark": says("vim")}, {},
        ("apt-mark",)),
    Ask("Mac's memory pressure", mac.MEMORY, mac.memory, PASS, "73 % free",
        {"memory_pressure": shown("macos-memory-pressure/q-48gb-73.txt")}, {},
        ("memory_pressure",)),
    Ask("Mac's updates", mac.UPDATES, mac.updates, PASS, "none come",
        {"defaults": says("0"), "softwareupdate": says("Automatic check is on")}, {},
        ("defaults",)),
    Ask("sleep", mac.SLEEP, mac.awake({"sleep": 0}), PASS, "never sleeps",
        {"pmset": shown("macos-pmset/custom-m4-macmini-server.txt")}, {}, ("pmset",)),
    Ask("FileVault", mac.FILEVAULT, mac.filevault("off"), PASS, "off",
        {"fdesetup": says("FileVault is Off.")}, {}, ("fdesetup",)),
    Ask("Mac's firewall", mac.FIREWALL, mac.firewall, PASS, "on",
        {"socketfilterfw": says("Firewall is enabled. (State = 1)")}, {}, ("socketfilterfw",)),
    Ask("full disk", mac.FULL_DISK, mac.full_disk, PASS, "given", {},
        {"/Library/Application Support/com.apple.TCC/TCC.db": ""}),
    Ask("wired", mac.WIRED, mac.wired(40960), PASS, "40960", {"sysctl": says("40960")}, {},
        ("sysctl",)),
    Ask("no MLX", mac.DEVICE, mac.device, UNKNOWN, ""),
    Ask("address", wire.ADDRESSES, wire.linux_address("10.77.0.1/24", None, "ra0", 9000), PASS,
        "MTU 9000", {"ip": shown("ip-json/ip-addr-veth9000.json")}, {}, ("ip",)),
    Ask("rate", wire.linux(MAC), wire.speed(10**10, None), PASS, "10Gbit/s",
        {"ip": says(LINKS.replace("\\\\", "\\"))},
        {"/sys/class/net/x0/speed": "10000\n", "/sys/class/net/x0/carrier": "1\n",
         "/sys/class/net/x0/operstate": "up\n"}, ("ip",)),
    Ask("card that is down", wire.linux(MAC), wire.speed(10**10, None), FAIL, "the card is down",
        {"ip": says(LINKS.replace("\\\\", "\\"))}, {"/sys/class/net/x0/operstate": "down\n"},
        ("ip",)),
    Ask("Mac's rate", wire.macos("en 0'"), wire.speed(10**10, None), PASS, "10Gbit/s",
        {"ifconfig": f'[ "$1" = "en 0\'" ] || exit 1\n{EN0}'}, {}, ("ifconfig",)),
    Ask("Mac's address", wire.static_macos(SERVICE, "en0"),
        wire.macos_address("192.168.1.103/24", 1500), PASS, "MTU 1500",
        {"networksetup": f'[ "$2" = {shlex.quote(SERVICE)} ] || exit 1\n'
         + shown("macos-networksetup/getinfo-ethernet-manual.txt"),
         "ifconfig": EN0}, {}, ("networksetup",)),
    Ask("Thunderbolt", wire.THUNDERBOLT, wire.thunderbolt(40 * 10**9), PASS, "40Gbit/s",
        {"system_profiler": PORTS}, {}, ("system_profiler",)),
    Ask("clock", clock.RUN, clock.offset_judge(0.005), PASS, "slow",
        {"chronyc": shown("chrony/tracking-aws.txt"), "systemctl": says("inactive")}, {},
        ("chronyc",)),
    Ask("room", disk.room(FOLDER), disk.enough(15), PASS, "40 % free",
        {"df": '[ -d "$2" ] || exit 1\necho x; echo "/dev/x 1000 600 400 60% /srv"'},
        {f"{FOLDER}/x": ""}, ("df",)),
    Ask("listens", engine.sockets(8000), engine.bound("10.0.0.2"), PASS, "10.0.0.2",
        {"ss": says("LISTEN 0 511 10.0.0.2:8000 0.0.0.0:*", "LISTEN 0 1 0.0.0.0:18000 *:*"),
         "uname": says("Linux")}, {}, ("ss",)),
    Ask("answers", engine.answers("http://10.0.0.2:8000/x"), engine.alive, PASS, "200",
        {"curl": says("200")}, {}, ("curl",)),
    Ask("on the card", engine.said("http://127.0.0.1:1/x"), engine.on_gpu, PASS, "1 loaded",
        {"curl": says('{"models":[{"name":"a","size":10,"size_vram":10}]}')}, {}, ("curl",)),
    Ask("secrets", engine.private(["/etc/magnus/a b's.env"]), engine.kept_private, FAIL, "-rw-r--",
        {}, {"/etc/magnus/a b's.env": "secret"}),
    Ask("card", gpu.SMI, cards.PCIE, PASS, "x16 of x16",
        {"nvidia-smi": shown("nvidia-smi-xml/rtx-3090-v12.xml")}, {}, ("nvidia-smi",)),
    Ask("no toolkit", gpu.nvcc("12.6"), gpu.toolkit("12.6"), FAIL, ""),
    Ask("io_uring", realtime.IO_URING, realtime.io_uring, PASS, "its group", {},
        {"/proc/sys/kernel/io_uring_disabled": "1\n"}),
    Ask("unit", realtime.LIMITS, realtime.limits(80), PASS, "80",
        {"systemctl": says("LimitRTPRIO=80", "LimitMEMLOCK=infinity")}, {}, ("systemctl",)),
]  # fmt: skip

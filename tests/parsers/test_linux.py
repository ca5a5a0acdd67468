"""Outputs of Linux tools that are hard to read: each by hand, after what real tools print."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest

from magnusctl.parsers import (
    chrony,
    detect_virt,
    dpkg,
    ethtool,
    facts,
    ip_json,
    ip_text,
    lsblk,
    lscpu,
    meminfo,
    os_release,
    systemctl_show,
    uname,
)
from magnusctl.parsers.linux_cells import documents

FAMILIES = (
    *("chrony", "detect-virt", "dpkg", "ethtool", "ip-json", "ip-text", "lsblk", "lscpu"),
    *("meminfo", "os-release", "sysctl-linux", "systemctl-show", "timedatectl", "uname"),
)

TRACKING = """\
Reference ID    : 7F7F0101 ()
Stratum         : 10
System time     : 0,000001200 seconds slow of NTP time
Frequency       : 10.5 ppm slow
Leap status     : Normal
"""
CSV = "C3B20501,195.178.5.1,2,1707843210.123,-0.00012,0.1,0.2,7.5,0.1,0.2,0.3,0.4,64.2,Normal\n"
SOURCES = """\
MS Name/IP address         Stratum Poll Reach LastRx Last sample
===============================================================================
^* ntp1.example.org              2   6   377    23   -923us[ -924us] +/-   43ms
^? ntp2.example.org              0   7     0     -     +0ns[   +0ns] +/-    0ns
"""
CARD_DOWN = """\
Settings for enp1s0f0np0:
\tSupported ports: [ FIBRE\t Backplane ]
\tSupported link modes:
\t\t1000baseKX/Full 100000baseLR4_ER4/Full
\t\t10000baseR_FEC
\tLink partner advertised link modes:  Not reported
\tSpeed: Unknown!
\tLanes: Unknown!
\tDuplex: Unknown! (255)
\tAuto-negotiation: on
\tPort: Direct Attach Copper
\tLink detected: no (Autoneg, No partner detected)
"""
CARD_JSON = """[ { "ifname": "eth0", "supported-ports": [ "TP" ],
"supported-link-modes": [ "1000baseT/Full", "10000baseT/Full" ], "speed": 10000, "lanes": 1,
"duplex": "Full", "auto-negotiation": true, "port": "Twisted Pair", "link-detected": true } ]"""
MODULE = """\
\tIdentifier                                : 0x18 (QSFP-DD Double Density 8X (INF-8628))
\tConnector                                 : 0x23 (No separable connector)
\tTransceiver type                          : 40G Ethernet: 40G Base-CR4
\tTransceiver type                          : 25G Ethernet: 25G Base-CR CA-N
\tBR, Nominal                               : 25500Mbps
\tCable assembly length                     : 0.50km
\tRcvr signal avg optical power(Channel 1)  : 0.0000 mW / -inf dBm
\tRcvr signal avg optical power(Channel 2)  : 0.6310 mW / -2.00 dBm
\tLaser output power high alarm threshold   : 3.1623 mW / 5.00 dBm
"""
OLD_DPKG = """\
Souhait=inconnU/Installe/supprime/Purge/H=a garder
||/ Nom            Version        Description
+++-==============-==============-============================================
ii  adduser        3.112+nmu2     add and remove users and groups
hi  nvidia-driver- 470.57.02-1    held, and its name cut
iU  libc6:amd64    2.36-9+deb12u1 half way
un  cuda           <none>         (no description available)
ii  apt            1.0"""
BRANCHES = """\
rc  nvidia-driver-535-server-open 535.1-0ubuntu1 amd64 removed
ii  nvidia-driver-550-server-open 550.2-0ubuntu1 amd64 installed
ii  cuda-toolkit-12-4             12.4.1-1       amd64 CUDA Toolkit 12.4
"""
STANZA = """\
Package: chrony
Status: deinstall ok config-files
Architecture: amd64
Version: 4.3-2
Description: Versatile implementation of the
 Network: Time Protocol
"""
ADDR = """\
2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc noqueue state UP group default
    link/ether 02:42:ac:11:00:02 brd ff:ff:ff:ff:ff:ff link-netnsid 0
    inet 10.0.0.2 peer 10.0.0.1/30 scope global eth0
    inet6 fe80::1/64 scope link
       valid_lft forever preferred_lft forever
3: ib0: <BROADCAST,MULTICAST> mtu 2044 qdisc noop state DOWN
4: cut0: <BROADCAST> mtu 15"""
BRIEF = """\
lo               UNKNOWN        127.0.0.1/8 ::1/128
eth0@if5         UP             10.0.0.2/24 metric 100 fe80::1/64
docker0          DOWN
"""
LSBLK = """\
NAME              MAJ:MIN RM   SIZE RO TYPE  MODEL           MOUNTPOINTS
nvme0n1           259:0    0   1,8T  0 disk  Samsung SSD 990 \n\
├─nvme0n1p1       259:1    0   512M  0 part                  /boot/efi
└─nvme0n1p2       259:2    0   1,8T  0 part                  \n\
  └─crypt         253:0    0   1,8T  0 crypt                 \n\
    └─vg-root     253:1    0   100G  0 lvm                   /
                                                             /var/lib/docker
sda                 8:0    1     0B  0 disk  Card Reader     \n\
sdb                 8:16   0"""
HYBRID = """\
Architecture:                aarch64
CPU(s):                      20
  On-line CPU(s) list:       0-19
Vendor ID:                   ARM
  Model name:                Cortex-X925
    Thread(s) per core:      1
    Core(s) per socket:      10
    Socket(s):               1
    CPU max MHz:             3900,0000
    Flags:                   fp asimd evtstrm aes pmull asimdd
                             p sha512
  Model name:                Cortex-A725
    Thread(s) per core:      1
    Core(s) per socket:      10
    Socket(s):               1
Caches (sum of all):
  L3:                        24 MiB (2 instances)
"""
FRENCH = """\
Architecture :                              x86_64
Processeur(s) :                             16
Identifiant constructeur :                  GenuineIntel
  Nom de modèle :                           Intel(R) Core(TM) i7-8650U CPU @ 1.9
                                            0GHz
    Thread(s) par cœur :                    2
    Cœur(s) par socket :                    8
    Socket(s) :                             1
Nœud(s) NUMA :                              1
"""
CLUSTERS = """\
Architecture:            aarch64
CPU(s):                  6
  Model name:            -
    Core(s) per cluster: 3
    Socket(s):           -
    Cluster(s):          2
"""
NESTED_CPU = """{"lscpu": [{"field": "Architecture:", "data": "x86_64"},
{"field": "CPU(s):", "data": "8", "children": [{"field": "On-line CPU(s) list:", "data": "0-7"}]},
{"field": "Vendor ID:", "data": "AuthenticAMD", "children": [{"field": "Model name:",
"data": "AMD EPYC", "children": [{"field": "Socket(s):", "data": "2"},
{"field": "Core(s) per socket:", "data": "4"}]}]}, {"field": "NUMA:", "data": null,
"children": [{"field": "NUMA node(s):", "data": "2"}]}]}"""
UNITS = """\
Id=a.service
ExecStart={ path=/bin/a ; argv[]=/bin/a --x=1 ; status=0/0 }
MemoryCurrent=[not set]
UMask=0022

Id=b.service
MainPID=7

disabled
failed
"""

CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("a clock that follows itself is not synchronised", "chrony", TRACKING,
     {"offset_s": -1.2e-06, "direction": "slow", "stratum": 10, "synchronised": False,
      "frequency_ppm": -10.5}),
    ("chronyc -c", "chrony", CSV,
     {"stratum": 2, "offset_s": -0.00012, "direction": "slow", "frequency_ppm": -7.5,
      "synchronised": True, "leap": "Normal", "update_interval_s": 64.2}),
    ("half a leap status, half an offset", "chrony",
     "Stratum : 3\nSystem time     : 0.00012 sec\nLeap status     : Not synch",
     {"stratum": 3, "offset_s": None, "leap": None, "synchronised": None}),
    ("rows of sources", "chrony", SOURCES, {"sources": 2, "selected": "ntp1.example.org"}),
    ("chrony is not there", "chrony", "bash: chronyc: command not found\n",
     {"error": "bash: chronyc: command not found", "synchronised": None}),
    ("no machine", "detect-virt", "none\n", {"virt": "none", "virtualised": False}),
    ("both questions at once", "detect-virt", "kvm\r\nsystemd-nspawn\r\n",
     {"virt": "systemd-nspawn", "hypervisor": "kvm", "container": True}),
    ("half a word", "detect-virt", "kv", {"virt": None, "virtualised": None}),
    ("old table, of another language, cut", "dpkg", OLD_DPKG,
     {"rows": 4, "installed": ["adduser", "nvidia-driver-"], "adduser": "3.112+nmu2",
      "other_codes": {"nvidia-driver-": "hi", "libc6": "iU", "cuda": "un"}, "cuda": None,
      "held": ["nvidia-driver-"]}),
    ("branches of the driver", "dpkg", BRANCHES,
     {"nvidia-driver": "550.2-0ubuntu1", "cuda-toolkit": "12.4.1-1", "installed": 2,
      "removed_with_config": ["nvidia-driver-535-server-open"]}),
    ("dpkg-query -W, name with its architecture", "dpkg",
     "libc6:amd64\t2.36-9\nlibc6:i386\t2.36-9\nnvidia-driver\t\n", {"libc6": "2.36-9", "rows": 2}),
    ("status between blanks", "dpkg", "nvidia-driver-550 550.54-1 install ok installed\n",
     {"nvidia-driver": "550.54-1", "installed": ["nvidia-driver-550"]}),
    ("dpkg -s", "dpkg", STANZA, {"chrony": "4.3-2", "installed": [], "rows": 1}),
    ("nothing found", "dpkg", "dpkg-query: no packages found matching nvidia-driver\n",
     {"rows": 0, "not_found": ["nvidia-driver"],
      "error": "dpkg-query: no packages found matching nvidia-driver"}),
    ("prose is no package", "dpkg", "in the house of ii\nsee the 2.0 manual\n", {"rows": 0}),
    ("a card without a partner", "ethtool", CARD_DOWN,
     {"speed_mbps": None, "duplex": None, "link": False, "supported_max_mbps": 100000,
      "link_reason": "Autoneg, No partner detected", "partner_max_mbps": None, "lanes": None,
      "port": "Direct Attach Copper", "autoneg": True, "virtual": False, "error": None}),
    ("two cards, carriage returns", "ethtool",
     "Settings for a:\r\n\tSpeed: 4294967295Mb/s\r\nSettings for b:\r\n\tSpeed: 200000Mb/s\r\n",
     {"interface": "a", "speed_mbps": None}),
    ("ethtool --json", "ethtool", CARD_JSON,
     {"speed_mbps": 10000, "autoneg": True, "link": True, "supported_max_mbps": 10000}),
    ("no such card", "ethtool", "Settings for eth9:\nnetlink error: No such device\n",
     {"error": "netlink error: No such device", "link": None}),
    ("a module of several channels", "ethtool", MODULE,
     {"identifier": "QSFP-DD Double Density 8X (INF-8628)", "nominal_mbd": 25500,
      "transceiver": "40G Ethernet: 40G Base-CR4", "cable_m": 500.0, "rx_powers_dbm": [-2.0],
      "tx_power_dbm": None, "connector": "No separable connector"}),
    ("ip -br -j, empty objects", "ip-json",
     '[{},{"ifname":"eth0","operstate":"UP","addr_info":[{"local":"10.0.0.2","prefixlen":24},'
     '{"local":"fe80::1","prefixlen":64},{}]}]',
     {"eth0": {"operstate": "UP", "mtu": None, "mac": None, "ipv4": ["10.0.0.2/24"],
               "ipv6": ["fe80::1/64"], "flags": [], "parent": None, "kind": None}}),
    ("two commands, the second cut", "ip-json",
     '[{"ifname":"a","mtu":9000,"addr_info":[]}]\n[{"ifname":"b"', {"a": {
         "operstate": None, "mtu": 9000, "mac": None, "ipv4": [], "ipv6": [], "flags": [],
         "parent": None, "kind": None}}),
    ("a parent, a peer, a cut head", "ip-text", ADDR,
     {"interfaces": ["eth0@if5", "ib0"], "up": ["eth0@if5"],
      "mtu": {"eth0": "9000", "ib0": "2044"}, "ipv4": {"eth0": ["10.0.0.2/30"], "ib0": []},
      "ipv6": {"eth0": ["fe80::1/64"], "ib0": []}}),
    ("colours", "ip-text",
     "2: \x1b[36meth0: \x1b[0m<UP,LOWER_UP> mtu 1500 qdisc mq state \x1b[32mUP \x1b[0mqlen 1\n",
     {"interfaces": ["eth0"], "up": ["eth0"]}),
    ("ip -br", "ip-text", BRIEF,
     {"interfaces": ["lo", "eth0@if5", "docker0"], "up": ["eth0@if5"], "mtu": {},
      "ipv4": {"lo": ["127.0.0.1/8"], "eth0": ["10.0.0.2/24"], "docker0": []}}),
    ("ip -o", "ip-text",
     "2: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global eth0\\       valid_lft forever\n",
     {"ipv4": {"eth0": ["10.0.0.2/24"]}}),
    ("lsblk as a table with a stack, a comma and a cut row", "lsblk", LSBLK,
     {"devices": ["nvme0n1", "sda"], "disks": [["nvme0n1", "1,8T"], ["sda", "0B"]],
      "mountpoints": {"nvme0n1p1": ["/boot/efi"], "vg-root": ["/", "/var/lib/docker"]}}),
    ("lsblk -P", "lsblk", 'NAME="sda" SIZE="1000204886016" TYPE="disk" MOUNTPOINT=""\n',
     {"devices": ["sda"], "disks": [["sda", "1000204886016"]]}),
    ("two kinds of core", "lscpu", HYBRID,
     {"model_name": ["Cortex-X925", "Cortex-A725"], "cpus": 20, "cores": 20, "max_mhz": 3900.0,
      "CPU(s)": "20", "l3_cache": "24 MiB (2 instances)", "cores_per_socket": 10}),
    ("French, wrapped", "lscpu", FRENCH,
     {"architecture": "x86_64", "cpus": 16, "threads_per_core": 2, "cores": 8, "numa_nodes": 1,
      "model_name": ["Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz"], "Core(s) per socket": "8"}),
    ("a board with clusters", "lscpu", CLUSTERS,
     {"sockets": None, "cores": 6, "model_name": [], "Socket(s)": "-"}),
    ("nested JSON", "lscpu", NESTED_CPU,
     {"cpus": 8, "sockets": 2, "cores": 8, "model_name": ["AMD EPYC"], "numa_nodes": 2}),
    ("grep over several files, a cut last line", "meminfo",
     "/proc/meminfo:MemTotal:       8000 kB\r\nHugePages_Total:   4\r\nMemFree:    39",
     {"MemTotal": 8000, "HugePages_Total": 4}),
    ("no file", "meminfo", "cat: /proc/meminfo: No such file or directory\n",
     {"error": "cat: /proc/meminfo: No such file or directory"}),
    ("quotes, comments, escapes", "os-release",
     "# x\nNAME='Pop!_OS'\nPRETTY_NAME=\"a \\\"b\\\" \\$c \\d\"\nID=nixos # here\nVERSION=\"cut",
     {"NAME": "Pop!_OS", "PRETTY_NAME": 'a "b" $c \\d', "ID": "nixos"}),
    ("refusals between the values", "sysctl-linux",
     "sysctl: permission denied on key 'fs.protected_fifos'\nkernel.x = a = b\nvm.y=1\n"
     "net.ipv4.conf.eth0/100.forwarding = 1\nnet.ipv4.tcp_rmem = 4096\t131072\t6291456\r\n",
     {"kernel.x": "a = b", "vm.y": "1", "net.ipv4.conf.eth0/100.forwarding": "1",
      "net.ipv4.tcp_rmem": "4096\t131072\t6291456"}),
    ("only refusals", "sysctl-linux",
     "sysctl: cannot stat /proc/sys/a/b: No such file or directory\n",
     {"error": "sysctl: cannot stat /proc/sys/a/b: No such file or directory"}),
    ("several units and both questions", "systemctl-show", UNITS,
     {"Id": "a.service", "MemoryCurrent": None, "UMask": "0022", "is_active": "failed",
      "is_enabled": "disabled",
      "ExecStart": "{ path=/bin/a ; argv[]=/bin/a --x=1 ; status=0/0 }"}),
    ("status is not show", "systemctl-show",
     "● a.service\n     Loaded: loaded (/x; enabled)\n     Active: failed (Result: exit-code)\n",
     {"format": "systemctl status (not show)", "LoadState": "loaded", "ActiveState": "failed"}),
    ("timedatectl show", "timedatectl",
     "Timezone=Etc/UTC\nLocalRTC=no\nCanNTP=yes\nNTP=no\nNTPSynchronized=no\n",
     {"synchronized": "no", "ntp": "no", "time_zone": "Etc/UTC", "rtc_in_local_tz": "no"}),
    ("new labels, zone without a name", "timedatectl",
     "                Time zone: n/a (UTC, +0000)\nSystem clock synchronized: no\n"
     "              NTP service: n/a\n",
     {"synchronized": "no", "ntp": None, "time_zone": None, "utc_offset": "+0000"}),
    ("Alpine, and a name like a machine", "uname",
     "Linux arm64 6.6.4-0-lts #1-Alpine SMP PREEMPT Mon, 04 Dec 2023 aarch64 Linux\n",
     {"node": "arm64", "machine": "aarch64", "operating_system": "Linux"}),
    ("Gentoo", "uname",
     "Linux t 5.4.0-gentoo #1 SMP Mon Sep 2019 x86_64 Intel(R) Core(TM) i7 GenuineIntel GNU/Linux",
     {"machine": "x86_64", "processor": "Intel(R) Core(TM) i7 GenuineIntel"}),
    ("uname -srm", "uname", "Linux 6.8.0-45-generic x86_64\n",
     {"node": None, "release": "6.8.0-45-generic", "machine": "x86_64"}),
    ("cut before the machine", "uname", "Linux host 6.8.0-45-generic #45-Ubuntu SMP PREE",
     {"kernel": None, "release": None, "node": None}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "text", "expected"),
    [pytest.param(*case[1:], id=f"by hand: {case[1]}: {case[0]}") for case in CASES],
)
def test_hard_outputs(family: str, text: str, expected: dict[str, Any]) -> None:
    found = json.loads(json.dumps(facts(family, text)))
    assert {key: found.get(key, "not told") for key in expected} == expected


LONG = (
    *(" " * 90000 + "x", "a " * 40000, "9" * 9000, "[" * 90000, ":" * 50000, "ii  " * 9000),
    *('{"lscpu":' * 900, "|/" * 9000, "NAME " * 4000 + "\n" + "- " * 4000, "\n" * 50000),
    *('[{"ifname":"a","mtu":' + "9" * 5000 + "}]", "CPU(s): " + "9" * 5000, '\\"' * 20000),
)


@pytest.mark.parametrize("family", FAMILIES)
def test_spoilt_outputs_never_raise_and_take_no_time(family: str) -> None:
    chance = random.Random(family)
    whole = [case[2] for case in CASES if case[1] == family]
    began = time.process_time()
    for _ in range(300):
        letters = [*chance.choice(whole)]
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(letters))
            letters[at] = chance.choice("\0\udc80\x1b\t\r\n:={}[]\"'<>|, 9" + "e" * 3)
        json.dumps(facts(family, "".join(letters)))
    for text in LONG:
        json.dumps(facts(family, text))
    assert time.process_time() - began < 20


def test_typed_values() -> None:
    assert chrony.sources(SOURCES)[0].reach == 0o377
    assert detect_virt.parse("sev-snp\n").confidential == "sev-snp"
    assert [one.installed for one in dpkg.parse(BRANCHES)] == [False, True, True]
    assert ethtool.parse(CARD_JSON).lanes == 1
    assert len(ethtool.cards("Settings for a:\n\tSpeed: 1Mb/s\nSettings for b:\n")) == 2
    assert ip_json.parse('[{"ifname":"a","mtu":1.5}]')["a"].mtu is None
    assert ip_text.parse(ADDR)["eth0"].mac == "02:42:ac:11:00:02"
    assert "asimddp" in lscpu.parse(HYBRID).flags
    assert lscpu.has_flag(lscpu.Cpu(flags=frozenset({"sse4_2"})), "SSE4.2")
    assert meminfo.memory_bytes({"MemTotal": 4}) == 4096
    assert meminfo.memory_bytes({}) is None
    assert os_release.parse("ID='a'b'\n") == {}
    assert [one["Id"] for one in systemctl_show.blocks(UNITS)] == ["a.service", "b.service"]
    assert uname.parse("arm64\n").machine == "arm64"


def test_the_devices_of_a_table_are_a_tree() -> None:
    disk, card = lsblk.parse(LSBLK)
    crypt = disk.children[1].children[0]
    assert (crypt.type, crypt.children[0].mountpoints) == ("crypt", ("/", "/var/lib/docker"))
    assert (disk.model, disk.size_bytes) == ("Samsung SSD 990", round(1.8 * 1024**4))
    assert (card.removable, card.size_bytes) == (True, 0)


@pytest.mark.parametrize(
    ("cell", "size"),
    [("0", 0), (512, 512), ("512B", 512), ("1.5K", 1536), ("1,8T", 1979120929997), (True, None),
     ("", None), (None, None), ("1.8X", None)],
)  # fmt: skip
def test_sizes_of_lsblk(cell: object, size: int | None) -> None:
    assert lsblk.size_of(cell) == size


def test_nothing_is_read_inside_a_cut_document() -> None:
    assert [*documents('[\n  {\n    "a": 1\n  },\n  {\n    "b"')] == []
    assert [*documents('$ ip -j addr\n[1]\n{"a": 2}\nnoise\n')] == [[1], {"a": 2}]

"""Outputs of macOS tools that are not among the recordings: each case was written by hand."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from magnusctl.parsers import (
    facts,
    macos_df,
    macos_ifconfig,
    macos_launchctl,
    macos_memory_pressure,
    macos_networksetup,
    macos_pmset,
    macos_powermetrics,
    macos_sysctl,
    macos_system_profiler_json,
    macos_system_profiler_text,
    macos_vm_stat,
)
from tests.parsers.test_recorded import missing


class Case(NamedTuple):
    what: str
    family: str
    text: str
    expected: dict[str, Any]


CASES = [
    Case(
        "brew: casks with a build behind a comma, two versions, headings and a warning",
        "brew",
        "==> Formulae\npython@3.12 3.12.4 3.12.7_1\nopenssl@3 3.5.0\njpeg 9d\n==> Casks\n"
        "docker-desktop 4.40.0,187762\nfont-x latest\nWarning: some cask is disabled\n",
        {
            "python@3.12": ["3.12.4", "3.12.7_1"],
            "openssl@3": ["3.5.0"],
            "jpeg": ["9d"],
            "docker-desktop": ["4.40.0,187762"],
            "font-x": ["latest"],
        },
    ),
    Case(
        "brew: a keg that is not there",
        "brew",
        "Error: No such keg: /opt/homebrew/Cellar/mill\n",
        {"error": "No such keg: /opt/homebrew/Cellar/mill"},
    ),
    Case(
        "df: the dash of a file system without inodes, and a mount with blanks",
        "macos-df",
        "Filesystem      Size    Used   Avail Capacity iused ifree %iused  Mounted on\n"
        "/dev/disk3s1s1   460Gi    14Gi    24Gi    37%    426k  250M    0%   /\n"
        "map auto_home      0Bi     0Bi     0Bi   100%       0     0     -   /System/home\n"
        "/dev/disk5s1     931Gi   1.5Ti   -12Gi   105%    1.1k  1.0G    0%   /Volumes/My  Models\n",
        {
            "rows": 3,
            "root_size": "460Gi",
            "root_avail": "24Gi",
            "filesystems": [
                {"filesystem": "/dev/disk3s1s1", "avail_bytes": 24 * 2**30},
                {"filesystem": "map auto_home", "mount": "/System/home"},
                {"mount": "/Volumes/My  Models", "capacity_percent": 105, "avail_bytes": None},
            ],
        },
    ),
    Case(
        "df: POSIX output in KiB, without inodes",
        "macos-df",
        "Filesystem     1024-blocks     Used Available Capacity  Mounted on\n"
        "/dev/disk3s5     239075328 52428800 186646528    22%    /System/Volumes/Data\n",
        {
            "mount": "/System/Volumes/Data",
            "avail": 186646528,
            "avail_bytes": 186646528 * 1024,
            "available_1024_blocks": 186646528,
            "root_available_512_blocks": None,
        },
    ),
    Case(
        "df: decimal sizes of -H, a type column, and a row that is cut",
        "macos-df",
        "Filesystem     Type    Size    Used   Avail Capacity  Mounted on\n"
        "/dev/disk3s5   apfs    995G    415G    580G    42%    /\n/dev/disk9  apfs  1.0T  5",
        {
            "rows": 1,
            "size_bytes": 995_000_000_000,
            "filesystems": [{"filesystem": "/dev/disk3s5"}],
        },
    ),
    Case(
        "df: no such path",
        "macos-df",
        "df: /Volumes/gone: No such file or directory\n",
        {"rows": None, "error": "/Volumes/gone: No such file or directory", "mount": None},
    ),
    Case(
        "ifconfig: a heading wrapped before its mtu, CRLF, indented",
        "macos-ifconfig",
        "  en1: flags=8963<UP,BROADCAST,SMART,RUNNING,PROMISC,SIMPLEX,MULTICAST>\r\n"
        "  mtu 9000\r\n    inet 10.0.0.1 netmask 0xfffffffc broadcast 10.0.0.3\r\n"
        "    media: autoselect <full-duplex>\r\n    status: active\r\n",
        {"en1": {"mtu": 9000, "prefix": 30, "media": "autoselect", "duplex": "full", "bps": None}},
    ),
    Case(
        "ifconfig: many spellings of a rate",
        "macos-ifconfig",
        "".join(
            f"en{at}: flags=8863<UP> mtu 1500\n\tmedia: {media}\n\tstatus: {status}\n"
            for at, (media, status) in enumerate(
                [
                    ("autoselect (2500Base-T <full-duplex>)", "active"),
                    ("autoselect (10GbaseT <full-duplex,flow-control>)", "active"),
                    ("1000baseT <full-duplex>", "active"),
                    ("1000baseT <full-duplex> (none)", "inactive"),
                    ("autoselect (10baseT/UTP <half-duplex>)", "active"),
                    ("autoselect (2.5GBase-T <full-duplex>)", "active"),
                    ("autoselect (<unknown type>)", "inactive"),
                    ("autoselect (100GbaseSR4 <full-du", "act"),
                ]
            )
        ),
        {
            "en0": {"bps": 2_500_000_000, "media": "2500Base-T"},
            "en1": {"bps": 10_000_000_000, "media": "10GbaseT"},
            "en2": {"bps": 1_000_000_000, "duplex": "full"},
            "en3": {"bps": None, "media": "none"},
            "en4": {"bps": 10_000_000, "duplex": "half", "media": "10baseT/UTP"},
            "en5": {"bps": 2_500_000_000},
            "en6": {"bps": None, "media": "<unknown type>"},
            "en7": {"bps": None, "media": None, "status": None},
        },
    ),
    Case(
        "ifconfig: point to point, two addresses, no status",
        "macos-ifconfig",
        "utun4: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1280\n"
        "\tinet 100.64.0.2 --> 100.64.0.2 netmask 0xffffffff\n"
        "\tinet 10.9.8.7 netmask 255.255.255.0 broadcast 10.9.8.255\n\tinet 10.1.2",
        {
            "interfaces": ["utun4"],
            "utun4": {
                "ipv4": "100.64.0.2",
                "ipv4s": ["100.64.0.2", "10.9.8.7"],
                "prefix": 32,
                "status": None,
                "media": None,
            },
        },
    ),
    Case(
        "ifconfig: no such interface",
        "macos-ifconfig",
        "ifconfig: interface bridge7 does not exist\n",
        {"interfaces": [], "error": "interface bridge7 does not exist"},
    ),
    Case(
        "launchctl: a code with its name, an argument that is a brace, a nested pid",
        "macos-launchctl",
        "system/org.example = {\n\tactive count = 0\n\tpath = /a b.plist\n\ttype = LaunchDaemon\n"
        "\tstate = spawn scheduled\n\n\targuments = {\n\t\t{\n\t\t}\n\t}\n\tsub = {\n\t\tpid = 1\n"
        "\t\tstate = active\n\t}\n\truns = 5\n\tlast exit code = 78: EX_CONFIG\n}\n",
        {
            "label": "org.example",
            "state": "spawn scheduled",
            "pid": None,
            "runs": 5,
            "last_exit_code": 78,
            "type": "LaunchDaemon",
            "found": True,
        },
    ),
    Case(
        "launchctl: never exited, and a last line that is cut",
        "macos-launchctl",
        "gui/501/x = {\n\tstate = running\n\tlast exit code = (never exited)\n\truns = 1",
        {"state": "running", "last_exit_code": None, "runs": None},
    ),
    Case(
        "launchctl: list of one label, killed by a signal and running again",
        "macos-launchctl",
        '{\n\t"LimitLoadToSessionType" = "Aqua";\n\t"MachServices" = {\n\t\t"a" = mach-port;\n'
        '\t};\n\t"Label" = "com.apple.Finder";\n\t"LastExitStatus" = 15;\n\t"PID" = 31259;\n};\n',
        {
            "label": "com.apple.Finder",
            "pid": 31259,
            "state": "running",
            "last_exit_status": 15,
            "last_exit_code": None,
            "last_terminating_signal": "15",
        },
    ),
    Case(
        "launchctl: list of one label that ended with code 1",
        "macos-launchctl",
        '{\n\t"Label" = "x";\n\t"LastExitStatus" = 256;\n};\n',
        {"last_exit_code": 1, "state": "not running", "pid": None, "found": True},
    ),
    Case(
        "launchctl: lines that grep left, the outer before the inner",
        "macos-launchctl",
        "\tstate = running\n\tpid = 913\n\t\tstate = active\n",
        {"state": "running", "pid": 913},
    ),
    Case(
        "launchctl: a list with a label of several words and a pid for a status",
        "macos-launchctl",
        "PID\tStatus\tLabel\n-\t78\tcom.x\n512\t-9\tapplication.com y.1.2\n-\t-\tz\n",
        {
            "rows": 3,
            "running": 1,
            "found": None,
            "jobs": {"com.x": {"status": 78}, "application.com y.1.2": {"pid": 512, "status": -9}},
        },
    ),
    Case(
        "memory_pressure: the long form",
        "macos-memory-pressure",
        "The system has 34359738368 (2097152 pages with a page size of 16384).\n\nStats: \n"
        "Pages free: 8930 \nPages used by compressor: 91870 \nSwapouts: 0 \nPageins: 4825945\n\n"
        "System-wide memory free percentage: 88%\n",
        {
            "total_bytes": 34359738368,
            "free_percent": 88,
            "pages_free": 8930,
            "pages_used_by_compressor": 91870,
            "pageins": 4825945,
        },
    ),
    Case(
        "memory_pressure: cut in the percentage",
        "macos-memory-pressure",
        "The system has 17179869184 (1048576 pages with a page size of 16384).\n"
        "System-wide memory free percentage: 6",
        {"total_bytes": 17179869184, "free_percent": None},
    ),
    Case(
        "networksetup: DHCP without a lease",
        "macos-networksetup",
        "DHCP Configuration\nIP address: none\nSubnet mask: (null)\nRouter: (null)\nClient ID: \n"
        "IPv6: Automatic\nIPv6 IP address: none\nIPv6 Router: none\nWi-Fi ID: 02:00:00:00:00:01\n",
        {
            "config": "DHCP",
            "ip": None,
            "mask": None,
            "router": None,
            "ipv6": "Automatic",
            "mac": "02:00:00:00:00:01",
        },
    ),
    Case(
        "networksetup: services with commas and brackets, without a device, disabled in two ways",
        "macos-networksetup",
        "An asterisk (*) denotes that a network service is disabled.\n(1) Adapter, left (en5)\n"
        "(Hardware Port: Ethernet Adapter (en5), Device: en5)\n\n(2) *Thunderbolt Bridge\n"
        "(Hardware Port: Thunderbolt Bridge, Device: bridge0)\n\n(*) Old\n"
        "(Hardware Port: USB 10/100/1G LAN, Device: en9)\n\n(3) VPN\n"
        "(Hardware Port: io.tailscale.ipn.macos, Device: )\n",
        {
            "services": 4,
            "disabled": ["Thunderbolt Bridge", "Old"],
            "names": ["Adapter, left (en5)", "Thunderbolt Bridge", "Old", "VPN"],
            "devices": {"Adapter, left (en5)": "en5", "VPN": None},
        },
    ),
    Case(
        "networksetup: the plain list of services",
        "macos-networksetup",
        "An asterisk (*) denotes that a network service is disabled.\nWi-Fi\n*Bluetooth PAN\n",
        {"services": 2, "disabled": ["Bluetooth PAN"], "ports": None},
    ),
    Case(
        "networksetup: a VLAN is no hardware port; an address may be missing",
        "macos-networksetup",
        "\r\nHardware Port: iPhone USB\r\nDevice: en14\r\nEthernet Address: N/A\r\n\r\n"
        "VLAN Configurations\r\n===================\r\nVLAN User Defined Name: storage\r\n"
        'Parent Device: en0\r\nDevice ("Hardware" Port): vlan0\r\nTag: 42\r\n',
        {"ports": {"en14": "iPhone USB"}, "macs": {"en14": None}, "vlans": [42]},
    ),
    Case(
        "networksetup: no such service",
        "macos-networksetup",
        "Wifi is not a recognized network service.\n** Error: The parameters were not valid.\n",
        {"error": "Wifi is not a recognized network service.", "config": None, "ports": None},
    ),
    Case(
        "networksetup: the MTU",
        "macos-networksetup",
        "Active MTU: 1500 (Current Setting: 9000)\n",
        {"mtu": 1500, "mtu_setting": 9000},
    ),
    Case(
        "pmset: a laptop's two profiles in one custom list",
        "macos-pmset",
        "Battery Power:\n sleep                1\n Sleep On Power Button 1\nAC Power:\n"
        " sleep\t\t\t0 (sleep prevented by powerd)\n autorestart          0\n",
        {
            "battery": {"sleep": 1, "autorestart": None},
            "ac": {"sleep": 0, "autorestart": 0},
            "sleep": None,
            "sleep_prevented_by": ["powerd"],
        },
    ),
    Case(
        "pmset: tabs, old profiles, who holds the sleep off",
        "macos-pmset",
        "Active Profiles:\nBattery Power\t\t-1\nAC Power\t\t-1*\nSystem-wide power settings:\n"
        " SleepDisabled\t\t1\nCurrently in use:\n displaysleep         2\n"
        " sleep                0 (sleep prevented by coreaudiod, Google Chrome)\n disksleep   10",
        {
            "SleepDisabled": 1,
            "sleep": 0,
            "disksleep": 10,
            "sleep_prevented_by": ["coreaudiod", "Google Chrome"],
        },
    ),
    Case(
        "pmset: the battery, and the assertions without those who hold them",
        "macos-pmset",
        "Now drawing from 'AC Power'\n -InternalBattery-0 (id=123)\t80%; AC attached; not present\n"
        "2026-05-01 10:00:00 +0000\nAssertion status system-wide:\n   UserIsActive      1\n"
        "   PreventSystemSleep             0\nListed by owning process:\n   pid 1 0\n",
        {
            "power_source": "AC Power",
            "battery_percent": 80,
            "battery_state": "AC attached",
            "UserIsActive": 1,
            "PreventSystemSleep": 0,
        },
    ),
    Case(
        "powermetrics: two samples, the second of them cut",
        "macos-powermetrics",
        "Machine model: Mac16,9\nOS version: 25C56\n\n"
        "*** Sampled system activity (Fri Sep 11 13:41:46 2026 -0700) (1002.90ms elapsed) ***\n\n"
        "E-Cluster HW active frequency: 1248 MHz\n"
        "E-Cluster HW active residency:  77.43% (600 MHz:   0% 912 MHz:  54%)\n"
        "E-Cluster Power: 396 mW\nP0-Cluster HW active frequency: 3036 MHz\nCPU Power: 823 mW\n"
        "GPU Power: 26 mW\nCombined Power (CPU + GPU + ANE): 1172 mW\n"
        "**** GPU usage ****\nGPU HW active frequency: 338 MHz\n"
        "GPU HW active residency:   .35% (338 MHz: .35%)\nGPU Power: 28 mW\n"
        "Current pressure level: Nominal\n\n"
        "*** Sampled system activity (Fri Sep 11 13:41:47 2026 -0700) (1010.09ms elapsed) ***\n\n"
        "E-Cluster HW active frequency: 1049 MHz\nE-Cluster HW active residency:  77.0",
        {
            "cpu_mw": 823,
            "gpu_mw": 26,
            "ane_mw": None,
            "ecluster_mhz": 1248,
            "ecluster_mw": 396,
            "p0cluster_mhz": 3036,
            "active_residency_percent": 77.43,
            "gpu_mhz": 338,
            "gpu_active_percent": 0.35,
            "thermal_pressure": "Nominal",
            "machine_model": "Mac16,9",
            "elapsed_ms": 1002.9,
        },
    ),
    Case(
        "powermetrics: of Intel in watts",
        "macos-powermetrics",
        "Intel energy model derived package power (CPUs+GT+SA): 0.58W\n",
        {"package_mw": 580, "cpu_mw": None},
    ),
    Case(
        "powermetrics: not root",
        "macos-powermetrics",
        "powermetrics must be invoked as the superuser\n",
        {"error": "powermetrics must be invoked as the superuser", "gpu_mw": None, "samples": 0},
    ),
    Case(
        "sw_vers: a rapid response",
        "macos-sw-vers",
        "ProductName:\t\tmacOS\r\nProductVersion:\t\t13.4.1\r\nProductVersionExtra:\t(c)\r\n"
        "BuildVersion:\t\t22F770820d\r\n",
        {
            "product_name": "macOS",
            "product_version": "13.4.1",
            "product_version_extra": "(c)",
            "build": "22F770820d",
            "major": 13,
        },
    ),
    Case("sw_vers: -productVersion", "macos-sw-vers", "26.5.1\n", {"product_version": "26.5.1"}),
    Case(
        "sysctl: a value that was set, an unknown name, decimals with a comma",
        "macos-sysctl",
        "iogpu.wired_limit_mb: 30720 -> 0\nsysctl: unknown oid 'debug.iogpu.wired_limit'\n"
        "vm.swapusage: total = 2,00G  used = 512,50M  free = 1,50G\nhw.memsize = 8589934592\n",
        {
            "iogpu.wired_limit_mb": 0,
            "hw.memsize": 8589934592,
            "memory_gib": 8,
            "swap_total_mb": 2048.0,
            "swap_used_mb": 512.5,
            "swap_encrypted": False,
            "unknown_oids": ["debug.iogpu.wired_limit"],
            "apple_silicon": None,
        },
    ),
    Case(
        "sysctl: Rosetta says that it is Intel",
        "macos-sysctl",
        "machdep.cpu.vendor: GenuineIntel\nmachdep.cpu.brand_string: VirtualApple @ 2.50GHz\n",
        {"apple_silicon": True},
    ),
    Case(
        "sysctl: a structure stays text",
        "macos-sysctl",
        "kern.boottime: { sec = 1700000000, usec = 0 } Tue Nov 14 22:13:20 2023\n"
        "machdep.cpu.extfeature_bits: 537921536 1\nhw.perflevel0.name: Super\n",
        {
            "kern.boottime": "{ sec = 1700000000, usec = 0 } Tue Nov 14 22:13:20 2023",
            "machdep.cpu.extfeature_bits": "537921536 1",
            "hw.perflevel0.name": "Super",
        },
    ),
    Case(
        "system_profiler JSON: the kinds of cores of an M5 and of an M4 under macOS 26",
        "macos-system-profiler-json",
        '{"SPHardwareDataType" : [ {"chip_type": "Apple M5 Max", "physical_memory" : "1.5 TB",\n'
        '"number_processors" : "proc 18:6:0:12"}]}\n',
        {
            "cpu_total": 18,
            "cpu_super": 6,
            "cpu_performance": 12,
            "cpu_efficiency": 0,
            "memory_gb": 1536,
        },
    ),
    Case(
        "system_profiler JSON: four numbers without fast cores",
        "macos-system-profiler-json",
        '{"SPHardwareDataType" : [ {"number_processors" : "proc 24:16:8:0"}]}',
        {"cpu_total": 24, "cpu_performance": 16, "cpu_efficiency": 8, "cpu_super": None},
    ),
    Case(
        "system_profiler JSON: Intel, two GPUs, slots of memory, indented, a log line before",
        "macos-system-profiler-json",
        "2026-01-01 10:00:00.000 system_profiler[1:2] some noise {\n"
        '   {"SPHardwareDataType": [{"cpu_type": "6-Core Intel Core i7",\n'
        '"number_processors": 6}],\n'
        '"SPDisplaysDataType": [{"sppci_model": "Intel UHD Graphics 630",\n'
        '"spdisplays_vram_shared": "1536 MB", "spdisplays_vendor": "Intel"},\n'
        '{"_name": "x", "sppci_model": "Radeon Pro 560X", "_spdisplays_vram": "4 GB"}],\n'
        '"SPMemoryDataType": [{"_name": "global_name", "_items": [\n'
        '{"dimm_size": "8 GB", "dimm_type": "DDR4", "dimm_speed": "2400 MHz"},\n'
        '{"dimm_size": "8 GB", "dimm_type": "DDR4"}, {"dimm_size": "empty"}]}]}\n',
        {
            "cpu_total": 6,
            "cpu_performance": None,
            "chip_type": None,
            "gpu": "Intel UHD Graphics 630",
            "gpu_cores": None,
            "gpus": [{"vram_mb": 1536}, {"name": "Radeon Pro 560X", "vram_mb": 4096}],
            "memory": "16 GB",
            "dimm_type": "DDR4",
            "dimms": 2,
        },
    ),
    Case(
        "system_profiler JSON: two receptacles on a bus of an Intel Mac",
        "macos-system-profiler-json",
        '{"SPThunderboltDataType": [{"_name": "thunderbolt_bus_0", "route_string_key": "0",\n'
        '"_items": [{"_name": "Dock", "device_name_key": "Dock", "route_string_key": "1"},\n'
        '{"_name": "Mac mini", "device_name_key": "Mac16,11", "route_string_key": "3"}],\n'
        '"receptacle_1_tag": {"receptacle_status_key": "receptacle_connected",\n'
        '"current_speed_key": "Up to 40 Gb/s x1", "receptacle_id_key": "1"},\n'
        '"receptacle_2_tag": {"receptacle_status_key": "receptacle_connected",\n'
        '"current_speed_key": "20 Gb/s x1", "receptacle_id_key": "2"}}]}',
        {
            "buses": 1,
            "connected_receptacles": ["1", "2"],
            "negotiated": {"1": None, "2": "20 Gb/s x1"},
            "negotiated_bps": {"1": None, "2": 20_000_000_000},
            "peers": {"1": "Dock", "2": "Mac16,11"},
            "peer_mac": "Mac16,11",
        },
    ),
    Case(
        "system_profiler JSON: no Thunderbolt at all",
        "macos-system-profiler-json",
        '{"SPThunderboltDataType" : []}',
        {"buses": 0, "connected_receptacles": [], "peer_mac": None, "services": None},
    ),
    Case(
        "system_profiler JSON: two commands in one stream, the second cut",
        "macos-system-profiler-json",
        '{\n "SPSoftwareDataType" : [{"os_version" : "macOS 26.3 (25D125)"}]\n}\n'
        '{\n "SPHardwareDataType" : [\n{"machine_name" : "Mac mini"}',
        {"macos": "26.3", "build": "25D125", "machine_name": None},
    ),
    Case(
        "system_profiler text: Thunderbolt with a Mac and a display, whose own port is no port",
        "macos-system-profiler-text",
        "Thunderbolt/USB4:\n\n    Thunderbolt/USB4 Bus 2:\n\n      Device Name: Mac mini\n"
        "      Port:\n          Status: Device connected\n          Speed: 20 Gb/s\n"
        "          Receptacle: 3\n\n        Studio Display:\n\n"
        "          Device Name: Studio Display\n          Port (Upstream):\n"
        "              Status: Device connected\n              Speed: 20 Gb/s\n\n"
        "    Thunderbolt/USB4 Bus 1:\n\n      Device Name: Mac mini\n      Port:\n"
        "          Status: Device connected\n          Speed: 80 Gb/s\n          Receptacle: 2\n\n"
        "        MacBook Pro:\n\n          Device Name: Mac17,6\n          Services:\n"
        "            Service: Unknown:\n              Protocol ID: 64087\n",
        {
            "buses": 2,
            "connected_receptacles": ["3", "2"],
            "negotiated": {"3": "20 Gb/s", "2": "80 Gb/s"},
            "peers": {"3": "Studio Display", "2": "Mac17,6"},
            "peer_mac": "Mac17,6",
            "speed_each": None,
            "status_each": "Device connected",
        },
    ),
    Case(
        "system_profiler text: lines that grep left of two parts, an M5",
        "macos-system-profiler-text",
        "      Chip: Apple M5 Max\n      Total Number of Cores: 18 (6 Super and 12 Performance)\n"
        "      Memory: 128 GB\n      Chipset Model: Apple M5 Max\n"
        "      Total Number of Cores: 40\n      Metal Support: Metal 4\n",
        {
            "cores": 18,
            "super": 6,
            "performance": 12,
            "efficiency": None,
            "memory_gb": 128,
            "gpu_cores": 40,
            "metal": "Metal 4",
        },
    ),
    Case(
        "system_profiler text: Intel, with tabs behind the colons",
        "macos-system-profiler-text",
        "  Model Name:\tiMac Pro\r\n  Model Identifier:\tiMacPro1,1\r\n"
        "  Processor Name:\t10-Core Intel Xeon W\r\n  Total Number of Cores:\t10\r\n"
        "  Memory:\t64 GB\r\n  System Version: macOS 13.4.1 (c) (22F770820d)\r\n",
        {
            "identifier": "iMacPro1,1",
            "chip": None,
            "processor_name": "10-Core Intel Xeon W",
            "cores": 10,
            "performance": None,
            "macos": "13.4.1",
            "build": "22F770820d",
        },
    ),
    Case(
        "vm_stat: a count without its full stop is cut",
        "macos-vm-stat",
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
        "Pages free:                                9563156.\nPages active:                 110",
        {"page_size": 16384, "free": 9563156, "pages_free": 9563156, "active": None},
    ),
    Case(
        "vm_stat: the table that repeats, with thousands",
        "macos-vm-stat",
        "Mach Virtual Memory Statistics: (page size of 4096 bytes)\n"
        "    free   active   specul inactive throttle    wired  prgable   faults swapins swapouts\n"
        "   47687  1116540     8304  1106164        0  1518548   229459 5919477K  1361012K 7\n"
        "   39966  1093355     8331  1106945        0  1548713   204080    17818  0 0\n",
        {
            "free": 47687,
            "wired": 1518548,
            "speculative": 8304,
            "translation_faults": 5_919_477_000,
            "swapouts": 7,
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"by hand: {case.what}")
def test_what_the_recordings_do_not_hold(case: Case) -> None:
    found = json.loads(json.dumps(facts(case.family, case.text)))
    assert not [*missing(case.expected, found)]


def test_only_whole_packages_are_packages() -> None:
    assert set(facts("brew", "mill 0.1.6\nnode\nzsh: command not found: brew\ngit 2.\n")) == {
        "mill",
        "error",
    }


def test_the_typed_values_have_their_units() -> None:
    link = macos_ifconfig.parse(
        "bridge0: flags=8863<UP> mtu 9000\n\tinet 10.1.0.1 netmask 0xffffff00\n"
        "\tmember: en1 flags=3<LEARNING>\n\tmember: en2 flags=3<LEARNING>\n\tstatus: active\n"
    )["bridge0"]
    assert (link.members, link.ipv4, link.netmask) == (
        ("en1", "en2"),
        ("10.1.0.1",),
        "255.255.255.0",
    )
    profile = macos_system_profiler_json.parse(
        '{"SPThunderboltDataType": [{"_name": "thunderboltusb4_bus_0", "receptacle_1_tag":'
        ' {"current_speed_key": "Up to 120 Gb/s", "receptacle_id_key": "1",'
        ' "receptacle_status_key": "receptacle_no_devices_connected"}}]}'
    )
    (port,) = profile.thunderbolt
    assert (port.connected, port.bps, port.max_bps, port.peer) == (False, None, 120 * 10**9, None)
    assert (profile.hardware, profile.network, profile.displays) == (None, None, ())
    text = macos_system_profiler_text.parse("Hardware:\n\n  Chip: Apple M4\n  Memory: 16 GB\n")
    assert text.hardware is not None
    assert text.hardware.memory_bytes == 16 * 2**30


def test_the_typed_values_of_settings_and_counts() -> None:
    assert macos_networksetup.parse_info("Manual Configuration\nIP address: 10.0.0.9\n").ip == (
        "10.0.0.9"
    )
    assert macos_pmset.parse("AC Power:\n sleep 0\n hibernatefile /var/vm/sleepimage\n") == {
        "ac": {"sleep": 0, "hibernatefile": "/var/vm/sleepimage"}
    }
    assert macos_sysctl.parse("hw.memsize: 17179869184\n") == {"hw.memsize": "17179869184"}
    assert macos_vm_stat.parse("Pages wired down:   12.\n").pages == {"wired": 12}
    assert macos_memory_pressure.parse("").free_percent is None
    assert macos_df.parse("Filesystem 512-blocks\n/dev/disk1 10 4 6 40% /\n")[0].size_bytes == 5120
    assert macos_powermetrics.parse("ANE Power: 1.5 W\n")[0].power_mw == {"ane": 1500}
    assert macos_launchctl.parse("PID\tStatus\tLabel\n").rows == ()


@pytest.mark.parametrize("family", sorted({case.family for case in CASES}))
@pytest.mark.parametrize(
    "unit",
    ["- ", "0 ", "1% ", "a: ", "{", '{"a":', "en0: flags=1<", "media: (", "inet 1.1.1.1 ", "\t"],
)
def test_a_long_line_takes_no_long_time(family: str, unit: str) -> None:
    for end in ("", "!", ")", "%"):
        json.dumps(facts(family, unit * 9000 + end))

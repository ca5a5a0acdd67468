"""Roots: folders that stand for whole machines, with stand-in programs and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from magnusctl.demo import machine
from magnusctl.inventory.model import Host

# What the prelude and a job use beside stand-ins. With its own sh a root runs nothing but these.
TOOLS = (
    *("awk", "basename", "cat", "chmod", "chown", "cp", "cut", "date", "dd", "df", "dirname", "du"),
    *(
        "env",
        "grep",
        "head",
        "ln",
        "readlink",
        "touch",
        "ls",
        "mkdir",
        "mv",
        "nohup",
        "od",
        "openssl",
        "perl",
        "printf",
    ),
    *("find", "ps", "rm", "rmdir", "uniq", "sed", "setsid"),
    *("sh", "sha256sum", "shasum", "sleep", "sort", "stat", "sync", "tail", "tar", "timeout"),
    *("tr", "wc"),
)

_LINUX: Mapping[str, str] = {
    "etc/os-release": 'NAME="SIMULATED"\nID={os}\nVERSION_ID="{version}"\n',
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndemo:x:1000:1000::/home/demo:/bin/bash\n",
    "etc/group": "root:x:0:\ndemo:x:1000:\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n",
    ".simulated/packages": "openssh-server 1:9.6p1\nsudo 1.9.15\n",
    ".simulated/units/ssh.service": "disabled active\n",
    ".simulated/units/systemd-journald.service": "static active\n",
    ".simulated/units/fstrim.timer": "disabled inactive\n",
    ".simulated/sysctl": (
        "vm.swappiness = 60\nkernel.panic = 0\nnet.ipv4.tcp_mtu_probing = 0\n"
        "net.core.rmem_max = 212992\nnet.core.wmem_max = 212992\n"
        "net.ipv4.tcp_rmem = 4096 131072 6291456\nnet.ipv4.tcp_wmem = 4096 16384 4194304\n"
        "vm.nr_hugepages = 0\nvm.stat_interval = 1\nvm.zone_reclaim_mode = 0\n"
        "vm.max_map_count = 65530\nkernel.timer_migration = 1\nkernel.numa_balancing = 1\n"
        "kernel.sched_rt_runtime_us = 950000\nvm.hugetlb_shm_group = 0\n"
        "kernel.io_uring_disabled = 2\nkernel.io_uring_group = -1\nnet.core.busy_poll = 0\n"
        "net.core.busy_read = 0\nnet.core.netdev_max_backlog = 1000\n"
        "net.ipv4.tcp_slow_start_after_idle = 1\nnet.ipv4.tcp_keepalive_time = 7200\n"
        "net.ipv4.tcp_keepalive_intvl = 75\nnet.ipv4.tcp_keepalive_probes = 9\n"
        "net.ipv4.tcp_syn_retries = 6\n"
    ),
    "proc/meminfo": "HugePages_Total:    2048\nHugePages_Free:     2048\n",
    "var/log/journal/.keep": "",
    "proc/cmdline": "BOOT_IMAGE=/vmlinuz ro quiet\n",
    "proc/modules": "nouveau 2433024 0 - Live 0x0\n",
    "proc/sys/kernel/random/boot_id": "SIMULATED-0\n",
    # What a boot makes of what was written before it.
    ".simulated/boot/grub": (
        'cd "$MAGNUS_ROOT/etc/default/grub.d" 2>/dev/null || exit 0\n'
        "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n"
        'for file in *.cfg; do . "./$file"; done\n'
        'echo "BOOT_IMAGE=/vmlinuz ro $GRUB_CMDLINE_LINUX_DEFAULT" >"$MAGNUS_ROOT/proc/cmdline"\n'
        'cpu=$MAGNUS_ROOT/sys/devices/system/cpu; mkdir -p "$cpu"\n'
        'sed -n "s/.*isolcpus=[a-z_,]*,\\([0-9-]*\\).*/\\1/p" "$MAGNUS_ROOT/proc/cmdline" '
        '>"$cpu/isolated"\n'
    ),
    ".simulated/boot/modules": (
        '! grep -qs "^blacklist nouveau" "$MAGNUS_ROOT"/etc/modprobe.d/* || '
        ': >"$MAGNUS_ROOT/proc/modules"\n'
    ),
}
_MACOS: Mapping[str, str] = {
    "etc/passwd": "root:*:0:0:System:/var/root:/bin/sh\ndemo:*:501:20::/Users/demo:/bin/zsh\n",
    "etc/group": "wheel:*:0:root\nstaff:*:20:demo\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*\n",
    ".simulated/packages": "",
    ".simulated/networktime": "Off\n",
    ".simulated/pmset": (
        " sleep 1\n disksleep 10\n displaysleep 10\n powernap 1\n standby 1\n womp 1\n"
        " autorestart 0\n ttyskeepawake 1\n"
    ),
    ".simulated/services/Ethernet": "DHCP\n",
    ".simulated/services/Thunderbolt Bridge": "DHCP\n",
    ".simulated/services/mtu.en0": "1500\n",
    ".simulated/services/mtu.bridge0": "1500\n",
}
_FOLDERS = (
    "etc/chrony",
    "etc/modprobe.d",
    "etc/apt/apt.conf.d",
    "etc/apt/preferences.d",
    "etc/apt/sources.list.d",
    "etc/default",
    "etc/newsyslog.d",
    "etc/pf.anchors",
    "etc/profile.d",
    "etc/security/limits.d",
    "etc/ssh/sshd_config.d",
    "etc/sysctl.d",
    "etc/systemd/system",
    "Library/LaunchDaemons",
    "usr/share/keyrings",
    "var/cache",
    "var/lib",
)


def make(root: Path, host: Host, macs: Mapping[str, str]) -> None:
    """Fill an empty folder with a machine as a vendor ships it; `macs` are its network cards."""
    contents = _MACOS if host.macos else _LINUX
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    values = {"os": host.os_name, "version": host.os.partition("-")[2]}
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(**values) if "os-release" in name else text)
    label = host.variables.storage.label
    if label and not host.macos:
        disk = root / "dev/disk/by-label" / label
        disk.parent.mkdir(parents=True)
        disk.touch()
    told = root / ".simulated/answers"
    told.mkdir(parents=True)
    for program, text in machine.answers(host).items():
        (told / program).write_text(text)
    if not host.macos:
        meminfo = root / "proc/meminfo"
        total = f"MemTotal: {machine.memory(host) // 1024} kB\n"
        meminfo.write_text(total + meminfo.read_text())
    key = root / "etc/ssh/ssh_host_ed25519_key"
    key.write_text("SIMULATED PRIVATE KEY\n")
    key.chmod(0o600)
    cards = [f"{device} {mac} 1500\n" for device, mac in macs.items()]
    (root / ".simulated/links").write_text("".join(cards))
    # Every machine has a card, whether a link of the inventory ends there or not.
    (root / "sys/class/net/sim0/device").mkdir(parents=True)
    for device in macs:
        card = root / "sys/class/net" / device
        (card / "device").mkdir(parents=True)
        (card / "speed").write_text("10000\n")
        (card / "carrier").write_text("1\n")
    _programs(root / ".standins", "macos" if host.macos else "linux")


def _programs(folder: Path, system: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lacking = ("setsid", "sha256sum", "timeout") if system == "macos" else ()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found and tool not in lacking:
            (folder / tool).symlink_to(found)
    source = files("magnusctl.demo").joinpath("standins")
    for kind in ("common", system):
        for standin in source.joinpath(kind).iterdir():
            path = folder / standin.name
            path.unlink(missing_ok=True)
            path.write_text(standin.read_text())
            path.chmod(0o755)

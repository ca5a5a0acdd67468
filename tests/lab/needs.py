"""What a machine must have to run the lab."""

import os
import platform
import shutil
from pathlib import Path

from tests.lab import rootfs

_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mount": "mount",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
_BUILDERS = {
    "apt-get": "apt",
    "mmdebstrap": "mmdebstrap",
    "unshare": "util-linux",
    "setpriv": "util-linux",
}


def missing(*, delays: bool = False) -> list[str]:
    """What this machine lacks for a lab, each as words for a person; empty when it can."""
    if platform.system() != "Linux":
        return ["Linux"]
    programs = dict(_PROGRAMS)
    building = not rootfs.path().is_dir()
    if building:
        programs.update(_BUILDERS)
    if delays:
        programs["cc"] = "gcc"
    lacks = [] if os.geteuid() == 0 else ["root"]
    lacks += [
        f"{name} (package {package})"
        for name, package in programs.items()
        if not shutil.which(name)
    ]
    if building and shutil.which("apt-get") and not rootfs.sources():
        lacks.append(f"an apt source for Debian {rootfs.SUITE}")
    return lacks + _kernel(delays)


def _kernel(delays: bool) -> list[str]:
    lacks = []
    if "\toverlay\n" not in Path("/proc/filesystems").read_text() and not _module("overlay"):
        lacks.append("overlayfs in the kernel")
    if " - cgroup2 " not in Path("/proc/self/mountinfo").read_text():
        lacks.append("a mounted cgroup2")
    if delays and not Path("/dev/net/tun").exists():
        lacks.append("/dev/net/tun")
    return lacks


def _module(name: str) -> bool:
    """Whether the kernel could load a module it has not loaded yet."""
    folder = Path("/lib/modules") / platform.release()
    index = folder / "modules.dep"
    return index.is_file() and f"/{name}.ko" in index.read_text()

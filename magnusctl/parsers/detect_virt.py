"""What a host is run in: `systemd-detect-virt`."""

from __future__ import annotations

from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import lines, refusal

_MACHINES = {
    *("qemu", "kvm", "amazon", "zvm", "vmware", "microsoft", "oracle", "powervm", "xen", "bochs"),
    *("uml", "parallels", "bhyve", "qnx", "acrn", "apple", "sre", "google", "vm-other"),
}
_CONTAINERS = {
    *("systemd-nspawn", "lxc-libvirt", "lxc", "openvz", "docker", "podman", "rkt", "wsl"),
    *("proot", "pouch", "container-other"),
}
_CONFIDENTIAL = {"sev", "sev-es", "sev-snp", "tdx", "protvirt", "cca"}


@dataclass(frozen=True)
class Virtualisation:
    """`virt` is systemd's word: the container if there is one, else the hypervisor, or none."""

    virt: str | None = None
    virtualised: bool | None = None
    container: bool | None = None
    hypervisor: str | None = None
    confidential: str | None = None
    error: str | None = None


def parse(text: str) -> Virtualisation:
    """The words of one or several calls; a word that systemd does not know is not read."""
    said = [line.strip() for line in lines(text)]
    inner = next((word for word in said if word in _CONTAINERS), None)
    outer = next((word for word in said if word in _MACHINES), None)
    sealed = next((word for word in said if word in _CONFIDENTIAL), None)
    virt = inner or outer or ("none" if "none" in said else None)
    if virt is None:
        failed = next((word for word in said if word.startswith("Failed to ")), None)
        error = None if sealed else failed or refusal(text)
        return Virtualisation(confidential=sealed, error=error)
    return Virtualisation(virt, virt != "none", inner is not None, outer, sealed)


def facts(text: str) -> Facts:
    """The fields of Virtualisation."""
    return dict(vars(parse(text)))

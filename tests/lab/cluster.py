"""The project's own inventory, laid over the lab's hosts.

rtx3090 and linode are real Debian hosts. The Macs are SIMULATED: Linux hosts that answer through
stand-ins of macOS programs, below a root of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magnusctl.demo import roots
from magnusctl.inventory.validate import load
from tests.lab.lab import Lab

INVENTORY = Path(__file__).parents[2] / "inventory" / "magnus.yaml"
MAC_ROOT = "/srv/mac"
LINK = "lan10g"
# Only what belongs to a network namespace can be set in a container.
UNSETTABLE = {"vm.swappiness": None, "kernel.panic": None}
SYSCTLS = {
    "net.core.rmem_max": None,
    "net.core.wmem_max": None,
    "net.ipv4.tcp_mtu_probing": 1,
    "net.ipv4.tcp_rmem": "4096 131072 67108864",
    "net.ipv4.tcp_wmem": "4096 131072 67108864",
}


@dataclass(frozen=True)
class Cluster:
    """The four hosts of the inventory, in a lab."""

    lab: Lab
    overlay: Path
    inventory: Path = INVENTORY

    def magnusctl(self, *words: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        """Run magnusctl on the control side, without a terminal."""
        return self.lab.control(self.command(*words), timeout=timeout, env=self.environment())

    def command(self, *words: str) -> list[str]:
        """The command line of magnusctl with the inventory and its overlay."""
        where = ("-i", str(self.inventory), "--overlay", str(self.overlay))
        verb, *rest = words
        return [sys.executable, "-m", "magnusctl", verb, *where, *rest]

    def environment(self) -> dict[str, str]:
        """As little as a user's shell has; HOME is the lab's own."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.lab.workdir),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(INVENTORY.parents[1]),
        }

    def execs(self) -> dict[str, int]:
        """How many commands each host's sshd has run, from its own log."""
        return {name: host.execs() for name, host in self.lab.hosts.items()}


def cluster(lab: Lab) -> Cluster:
    """Make the Macs' roots and write the overlay."""
    inventory = load([INVENTORY])
    for name in ("macmini", "m2pro"):
        root = lab.hosts[name].rootfs / MAC_ROOT.lstrip("/")
        root.mkdir(parents=True)
        roots.make(root, inventory.hosts[name], {})
    # The stand-in of networksetup configures nothing; the address it would give is given here.
    lab.hosts["macmini"].run(
        f"ip addr add 10.231.79.2/24 dev {LINK} && ip link set {LINK} mtu 9000 up"
    )
    overlay = lab.workdir / "overlay.yaml"
    overlay.write_text(json.dumps(_overlay(lab), indent=1))
    return Cluster(lab, overlay)


def _overlay(lab: Lab) -> dict[str, Any]:
    ssh = {"config": "none", "identity": str(lab.key), "known_hosts": str(lab.known_hosts)}
    hosts: dict[str, Any] = {
        # Tests run at any hour: what they find must not depend on the clock.
        name: {
            "address": host.address,
            "user": "admin",
            "connection": "ssh",
            "ssh": ssh,
            "freeze": [],
        }
        for name, host in lab.hosts.items()
    }
    for name in ("rtx3090", "linode"):
        hosts[name] |= {
            "os": "debian-12",
            "variables": {"base": {"sysctls": UNSETTABLE}, "network": {"sysctls": SYSCTLS}},
        }
        # More logins than a person makes: they come from an address that is not counted.
        firewall = {"ssh_sources": [f"{lab.control_address}/32"]}
        hosts[name]["variables"]["base"]["firewall"] = firewall
    for name in ("macmini", "m2pro"):
        hosts[name] |= {"root": MAC_ROOT, "simulated": True}
    # A driver, engines and real time have tests of their own (test_roles*, test_magnus), and so has
    # protection: here these two are hosts like any other.
    hosts["rtx3090"]["roles"] = ["base", "network"]
    hosts["linode"] |= {"protected": False, "protected_services": [], "roles": ["base", "network"]}
    models = {"primary": {"host": "macmini", "port": 8090, "memory": "1MiB"}}
    return {"hosts": hosts, "links": _links(lab), "models": models}


def _links(lab: Lab) -> dict[str, Any]:
    mac = lab.hosts["rtx3090"].mac
    return {
        "10g": {
            "ends": {
                "rtx3090": {"address": "10.231.79.1/24", "interface": LINK, "mac": mac},
                "macmini": {"address": "10.231.79.2/24"},
            }
        },
        "thunderbolt": {
            "ends": {
                "macmini": {"address": "10.231.80.1/24"},
                "m2pro": {"address": "10.231.80.2/24"},
            }
        },
        # Not in the inventory: two real hosts, for a real iperf3.
        "wan": {
            "kind": "internet",
            "speed": "1Gbit/s",
            "ends": {
                "rtx3090": {"address": f"{lab.hosts['rtx3090'].address}/24", "interface": "host0"},
                "linode": {"address": f"{lab.hosts['linode'].address}/24", "interface": "host0"},
            },
        },
    }

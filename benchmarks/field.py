"""The lab's hosts as the contenders are told of them, and how they are made bare again."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import Host, Lab

NAMES = ("b1", "b2", "b3", "b4")
WORKLOAD = Path(__file__).parent / "workload"
_ROOT = Path(__file__).parents[1]
_SYSCTLS = (
    *("tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_fin_timeout"),
    *("tcp_mtu_probing", "tcp_slow_start_after_idle", "tcp_rmem", "tcp_wmem"),
    "ip_local_port_range",
)
_KEYS = (*(f"net.ipv4.{name}" for name in _SYSCTLS), "net.core.somaxconn")
_UNITS = "relay relay-agent relay-export relay-clean"
_BARE = f"""set -e
systemctl disable --now {_UNITS} 2>/dev/null || :
for unit in {_UNITS}; do rm -f /etc/systemd/system/$unit.service; done
systemctl daemon-reload
systemctl reset-failed
rm -rf /etc/relay /var/lib/relay /var/log/relay /var/lib/magnus
rm -f /etc/sysctl.d/90-relay.conf /etc/security/limits.d/relay.conf /etc/profile.d/relay.sh
if id relay >/dev/null 2>&1; then userdel -r relay 2>/dev/null; fi
for group in relay-data relay-ops; do groupdel $group 2>/dev/null || :; done
"""


@dataclass
class Field:
    """Four hosts, and the files that tell each contender where they are."""

    lab: Lab
    first: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._overlay()
        where = {
            "user": "admin",
            "key": str(self.lab.key),
            "known_hosts": str(self.lab.known_hosts),
            "hosts": {name: host.address for name, host in self.lab.hosts.items()},
        }
        self.hosts_file.write_text(json.dumps(where))
        for name, host in self.lab.hosts.items():
            self.first[name] = host.run(f"sysctl {' '.join(_KEYS)}").stdout

    def _overlay(self) -> None:
        ssh = {
            "config": "none",
            "identity": str(self.lab.key),
            "known_hosts": str(self.lab.known_hosts),
        }
        hosts = {
            name: {"address": host.address, "user": "admin", "ssh": ssh}
            for name, host in self.lab.hosts.items()
        }
        self.overlay.write_text(json.dumps({"hosts": hosts}))

    @property
    def overlay(self) -> Path:
        """Laid over the workload's inventory."""
        return self.lab.workdir / "overlay.yaml"

    @property
    def hosts_file(self) -> Path:
        """For pyinfra and the floors."""
        return self.lab.workdir / "hosts.json"

    def environment(self) -> dict[str, str]:
        """As little as a user's shell has; HOME is the lab's own."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.lab.workdir),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(_ROOT),
            "MAGNUS_BENCH_HOSTS": str(self.hosts_file),
        }

    def commands(self) -> dict[str, list[str]]:
        """The command line of every contender."""
        inventory = ("-i", str(WORKLOAD / "magnus.yaml"), "--overlay", str(self.overlay))
        pyinfra = [str(WORKLOAD / f"pyinfra_{part}.py") for part in ("inventory", "deploy")]
        floor = [sys.executable, "-m", "benchmarks.floor"]
        return {
            "magnusctl": [sys.executable, "-m", "magnusctl", "provision", "--yes", *inventory],
            "pyinfra": [sys.executable, "-m", "pyinfra", "-y", *pyinfra],
            "floor (SSHClient)": [*floor, "sshclient", str(self.hosts_file)],
            "floor (lean)": [*floor, "lean", str(self.hosts_file)],
        }

    def execs(self) -> dict[str, int]:
        """How many commands each host's sshd has run."""
        return {name: host.execs() for name, host in self.lab.hosts.items()}

    def make_bare(self) -> None:
        """Take the workload off every host, its sysctls set back."""

        def one(host: Host) -> None:
            lines = [line.split(" = ") for line in self.first[host.name].splitlines()]
            back = "".join(f"sysctl -q -w '{key}={value}'\n" for key, value in lines)
            host.run(_BARE + back)

        with ThreadPoolExecutor(len(self.lab.hosts)) as pool:
            list(pool.map(one, self.lab.hosts.values()))

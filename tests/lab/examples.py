"""The example inventories, each laid over a real host of the lab.

What a container cannot do is taken away here, and nothing else: kernel parameters outside of the
network's, and more cores than the machine has.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.sshd import REPOSITORY
from tests.lab import llama, standins
from tests.lab.cluster import SYSCTLS, UNSETTABLE
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.shelf import Shelf

Overlay = dict[str, Any]
OLLAMA = "ollama-simulated.tar.zst"
TRADING: Overlay = {
    "vm.nr_hugepages": None,
    "kernel.io_uring_disabled": None,
    "kernel.io_uring_group": None,
    "vm.hugetlb_shm_group": None,
    "kernel.sched_rt_runtime_us": None,
    "vm.swappiness": None,
    "vm.stat_interval": None,
    "kernel.timer_migration": None,
    "kernel.numa_balancing": None,
    "net.core.busy_poll": None,
    "net.core.busy_read": None,
    "net.core.netdev_max_backlog": None,
}
BIGRAM: Overlay = {
    "kernel.numa_balancing": None,
    "vm.zone_reclaim_mode": None,
    "vm.max_map_count": None,
}


@dataclass(frozen=True)
class Example:
    """One example, for one host: a folder of its own, as a user has it."""

    lab: Lab
    name: str
    host: Host
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run magnusctl on the control side, without a terminal."""
        verb, *rest = words
        where = ("-i", str(self.folder / "inventory.yaml"), "--overlay", str(self._overlay))
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.lab.workdir),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            **self.environment,
        }
        argv = [sys.executable, "-m", "magnusctl", verb, *where, *rest]
        return self.lab.control(argv, timeout=timeout, env=env)

    def provision(self, *words: str) -> str:
        """Provision the host; what was said. AssertionError unless all went well."""
        return self.ends(0, "provision", "--yes", "-l", self.host.name, *words)

    def ends(self, code: int, *words: str) -> str:
        """Run magnusctl, which is to end so; what it said."""
        answer = self.run(*words)
        assert answer.returncode == code, answer.stdout + answer.stderr
        return answer.stdout + answer.stderr

    def changes(self) -> list[str]:
        """What a plan would change, as `~ file:/etc/hosts`."""
        answer = self.run("plan", "--json", "-l", self.host.name)
        lines = [json.loads(line) for line in answer.stdout.splitlines()]
        plan = next(line for line in lines if line["type"] == "plan")
        assert "changes" in plan, answer.stdout + answer.stderr
        return [f"{c['action']} {c['resource']}" for c in plan["changes"]]

    def verdicts(self) -> dict[str, str]:
        """What verify says of the host, by the names of its checks."""
        answer = self.run("verify", "--json", "-l", self.host.name)
        found = [json.loads(line) for line in answer.stdout.splitlines()]
        own = (r for r in found if r["type"] == "check" and r["subject"] == self.host.name)
        return {r["check"]: r["verdict"] for r in own}

    def declare(self, overlay: Overlay) -> None:
        """Lay this over the example, in the place of what lay there."""
        hosts = {self.host.name: self._reached()}
        own: Overlay = {"hosts": hosts}
        self._overlay.write_text(json.dumps(merged(own, overlay), indent=1))

    @property
    def _overlay(self) -> Path:
        return self.folder / "overlay.yaml"

    def _reached(self) -> Overlay:
        known = str(self.lab.known_hosts)
        return {
            "address": self.host.address,
            "user": "admin",
            "os": "debian-12",
            "freeze": [],
            "confirm_timeout": "30s",
            "ssh": {"config": "none", "identity": str(self.lab.key), "known_hosts": known},
            "variables": {
                # More logins than a person makes: they come from an address that is not counted.
                "base": {
                    "sysctls": UNSETTABLE,
                    "firewall": {"ssh_sources": [f"{self.lab.control_address}/32"]},
                },
                "network": {"sysctls": SYSCTLS},
            },
        }


def example(lab: Lab, name: str, host: str, overlay: Overlay, **environment: str) -> Example:
    """An example in a folder of its own, laid over a host; its templates are the project's own."""
    folder = lab.workdir / "projects" / host
    (folder / "templates" / "locks").mkdir(parents=True)
    shutil.copyfile(REPOSITORY / "inventory" / f"{name}.yaml", folder / "inventory.yaml")
    made = Example(lab, name, lab.hosts[host], folder, environment)
    made.declare(overlay)
    return made


def of(host: str, variables: Overlay, **more: Any) -> Overlay:
    """An overlay with variables of one host, and more about it."""
    return {"hosts": {host: {"variables": variables, **more}}}


def merged(below: Overlay, above: Overlay) -> Overlay:
    """One overlay laid over another."""
    found = dict(below)
    for key, value in above.items():
        under = found.get(key)
        both = isinstance(under, dict) and isinstance(value, dict)
        found[key] = merged(under or {}, value) if both else value
    return found


def mixtral(shelf: Shelf) -> Overlay:
    """A llama-server from the shelf, on the cores that this machine has."""
    llamacpp = {"archive": shelf.source(llama.NAME, strip=1), "prompt_cache": "64MiB"}
    variables = {"inference": {"llamacpp": llamacpp}}
    models = {"mixtral": {"cores": 1, "context": 2048}}
    return of("mixtral", variables, hardware={"cores": 2}) | {"models": models}


def with_ollama(shelf: Shelf) -> None:
    """Put the stand-in of Ollama on the shelf, packed as its makers do."""
    if not shutil.which("zstd"):
        pytest.skip("no archive of Ollama without zstd (package zstd)")
    standins.ollama(shelf.folder / OLLAMA)


def rtx4090(shelf: Shelf, packages: tuple[str, ...]) -> Overlay:
    """Ollama from the shelf, and packages of a driver that is simulated."""
    variables = {
        "cuda": {"repository": "none", "driver_packages": list(packages)},
        "inference": {"ollama": {"archive": shelf.source(OLLAMA)}},
    }
    return of("rtx4090", variables)


def bigram(shelf: Shelf, vllm: Overlay, **inference: Any) -> Overlay:
    """Both engines, on the cores that this machine has; one model of vLLM has one for itself."""
    own = {
        "reserve": {"cores": 1},
        "ollama": {"archive": shelf.source(OLLAMA)},
        "vllm": vllm,
        "api_key": "vllm-key",
        **inference,
    }
    base, disk = {"sysctls": BIGRAM}, {"label": None}
    variables: Overlay = {"base": base, "inference": own, "storage": disk}
    models: Overlay = {
        name: {"cores": None} for name in ("coder", "primary", "reasoning", "complex")
    }
    models["fast"] = {"cores": 1}
    secret = {"vllm-key": {"env": "MAGNUS_VLLM_KEY"}}
    host = of("bigram", variables, hardware={"cores": 2})
    return host | {"models": models, "secrets": secret}


def linode(**trading: Any) -> Overlay:
    """A host whose command line is the machine's, and so not its own."""
    own = {"own_cmdline": False, "sysctls": TRADING, **trading}
    return of("linode", {"trading": own}, protected_services=["magnus-trading"])


def consent(host: str, *what: str) -> list[str]:
    """The words that let some things be disturbed."""
    return [word for one in what for word in ("--allow-disruption", f"{host}:{one}")]

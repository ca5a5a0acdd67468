"""A host of the lab that serves models: its inventory, and what is asked of it from inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.sshd import REPOSITORY
from tests.lab import llama, tinymodel
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.shelf import Shelf


@dataclass(frozen=True)
class Serving:
    """One host, with a folder on the control side as a user has it."""

    lab: Lab
    host: Host
    folder: Path

    def run(
        self, *words: str, env: Mapping[str, str] | None = None, timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """Run magnusctl on the control side, without a terminal."""
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.lab.workdir),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            "MAGNUS_INVENTORY": str(self.folder / "magnus.yaml"),
            **(env or {}),
        }
        argv = [sys.executable, "-m", "magnusctl", *words]
        return self.lab.control(argv, timeout=timeout, env=own)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The same, without waiting for its end."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.lab.workdir),
            "PYTHONPATH": str(REPOSITORY),
            "MAGNUS_INVENTORY": str(self.folder / "magnus.yaml"),
        }
        return subprocess.Popen(
            self.lab.command([sys.executable, "-m", "magnusctl", *words]),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ends(self, code: int, *words: str, **more: Any) -> str:
        """Run magnusctl, which is to end so; what it said."""
        answer = self.run(*words, **more)
        assert answer.returncode == code, answer.stdout + answer.stderr
        return answer.stdout + answer.stderr

    def deploy(self, what: Path | str, *words: str, code: int = 0, **more: Any) -> str:
        """Deploy a model to the host; what was said."""
        on = ("--on", self.host.name, "--yes")
        return self.ends(code, "deploy-model", str(what), *on, *words, **more)

    def models(self) -> list[dict[str, Any]]:
        """What `models list` says, as JSON."""
        lines = self.ends(0, "models", "list", "--json").splitlines()
        return [json.loads(line) for line in lines]

    def asked(self, port: int, model: str, tokens: int = 8) -> dict[str, Any]:
        """A completion, through a port of the host's loopback, and which release gave it."""
        body = json.dumps({"model": model, "prompt": "hello", "max_tokens": tokens})
        url = f"http://127.0.0.1:{port}/v1/completions"
        said = self.host.run(
            f"curl -s -m 30 -D /tmp/head -H 'Content-Type: application/json' -d '{body}' {url}; "
            "echo; grep -i ^x-magnus-release /tmp/head | tr -d '\\r'"
        ).stdout
        text, _, head = said.strip().rpartition("\n")
        return {**json.loads(text), "release": head.partition(": ")[2]}

    def loaded(self, port: int, model: str, stop: Path) -> subprocess.Popen[str]:
        """Begin to ask, 20 times a second, from the host's own network."""
        words = (sys.executable, "-m", "tests.lab.load", f"http://127.0.0.1:{port}", model, "20")
        return subprocess.Popen(
            ["nsenter", "-t", str(self.host.leader), "-n", "--", *words, str(stop)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )


def inventory(lab: Lab, host: Host, store: Shelf) -> dict[str, Any]:
    """One host with a real llama-server, on loopback."""
    llamacpp = {"archive": store.source(llama.NAME, strip=1), "prompt_cache": "64MiB"}
    return {
        "cluster": "lab",
        "hosts": {
            host.name: {
                "address": host.address,
                "user": "admin",
                "os": "debian-12",
                "ssh": {
                    "config": "none",
                    "identity": str(lab.key),
                    "known_hosts": str(lab.known_hosts),
                },
                "hardware": {
                    "cpu": "2 cores",
                    "cores": 2,
                    "memory": "8GiB",
                    "disks": [{"name": "disk", "size": "100GB", "purpose": "boot"}],
                },
                "roles": ["storage", "inference"],
                "engine": "llamacpp",
                "variables": {
                    "inference": {
                        "listen": "loopback",
                        "reserve": {"memory": "1GiB", "cores": 1},
                        "llamacpp": llamacpp,
                    }
                },
            }
        },
    }


def serving(lab: Lab, store: Shelf, host: str) -> Serving:
    """A host that is provisioned, and a model at hand: `tiny.gguf`, of which all is made up."""
    made = Serving(lab, lab.hosts[host], lab.workdir / "serving")
    made.folder.mkdir()
    text = json.dumps(inventory(lab, made.host, store), indent=1)
    (made.folder / "magnus.yaml").write_text(text)
    tinymodel.write(made.folder / "tiny.gguf")
    made.ends(0, "provision", "--yes")
    return made


def of_no_known_kind(path: Path, like: Path) -> None:
    """The same model, of an architecture that no engine knows."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(like.read_bytes().replace(b"llama", b"llamx"))

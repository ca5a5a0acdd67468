"""A stage for the demo: roots, keys, servers, and an overlay that points the inventory at them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magnusctl.builtin import builtin_folder
from magnusctl.demo import roots
from magnusctl.errors import HostError
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.validate import load

EXAMPLE = "magnus.yaml"


@dataclass(frozen=True)
class Stage:
    """Simulated hosts that listen on loopback, and the two files that lead there."""

    folder: Path
    inventory: Path
    overlay: Path
    secrets: Mapping[str, str]
    """Variables of the environment, for the secrets that the inventory takes from there."""

    def root(self, host: str) -> Path:
        """The folder that stands for a host."""
        return self.folder / "hosts" / host


@contextlib.contextmanager
def stage(folder: Path, inventory: Path | None = None) -> Iterator[Stage]:
    """Set the stage in an empty folder; the servers end with the block."""
    path = inventory or builtin_folder("inventory") / EXAMPLE
    loaded = load([path])
    for name, host in loaded.hosts.items():
        roots.make(folder / "hosts" / name, host, _macs(loaded, name))
    keys = folder / "keys"
    keys.mkdir()
    _key(keys / "login")
    remote = [name for name, host in loaded.hosts.items() if host.connection == "ssh"]
    public = {name: _key(keys / f"{name}.key") for name in remote}
    with _servers(keys) as ports:
        lines = [f"[127.0.0.1]:{ports[name]} {public[name]}\n" for name in remote]
        (keys / "known_hosts").write_text("".join(lines))
        overlay = folder / "overlay.yaml"
        overlay.write_text(json.dumps(_overlay(loaded, folder, ports), indent=1))
        named = (spec.env for spec in loaded.secrets.values())
        yield Stage(folder, path, overlay, {name: "SIMULATED-secret" for name in named if name})


def _macs(inventory: Inventory, host: str) -> Mapping[str, str]:
    ends = (link.ends[host] for _, link in inventory.links_of(host))
    return {f"card{number}": end.mac for number, end in enumerate(ends) if end.mac}


def _key(path: Path) -> str:
    """Write a new private key; return the public one as known_hosts wants it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    data = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    path.touch(mode=0o600)
    path.write_bytes(data)
    public = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return public.decode()


@contextlib.contextmanager
def _servers(keys: Path) -> Iterator[Mapping[str, int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "magnusctl.demo.server", str(keys)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        line = process.stdout.readline()
        if not line:
            raise HostError("the simulated hosts did not start")
        yield json.loads(line)
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _overlay(
    inventory: Inventory, folder: Path, ports: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    """Loopback in the place of every address that the inventory names, and a root for each host."""
    hosts: dict[str, Any] = {}
    for name, host in inventory.hosts.items():
        hosts[name] = {"root": str(folder / "hosts" / name), "simulated": True, "become": False}
        # A demo is given at any hour: what it shows must not depend on the clock.
        hosts[name]["freeze"] = []
        if host.connection == "ssh":
            keys = folder / "keys"
            hosts[name] |= {
                "address": "127.0.0.1",
                "port": ports[name],
                "user": "demo",
                "ssh": {
                    "config": "none",
                    "identity": str(keys / "login"),
                    "known_hosts": str(keys / "known_hosts"),
                },
            }
    links = {
        name: {
            "ends": {
                host: {"address": f"127.10.{number}.{side}/24"}
                for side, host in enumerate(link.ends, start=1)
            }
        }
        for number, (name, link) in enumerate(inventory.links.items())
    }
    return {"hosts": hosts, "links": links}

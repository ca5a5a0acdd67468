"""A first inventory, and the JSON Schema beside it."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any, get_args

from magnusctl import whole
from magnusctl.builtin import builtin_folder
from magnusctl.errors import InputError
from magnusctl.inventory.findings import nearest
from magnusctl.inventory.model import Inventory, Os

STARTER = """\
# yaml-language-server: $schema=./schema.json
# Check it with:  magnusctl inventory check
cluster: home

hosts:
  gpu:
    # Reached as `ssh gpu` reaches it; or give it an address:
    # address: 192.0.2.10
    os: ubuntu-24.04
    roles: [base, network]

  laptop:
    # The machine where magnusctl runs.
    os: macos-15
    connection: local
    roles: [network]

# A cable between two hosts, with the addresses it gets:
# links:
#   10g:
#     kind: ethernet
#     speed: 10Gbit/s
#     mtu: 9000
#     ends:
#       gpu: {address: 10.0.0.2/24, interface: mg10g0, mac: "a0:36:9f:00:00:02"}
#       laptop: {address: 10.0.0.1/24, interface: en5, service: "Thunderbolt Ethernet"}
"""


def examples() -> list[str]:
    """The names of the inventories that ship with magnusctl."""
    folder = builtin_folder("inventory")
    return sorted(path.stem for path in folder.glob("*.yaml"))


def example_path(name: str) -> Path:
    """An inventory that ships with magnusctl. Raises InputError for no such."""
    if name not in examples():
        hint = nearest(name, examples()) or f"examples: {', '.join(examples())}"
        raise InputError(f"there is no example '{name}'", hint=hint)
    return builtin_folder("inventory") / f"{name}.yaml"


def schema() -> dict[str, Any]:
    """The JSON Schema of an inventory, in the 2020-12 dialect."""
    document = Inventory.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}


def schema_text() -> str:
    """The schema as text that is the same every time."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"


def this_system() -> str:
    """What runs here, as an inventory names it; where that is not known, Ubuntu."""
    if sys.platform == "darwin":
        return f"macos-{platform.mac_ver()[0].partition('.')[0]}"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    found = f"{release.get('ID', '')}-{release.get('VERSION_ID', '')}"
    return found if found in get_args(get_args(Os)[0]) else "ubuntu-24.04"


def _here(text: str, example: str) -> str:
    """The machine where magnusctl runs is this one; in an example it is whoever's it is."""
    if not example:
        return text.replace("os: macos-15", f"os: {this_system()}")
    return text.replace(f"inventory/{example}.yaml", "inventory/magnus.yaml")


def write(folder: Path, example: str = "") -> list[Path]:
    """Write `inventory/magnus.yaml` and its schema; an inventory that exists is never touched.

    It is a starter, or one of the examples. Raises InputError.
    """
    text = example_path(example).read_text() if example else STARTER
    target = folder / "inventory" / "magnus.yaml"
    if target.exists():
        hint = "It was left as it is. Check it with:  magnusctl inventory check"
        raise InputError("there is an inventory already", where=str(target), hint=hint)
    beside = target.with_name("schema.json")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        whole.write(beside, schema_text().encode())
        whole.write(target, _here(text, example).encode())
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=str(target)) from None
    return [target, beside]

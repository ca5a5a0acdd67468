"""What a host is, from its files to its firewall, so that before and after can be compared."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.lab import Host

Snapshot = Mapping[str, str]

RUNTIME: Mapping[str, str] = {
    # Times that an address is valid for pass, and the number of a card's other end is no setting.
    "addresses": "ip -o addr | awk '$3 ~ /inet/ { print $2, $3, $4 }' | sort",
    "cards": "ip -o link | awk '{ for (i = 4; i < NF; i++) if ($i == \"mtu\") print $2, $(i + 1) }'"
    " | sed 's/@.*:/:/' | sort",
    "routes": "(ip -4 route; ip -6 route) | sed 's/ *$//' | sort",
    "rules": "nft -s list ruleset",
    "sshd": "sshd -T | sort",
    "listens": "ss -Hltn | awk '{ print $4 }' | sort",
    "name": "hostname",
    "rights": "sudo -l -U admin | grep -v '^Matching'",
    "units": "systemctl list-unit-files --no-legend --type=service,socket,timer"
    " | awk '$2 != \"transient\" { print $1, $2 }'",
    "run": "systemctl list-units --no-legend --plain --type=service --state=running"
    " | awk '{ print $1 }' | grep -v '^magnus-'",
    "failed": "systemctl list-units --no-legend --plain --failed",
}
"""What a host does now, by questions that have the same answer while nothing changes."""


def runtime(host: Host, more: Mapping[str, str] | None = None) -> Snapshot:
    """What runs and is set now; `more` are further questions, by name."""
    asked = {**RUNTIME, **(more or {})}
    mark = "=-=-="
    # A boot is not over when sshd listens.
    booted = "timeout 60 systemctl is-system-running --wait >/dev/null 2>&1 || :\n"
    questions = (f"echo '{mark} {name}'\n{question} || :\n" for name, question in asked.items())
    script = booted + "".join(questions)
    found: dict[str, str] = {}
    for part in host.run(script).stdout.split(f"{mark} ")[1:]:
        name, *lines = part.splitlines()
        found |= {f"{name}: {line}": "yes" for line in lines}
    return found


def files(host: Host, folders: Iterable[str], without: Iterable[str] = ()) -> Snapshot:
    """Every path below some folders: its type, mode, owner, and the digest of its bytes."""
    left_out = tuple(without)
    found = {}
    for folder in folders:
        top = host.rootfs / folder.lstrip("/")
        for place, names, plain in os.walk(top):
            for path in (Path(place), *(Path(place) / name for name in (*names, *plain))):
                name = f"/{path.relative_to(host.rootfs)}"
                if not any(name == one or name.startswith(f"{one}/") for one in left_out):
                    found[name] = _entry(path)
    return found


def _entry(path: Path) -> str:
    """A path in words, those of a file by its bytes."""
    told = path.lstat()
    owner = f"{stat.filemode(told.st_mode)} {told.st_uid}:{told.st_gid}"
    if stat.S_ISLNK(told.st_mode):
        return f"{owner} -> {path.readlink()}"
    if stat.S_ISREG(told.st_mode):
        return f"{owner} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    return owner


def differences(before: Snapshot, after: Snapshot) -> dict[str, tuple[str, str]]:
    """What is not the same: what it was and what it is."""
    names = sorted({*before, *after})
    pairs = {name: (before.get(name, "-"), after.get(name, "-")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

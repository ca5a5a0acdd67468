"""A host whose owner has things of his own, and changes to them that can cut it off."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from magnusctl.state import Resource, Risk
from tests.shells.hosts import PRIVILEGED, Host, a_block, a_directory, a_file, mode
from tests.shells.running import Running, words

RISKY: dict[str, Any] = {"risk": Risk.CONNECTIVITY}
STATE = "/var/lib/magnus"
Etc = dict[str, tuple[bytes, str, int, int]]


def before(host: Host) -> Etc:
    """A host whose owner has things of his own; what they are."""
    host.write("/etc/file", "theirs, with no newline", 0o604)
    host.write("/etc/gone", b"\0\xff bytes\n", 0o4711)
    host.write("/etc/hosts", "127.0.0.1 localhost\n# magnus begin\nold\n# magnus end\n", 0o640)
    host.write("/etc/plain", "no block in here\n", 0o600)
    if PRIVILEGED:
        for name, group in (("file", 2), ("gone", 3), ("hosts", 4)):
            path, bits = host.path(f"/etc/{name}"), host.path(f"/etc/{name}").stat().st_mode
            os.chown(path, 1, group)
            path.chmod(bits & 0o7777)
    return etc(host)


def etc(host: Host) -> Etc:
    """The files there, with their modes and owners; none of ours."""
    files = sorted(path for path in host.path("/etc").rglob("*") if path.is_file())
    return {
        path.name: (path.read_bytes(), mode(path), path.stat().st_uid, path.stat().st_gid)
        for path in files
        if "magnus" not in path.name
    }


def changes() -> tuple[Resource, ...]:
    """One that is not guarded, then all ways to change files that are."""
    return (
        a_file("/etc/calm"),
        a_directory("/etc/new", mode="0700", **RISKY),
        a_file("/etc/file", mode="0600", **RISKY),
        a_file("/etc/gone", ensure="absent", **RISKY),
        a_file("/etc/new/made", **RISKY, after=("directory:/etc/new",)),
        a_block("/etc/hosts", "new\n", **RISKY),
        a_block("/etc/plain", **RISKY),
        a_block("/etc/none", **RISKY),
    )


def assert_as_before(host: Host, before: Etc) -> None:
    """All that was guarded is as it was; what was not stays done."""
    now = etc(host)
    assert now.pop("calm", None) is not None
    assert now == before
    assert not host.path("/etc/new").exists()
    assert not list(host.root.rglob("*magnus-revert*"))
    assert not (host.path(f"{STATE}/boot-revert")).exists()


def asking(host: Host, *wanted: Resource, seconds: int = 20) -> Running:
    """A job that waits to be confirmed."""
    host.confirm_s = seconds
    wanted = wanted or changes()
    job = host.start(host.plan(*wanted), *wanted)
    job.reach("confirm")
    return job


def told_by(folder: Path) -> list[str]:
    """The journal without times, without what went well, and without what steps said."""
    lines = words((folder / "journal").read_text().splitlines())
    return [line for line in lines if line.split()[0] not in ("said", "start", "ok")]


def undone(lines: Sequence[str]) -> list[str]:
    """The lines about what was taken back."""
    return [line for line in lines if line.startswith("undone")]

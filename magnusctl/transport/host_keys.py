"""Is this the host it says it is? Strict, always; there is no switch that turns this off."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from magnusctl.errors import PreconditionError
from magnusctl.transport import known_hosts
from magnusctl.transport.known_hosts import Entry, fingerprint
from magnusctl.transport.target import Target


def known(target: Target) -> list[Entry]:
    """All lines about a target, from every known_hosts file that can be read."""
    name = target.key_name or target.address
    port = 22 if target.key_name else target.port
    found: list[Entry] = []
    for path in target.known_hosts:
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        found += known_hosts.entries(text, str(path), name, port)
    return found


def check(target: Target, key_type: str, key: bytes) -> None:
    """Raise PreconditionError unless the offered key is pinned and not revoked."""
    found = known(target)
    bad = known_hosts.revoked(found, key)
    if bad:
        raise PreconditionError(
            f"its host key is revoked ({bad.file}:{bad.line}). Nothing was sent.",
            host=target.host,
            detail=f"  offered   {fingerprint(key)}",
            hint="Find out why before you do anything else.",
        )
    pinned = known_hosts.plain(found)
    if any(entry.key == key for entry in pinned):
        return
    raise _changed(target, pinned, key) if pinned else _unknown(target, found, key_type, key)


def _changed(target: Target, pinned: Sequence[Entry], key: bytes) -> PreconditionError:
    expected = [
        f"  expected  {fingerprint(entry.key)}   {entry.file}:{entry.line}" for entry in pinned
    ]
    return PreconditionError(
        "its host key changed. Nothing was sent.",
        host=target.host,
        detail="\n".join([*expected, f"  offered   {fingerprint(key)}"]),
        hint="If you reinstalled it, compare the fingerprint at its console, then:  "
        f"magnusctl trust {target.host} --replace",
    )


def _unknown(
    target: Target, found: Sequence[Entry], key_type: str, key: bytes
) -> PreconditionError:
    authority = next((e for e in found if e.marker == "@cert-authority"), None)
    note = (
        f"\n  {authority.file}:{authority.line} trusts a certificate authority for it; "
        "magnusctl does not read host certificates"
        if authority
        else ""
    )
    return PreconditionError(
        "its host key is not known. Nothing was sent.",
        host=target.host,
        detail=f"  offered   {fingerprint(key)}   {key_type}{note}",
        hint="Compare it with what its console shows (ssh-keygen -lf "
        f"/etc/ssh/ssh_host_ed25519_key.pub), then:  magnusctl trust {target.host}",
    )


def pin(target: Target, key_type: str, key: bytes, replace: bool) -> Path:
    """Write a key into the first known_hosts file; with `replace`, without the old ones there."""
    path = target.known_hosts[0]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = path.read_text(errors="surrogateescape").splitlines() if path.exists() else []
    if replace:
        old = {entry.line for entry in known_hosts.plain(known(target)) if entry.file == str(path)}
        lines = [line for number, line in enumerate(lines, start=1) if number not in old]
    name = target.key_name or target.address
    port = 22 if target.key_name else target.port
    text = "".join(f"{line}\n" for line in lines)
    _write(path, text + known_hosts.line(name, port, key_type, key))
    return path


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a half-written known_hosts would lock its owner out of every host."""
    path = path.resolve()
    handle, staged = tempfile.mkstemp(dir=path.parent, prefix=".known_hosts.")
    with os.fdopen(handle, "w", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(staged).replace(path)

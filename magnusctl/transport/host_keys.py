"""Is this the host it says it is? Strict, always; there is no switch that turns this off."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from magnusctl import whole
from magnusctl.errors import PreconditionError
from magnusctl.transport import known_hosts
from magnusctl.transport.known_hosts import Entry, fingerprint
from magnusctl.transport.target import Target


def known(target: Target) -> list[Entry]:
    """All lines about a target, from every known_hosts file that can be read."""
    return _lines_about(target, 22 if target.key_name else target.port)


def known_without_port(target: Target) -> list[Entry]:
    """What ssh goes by where no line pins a key for this port: the lines about the bare name."""
    if target.key_name or target.port == 22 or known_hosts.plain(known(target)):
        return []
    return _lines_about(target, 22)


def _lines_about(target: Target, port: int) -> list[Entry]:
    name = target.key_name or target.address
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
    refuse_revoked(target, key)
    found, bare = known(target), known_without_port(target)
    bad = known_hosts.revoked([*found, *bare], key)
    if bad:
        raise PreconditionError(
            f"its host key is revoked ({bad.file}:{bad.line}). Nothing was sent.",
            host=target.host,
            detail=f"  offered   {fingerprint(key)}",
            hint="Find out why before you do anything else.",
        )
    pinned = known_hosts.plain(found)
    if any(entry.key == key for entry in (*pinned, *known_hosts.plain(bare))):
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


def refuse_revoked(target: Target, key: bytes) -> None:
    """Honour `RevokedHostKeys`; a list that cannot be read is no list without this key."""
    path = target.revoked_keys
    if path is None:
        return
    hint = "Only lists of public keys are read, no KRL."
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        message = f"the revoked keys in {path} cannot be read. Nothing was sent."
        raise PreconditionError(message, host=target.host, hint=hint) from None
    if base64.b64encode(key).decode() in text.split():
        raise PreconditionError(f"its host key is revoked ({path}).", host=target.host)


def pin(target: Target, key_type: str, key: bytes, replace: bool) -> Path:
    """Write a key into the first known_hosts file; with `replace`, without the old ones.

    Raises PreconditionError for a file that is none or cannot be written, and for an old key that
    stands where only a person can take it away.
    """
    if not target.known_hosts:
        message = "your ssh_config names no known_hosts file, so there is nowhere to remember it"
        raise PreconditionError(message, host=target.host)
    path = target.known_hosts[0]
    if path.exists() and not path.is_file():
        message = f"{path} is no regular file, so nothing can be remembered there"
        raise PreconditionError(message, host=target.host)
    name = target.key_name or target.address
    port = 22 if target.key_name else target.port
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = path.read_text(errors="surrogateescape") if path.exists() else ""
        lines = text.removesuffix("\n").split("\n") if text else []
        if replace:
            lines = _without(target, path, lines)
        text = "".join(f"{line}\n" for line in lines)
        text += known_hosts.line(name, port, key_type, key)
        # Half a known_hosts would lock its owner out of every host.
        whole.write(path, text.encode("utf-8", "surrogateescape"), 0o600)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise PreconditionError(message, host=target.host) from None
    return path


def _without(target: Target, path: Path, lines: Sequence[str]) -> list[str]:
    """The lines without this target's name; other names on them stay."""
    name = target.key_name or target.address
    port = 22 if target.key_name else target.port
    old = {}
    for entry in known_hosts.plain(known(target)):
        if entry.file != str(path):
            message = f"an old key stands in {entry.file}:{entry.line}; take it away there"
            raise PreconditionError(message, host=target.host)
        old[entry.line] = entry
    kept = []
    for number, line in enumerate(lines, start=1):
        rest = known_hosts.without_name(line, name, port) if number in old else line
        if rest is None:
            message = f"{path}:{number} covers other hosts by a pattern; change it there"
            raise PreconditionError(message, host=target.host)
        kept += [rest] if rest else []
    return kept

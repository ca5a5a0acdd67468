"""The exec strings: constants that any login shell hands to /bin/sh, and what sudo is told.

No quote, newline, backslash or exclamation mark inside: csh and fish read those in their own way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from magnusctl.quote import Secret

_DIGEST = (
    "if command -v sha256sum >/dev/null 2>&1; then g=$({data} | sha256sum); "
    "elif command -v shasum >/dev/null 2>&1; then g=$({data} | shasum -a 256); "
    "elif command -v openssl >/dev/null 2>&1; then g=$({data} | openssl dgst -sha256 -r); "
    "else {clean}echo magnus-no-digest >&2; exit 69; fi; "
)
_PROBE = (
    "umask 077; read -r n d r || { echo magnus-incomplete >&2; exit 65; }; s=$(cat); "
    + _DIGEST.format(data="printf %s $q$n $r $s$q", clean="").replace("$q", '"')
    + '[ "${g%% *}" = "$d" ] || { echo magnus-incomplete >&2; exit 65; }; '
    'NONCE="$n "; ROOT=$r; eval "$s"'
)
# What is free: df may not be there, and the folder neither.
_FREE = "$(df -Pk $q$b$q $q${b%/*}$q $q$r/$q 2>/dev/null | sed -n 2p)"
_APPLY = (
    "LC_ALL=C; export LC_ALL; umask 077; "
    "read -r n d j r || { echo magnus-incomplete >&2; exit 65; }; "
    # What is made before the digest is known is made only below a folder that is there.
    "[ -d $q$r/$q ] || { echo magnus-incomplete >&2; exit 65; }; "
    "command -v tar >/dev/null 2>&1 || { echo magnus-no-tar >&2; exit 69; }; "
    'b="$r/var/lib/magnus"; for p in "$b" "$b/jobs"; do '
    '[ -L "$p" ] || mkdir -p "$p" || { echo magnus-no-state ' + _FREE + " >&2; exit 73; }; "
    'set -- $(ls -ldn "$p"); '
    'case $1 in d????[-]??[-]*) ;; *) echo magnus-state-unsafe "$p" >&2; exit 77;; esac; '
    '[ "$3" = "$(id -u)" ] || { echo magnus-state-unsafe "$p" >&2; exit 77; }; done; '
    'c="$b/jobs/$j"; mkdir "$c" && cd "$c" || { echo magnus-no-state '
    + _FREE
    + " >&2; exit 73; }; echo $$ >uploader; cat >payload || { echo magnus-no-space "
    + _FREE
    + ' >&2; cd /; rm -rf "$c"; exit 73; }; '
    + _DIGEST.format(
        data="{ printf %s $q$n $j $r $q; cat payload; }", clean="cd /; rm -rf $q$c$q; "
    )
    + '[ "${g%% *}" = "$d" ] || { cd /; rm -rf "$c"; echo magnus-incomplete >&2; exit 65; }; '
    "tar -xf payload || { echo magnus-no-space " + _FREE + " >&2; cd /; rm -rf $q$c$q; exit 73; }; "
    'MAGNUS_SH="/bin/sh"; export MAGNUS_SH; exec $MAGNUS_SH ./job launch "$r" "" "$n"'
).replace("$q", '"')
_AS_ROOT = (
    'if [ "$(id -u)" = 0 ]; then exec /bin/sh -c "$1"; fi; '
    "command -v sudo >/dev/null 2>&1 || { echo magnus-no-sudo >&2; exit 71; }; "
    "LC_ALL=C; export LC_ALL; "
)
_SUDO = _AS_ROOT + 'exec sudo -n -- /bin/sh -c "$1"'
_SUDO_ASKING = _AS_ROOT + 'exec sudo -S -p "$2" -- /bin/sh -c "$1"'


@dataclass(frozen=True)
class Handshake:
    """How a password is given to sudo: only after `prompt` was seen on stderr. The payload is sent
    only after `ready` was seen on stdout, so that neither is ever taken for the other."""

    prompt: str
    ready: str
    password: Secret


@dataclass(frozen=True)
class Request:
    """What is sent to a host: a constant command, and the standard input for it."""

    command: str
    stdin: bytes = field(repr=False)
    nonce: str
    handshake: Handshake | None = None


@dataclass(frozen=True)
class Privilege:
    """How a command becomes root's: not at all, with sudo, with sudo and a password."""

    become: bool
    password: Secret | None = None


def probe_request(stdin: bytes, nonce: str, privilege: Privilege) -> Request:
    """A probe: text that is kept in memory there, and writes nothing."""
    return _request(_PROBE, stdin, nonce, privilege)


def apply_request(stdin: bytes, nonce: str, privilege: Privilege) -> Request:
    """A job: a tar that is unpacked into a folder of root's, and detached."""
    return _request(_APPLY, stdin, nonce, privilege)


def _request(text: str, stdin: bytes, nonce: str, privilege: Privilege) -> Request:
    if not privilege.become:
        return Request(f"exec /bin/sh -c '{text}'", stdin, nonce)
    if privilege.password is None:
        return Request(f"exec /bin/sh -c '{_SUDO}' sh '{text}'", stdin, nonce)
    handshake = Handshake(f"sudo-{nonce}", f"ready-{nonce}", privilege.password)
    text = f"echo {handshake.ready}; {text}"
    words = f"'{_SUDO_ASKING}' sh '{text}' {handshake.prompt}"
    return Request(f"exec /bin/sh -c {words}", stdin, nonce, handshake)

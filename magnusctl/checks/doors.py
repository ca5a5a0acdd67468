"""Is what should be closed closed: sshd to passwords, the firewall to all else?"""

from __future__ import annotations

from collections.abc import Sequence

from magnusctl.checks.custom import Judgement, failed, first_line, passed, unknown

# What counts is what comes out of all of the server's files, whoever wrote them.
SSHD = r"""
if [ -n "$MAGNUS_ROOT" ]; then
  d=/etc/ssh/sshd_config
  sed "s#$d.d/#$MAGNUS_ROOT$d.d/#" "$MAGNUS_ROOT$d" | sshd -T -f /dev/stdin 2>&1
else
  [ "$(uname -s)" = Darwin ] || mkdir -p /run/sshd
  sshd -T 2>&1
fi
"""
# What only its owner may read: keys of the host, of accounts, of certificates.
KEY_FILES = r"""
for f in "$MAGNUS_ROOT"/etc/ssh/ssh_host_*_key "$MAGNUS_ROOT"/etc/ssl/private/* \
  "$MAGNUS_ROOT"/etc/letsencrypt/archive/*/* \
  "$MAGNUS_ROOT"/root/.ssh/* "$MAGNUS_ROOT"/var/root/.ssh/* "$MAGNUS_ROOT"/home/*/.ssh/* \
  "$MAGNUS_ROOT"/Users/*/.ssh/*; do
  [ -f "$f" ] || continue
  case $f in */authorized_keys) ;; *) grep -q 'PRIVATE KEY' "$f" 2>/dev/null || continue ;; esac
  printf '%s %s\n' "$(ls -lnL "$f" | cut -c1-10)" "${f#"$MAGNUS_ROOT"}"
done
"""
FIREWALL = "nft list table inet magnus 2>&1"
_SSHD_WANTED = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitrootlogin": "no",
    "x11forwarding": "no",
}


def sshd(lines: Sequence[str]) -> Judgement:
    """No password opens it, whichever file says so first."""
    effective = dict(line.lower().split(" ", 1) for line in lines if " " in line)
    if "passwordauthentication" not in effective:
        return unknown(first_line(lines) or "sshd -T said nothing")
    wrong = [f"{k} {effective.get(k)}" for k, v in _SSHD_WANTED.items() if effective.get(k) != v]
    if wrong:
        remedy = "Another file of /etc/ssh/sshd_config.d says so first: grep -ri password there"
        return failed(", ".join(wrong), "keys only", remedy)
    return passed("keys only, no root", "keys only")


def key_files(lines: Sequence[str]) -> Judgement:
    """No key or certificate's key can be read by others, and no list of keys written by them."""
    told = [(line[:10], line[11:]) for line in lines if line[:1] == "-" and len(line) > 11]
    if not told:
        return unknown(first_line(lines) or "it has no key files")
    wide = [path for mode, path in told if _is_wide(mode, path)]
    if wide:
        remedy = f"chmod go-rwx {wide[0]}; who may have read it knows the key: make a new one"
        return failed(f"others can read or write {', '.join(wide[:3])}", "its owner alone", remedy)
    return passed(f"{len(told)} files, private", "its owner alone")


def _is_wide(mode: str, path: str) -> bool:
    """Debian lets a group read the keys of certificates; lists of public keys are no secret."""
    if path.endswith("/authorized_keys"):
        return "w" in mode[4:]
    groups = ("---", "r--") if path.startswith("/etc/ssl/private/") else ("---",)
    return mode[7:10] != "---" or mode[4:7] not in groups


def firewall(lines: Sequence[str]) -> Judgement:
    """Our table is in force, and drops what no rule names."""
    text = "\n".join(lines)
    # A chain that forwards may drop, too: what counts is what comes in.
    _, _, incoming = text.partition("hook input")
    if "policy drop" in incoming.partition("}")[0]:
        opened = sum(" accept" in line and " dport " in line for line in lines)
        return passed(f"closed but for {opened} rules", "closed by default")
    if "No such file" in text or not text.strip():
        remedy = "Somebody stopped it, or flushed all rules: systemctl restart magnus-nftables"
        return failed("its rules are not in force", "closed by default", remedy)
    if incoming:
        remedy = "Somebody changed it: systemctl restart magnus-nftables"
        return failed("it lets in what no rule names", "closed by default", remedy)
    return unknown(lines[0])

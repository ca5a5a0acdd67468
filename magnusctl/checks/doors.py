"""Is what should be closed closed: sshd to passwords, the firewall to all else?"""

from __future__ import annotations

from collections.abc import Sequence

from magnusctl.checks.custom import Judgement, failed, passed, unknown

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
        return unknown(next(iter(lines), "sshd -T said nothing"))
    wrong = [f"{k} {effective.get(k)}" for k, v in _SSHD_WANTED.items() if effective.get(k) != v]
    if wrong:
        remedy = "Another file of /etc/ssh/sshd_config.d says so first: grep -ri password there"
        return failed(", ".join(wrong), "keys only", remedy)
    return passed("keys only, no root", "keys only")


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

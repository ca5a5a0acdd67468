"""Does an engine listen where it should and nowhere else, and only to whoever has the key?"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from magnusctl.checks.custom import Judgement, failed, passed, skipped, unknown
from magnusctl.quote import sh

WAITS = "its model is not there yet"
LOGS = (
    "Look at its log there: journalctl -n 50 -u ollama -u 'magnus-*'; on a Mac: "
    "tail /var/log/magnus/*.log"
)
_ALL = ("0.0.0.0", "*", "[::]", "::")


def sockets(port: int) -> str:
    """The text that lists who listens on a port: `ADDRESS PORT` each."""
    return (
        'if [ "$(uname -s)" = Darwin ]; then netstat -anp tcp 2>/dev/null | '
        'awk \'$6 == "LISTEN" { n = split($4, p, "."); a = $4; sub(/\\.[^.]*$/, "", a); '
        "print a, p[n] }'; elif ! command -v ss >/dev/null; then echo untold; else ss -Hltn 2>&1 | "
        'awk \'{ a = $4; sub(/:[0-9]+$/, "", a); n = split($4, p, ":"); print a, p[n] }\'; fi | '
        f"awk '$2 == {port} || /untold/' | sort -u"
    )


def unless_waiting(path: str, run: str) -> str:
    """The text of a question to a server, that says `waits` where its model is not there yet."""
    return f'[ -e "$MAGNUS_ROOT"{sh(path)} ] || {{ echo waits; exit; }}; {run}' if path else run


def bound(address: str) -> Callable[[Sequence[str]], Judgement]:
    """A judge: it listens on this address alone. One that does not run is no fault of its own."""

    def judge(lines: Sequence[str]) -> Judgement:
        if "waits" in lines:
            return skipped(WAITS)
        if "untold" in lines:
            return unknown("nothing there tells who listens: it has no ss")
        found = [line.split(" ")[0] for line in lines if " " in line]
        if not found:
            return failed("nothing listens there", address, LOGS)
        wide = [one for one in found if one in _ALL]
        if wide:
            remedy = "Another program than the declared one? ss -ltnp (lsof -i on a Mac) tells."
            return failed(f"it listens on all addresses ({wide[0]})", address, remedy)
        return (
            passed(", ".join(found), address)
            if found == [address]
            else failed(", ".join(found), address)
        )

    return judge


def answers(url: str) -> str:
    """The text that asks a server for a sign of life: the code of HTTP, 000 for none."""
    return f"curl -s --noproxy '*' -m 5 -o /dev/null -w '%{{http_code}}\\n' {sh(url)} 2>/dev/null"


def said(url: str) -> str:
    """The text that asks a server for its answer."""
    return f"curl -s --noproxy '*' -m 5 {sh(url)} 2>/dev/null"


def on_gpu(lines: Sequence[str]) -> Judgement:
    """Every model that Ollama has loaded is on the card, and whole: a part on the CPU is ten times
    slower, and nobody is told."""
    try:
        models = json.loads("\n".join(lines))["models"]
        shares = {str(m["name"]): 100 * int(m["size_vram"]) // int(m["size"]) for m in models}
    except (ValueError, KeyError, TypeError, ZeroDivisionError):
        return skipped("it does not tell of loaded models")
    if not shares:
        return skipped("no model is loaded")
    worst = min(shares, key=lambda name: shares[name])
    if shares[worst] >= 100:
        return passed(f"{len(shares)} loaded, all on the card", "100 %")
    remedy = "It is too large, or the card was not there at its start: systemctl restart ollama"
    return failed(f"{worst}: {shares[worst]} % on the card", "100 %", remedy)


def alive(lines: Sequence[str]) -> Judgement:
    """It answers 200; one that is still loading answers 503."""
    code = lines[0].strip() if lines else ""
    if code == "200":
        return passed("200", "200")
    if code == "waits":
        return skipped(WAITS)
    if code in ("000", ""):
        return failed("nothing answers there", "200", LOGS)
    return failed(code, "200", LOGS)


def locked(lines: Sequence[str]) -> Judgement:
    """Without the key it lets nobody in."""
    code = lines[0].strip() if lines else ""
    if code in ("401", "403"):
        return passed(f"{code} without the key", "401")
    if code == "waits":
        return skipped(WAITS)
    if code in ("000", ""):
        return unknown("nothing answers there", LOGS)
    return failed(
        f"{code} without the key", "401", "Is its environment file read? systemctl cat it"
    )


def private(paths: Sequence[str]) -> str:
    """The text that tells the mode and owner of files that hold secrets."""
    listed = " ".join(f'"$MAGNUS_ROOT"{sh(path)}' for path in paths)
    return f"for f in {listed}; do ls -ln \"$f\" 2>&1 | awk '{{ print $1, $3 }}'; done"


def kept_private(lines: Sequence[str]) -> Judgement:
    """Only the owner may read a file with a secret."""
    told = [line for line in lines if line[:1] == "-"]
    wide = [line for line in told if line[1:10] not in ("rw-------", "r--------")]
    if wide:
        return failed(wide[0], "0600", "Who read it knows the key: make a new one. chmod 0600")
    if not told or len(told) < len(lines):
        return unknown("one of them is not there", "magnusctl provision")
    return passed(f"{len(told)} files, 0600", "0600")

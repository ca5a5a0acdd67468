"""Does a peer answer over a link, in whole packets, and on the ports that are open to it alone?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from magnusctl.checks.custom import Judge, Judgement, failed, passed, unknown, warned
from magnusctl.checks.sections import answered, asked
from magnusctl.parsers import ping
from magnusctl.quote import sh
from magnusctl.report import Measure, Result, Verdict

SILENT_PORT = 9
"""Discard: nothing serves it, so a firewall that is closed by default leaves it unanswered."""
HEADERS = 28
"""Bytes of IPv4 and ICMP before what ping sends."""
MACOS_MOST = 8192
"""Bytes of the largest packet that ping of macOS can send: net.inet.raw.maxdgram."""
SLOW_MS = 5.0
"""More than any cable or switch in a house takes; sleeping links and full queues do."""


@dataclass(frozen=True)
class Peer:
    """A host at the other end of a link; `mtu` in bytes, `wired` where no air is between."""

    name: str
    link: str
    address: str
    mtu: int
    wired: bool
    title: str = ""
    """Its name in checks: with the link's, where there are several between the two."""


@dataclass(frozen=True)
class Knock:
    """A port of a peer, and whether it must answer here: open, closed or silent."""

    peer: str
    address: str
    port: int
    what: str
    expected: str
    server: str = ""
    """The check of its host that says whether its engine answers at home."""


# bash writes printf's output line by line, so those of several peers would mix.
_AT_ONCE = """printf '%s\\n' "$said" | awk '{ t = t $0 "\\n" } END { printf "%s", t }'"""
# Whoever answers first, the answers stand in the order of the questions; the empty line before an
# answer would go to whichever came in before it.
_SORT = r"""awk -v 'order=ORDER' '
/^== / { part = substr($0, 4) }
NF { told[part] = told[part] $0 "\n" }
END { n = split(order, parts, "|"); for (i = 1; i <= n; i++) printf "%s", told[parts[i]] }
'"""


def pings(peers: Sequence[Peer], macos: bool) -> str:
    """The text that pings every peer at once: small packets, then some as large as the MTU."""
    # -W is in seconds on Linux, and in milliseconds on macOS.
    small, whole = ("-t 3", "-t 2 -D") if macos else ("-W 1", "-W 1 -M do")
    texts: list[str] = []
    order: list[str] = []
    for peer in peers:
        size, address = most(peer, macos) - HEADERS, sh(peer.address)
        parts = {
            f"ping {peer.address}": f"ping -c 3 -i 0.2 {small} {address} 2>&1",
            f"whole {peer.address}": f"ping -c 2 -i 0.2 {whole} -s {size} {address} 2>&1",
        }
        order += parts
        texts.append(f"{{ said=$({asked(parts)}\n); {_AT_ONCE}; }} &")
    sorted_by = _SORT.replace("ORDER", "|".join(order))
    return "\n".join(["{", *texts, "wait", f"}} | {sorted_by}"])


def most(peer: Peer, macos: bool) -> int:
    """Bytes of the largest packet that can be sent to a peer."""
    return min(peer.mtu, MACOS_MOST) if macos else peer.mtu


def answers(peer: Peer) -> Judge:
    """A judge of loss, in percent, and of the mean time, in milliseconds."""

    def judge(lines: Sequence[str]) -> Judgement:
        told = ping.parse(answered(lines, f"ping {peer.address}"))
        if told.loss_percent is None and told.error == "unreachable":
            remedy = f"Is link {peer.link} up here? ip addr (ifconfig) tells."
            return failed(f"{peer.address}: {told.message}"[:100], "0 % lost", remedy)
        if told.loss_percent is None:
            return unknown(told.message or f"ping said nothing of {peer.address}")
        lost = f"{peer.address}: {told.loss_percent:g} % lost"
        if told.loss_percent > 0:
            remedy = f"Is {peer.name} on, and the cable of link {peer.link} in?"
            # Over the air, and over the internet, one may be lost.
            judge_of = failed if peer.wired or told.loss_percent >= 100 else warned
            return judge_of(lost, "0 % lost", remedy)
        if told.avg_ms is None:
            return passed(lost, "0 % lost")
        shown, measure = f"{lost}, {told.avg_ms:g} ms", Measure(told.avg_ms, "ms", higher=False)
        if peer.wired and told.avg_ms > SLOW_MS:
            remedy = "A link that sleeps, or a full queue: is something else using it now?"
            return warned(shown, f"0 % lost, {SLOW_MS:g} ms", remedy, measure)
        return passed(shown, "0 % lost", measure)

    return judge


def whole(peer: Peer, macos: bool) -> Judge:
    """A judge of a packet as large as the link's MTU that nobody may cut into pieces."""
    sent, target = most(peer, macos), f"{peer.mtu} bytes"

    def judge(lines: Sequence[str]) -> Judgement:
        text = answered(lines, f"whole {peer.address}")
        small = ping.parse(answered(lines, f"ping {peer.address}"))
        told = ping.parse(text)
        if told.received:
            rest = "" if sent == peer.mtu else ", the most that ping of macOS sends"
            return passed(f"{sent} bytes{rest}", target)
        if told.error == "too_long":
            remedy = (
                f"Its own card has a smaller MTU: magnusctl provision; ip link | grep {peer.mtu}"
            )
            return failed("too long for the card here", target, remedy)
        if told.loss_percent is None or not small.received:
            return unknown(f"ping said nothing of {peer.address}")
        remedy = (
            f"The MTU of {peer.name}, or of a switch between, is smaller: set all to {peer.mtu}."
        )
        return failed(f"no packet of {sent} bytes gets through", target, remedy)

    return judge


def knocks(wanted: Sequence[Knock]) -> str:
    """The text that opens a connection to every port: `ADDRESS PORT EXIT SECONDS` each."""
    text = (
        "knock() { said=$(curl -s --noproxy '*' -o /dev/null --connect-timeout 1 -m 2 "
        '-w \'%{time_connect}\' "http://$1:$2/" 2>/dev/null); echo "$1 $2 $? ${said:-0}"; }'
    )
    each = (f"knock {sh(k.address, k.port)} &" for k in wanted)
    return "\n".join([text, "{", *each, "wait", "} | sort"])


def door(knock: Knock) -> Judge:
    """A judge of one port, as another host sees it."""

    def judge(lines: Sequence[str]) -> Judgement:
        found = _found(knock, lines)
        target = {"open": "open", "closed": "closed", "silent": "no answer at all"}[knock.expected]
        if found is None:
            return unknown("it cannot be tried from there: is curl there?")
        if found == knock.expected or (knock.expected == "closed" and found != "open"):
            return passed(f"{knock.what}: {_WORDS[found]}", target)
        if found == "open":
            remedy = "Who listens, and who lets it in? ss -ltnp and nft list ruleset there."
            shown = f"{knock.what}: open to whom it should not be"
            return replace(failed(shown, target, remedy), stands=True)
        if knock.expected == "silent":
            remedy = "Its firewall lets packets through: systemctl restart magnus-nftables there."
            return failed(f"{knock.what}: refused, so no firewall dropped it", target, remedy)
        remedy = "Does it run, and does its firewall let this host in? Its own checks tell."
        return failed(f"{knock.what}: {_WORDS[found]}", target, remedy)

    return judge


_WORDS = {"open": "open", "closed": "refused", "silent": "no answer"}


def _found(knock: Knock, lines: Sequence[str]) -> str | None:
    for line in lines:
        words = line.split()
        if words[:2] != [knock.address, str(knock.port)] or len(words) != 4:
            continue
        if re.fullmatch(r"0*[.,]0*[1-9][0-9]*|0*[1-9][0-9]*(?:[.,][0-9]*)?", words[3]):
            return "open"
        return {"7": "closed", "28": "silent"}.get(words[2])
    return None


def excused(results: Sequence[Result]) -> Iterator[Result]:
    """The results, but that what needs another one to have passed is skipped where it has not: a
    port says nothing where its host does not answer, or where its engine waits for a model."""
    by_name = {(result.subject, result.check): result for result in results}
    well = (Verdict.PASS, Verdict.WARN)
    for result in results:
        before = [by_name[name] for name in result.after if name in by_name]
        bad = next((one for one in before if one.verdict not in well), None)
        if bad is None:
            yield result
            continue
        why = bad.measured if bad.verdict is Verdict.SKIP else f"see {bad.check} of {bad.subject}"
        yield replace(result, verdict=Verdict.SKIP, measured=why, remedy="")

"""What several results say of one link: both ways, the time of a packet, and its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from magnusctl.report import Result, Verdict, worst


@dataclass(frozen=True)
class Row:
    """A link between two hosts, and what of it was looked at: rates by their direction."""

    name: str
    one: str
    two: str
    there: Result | None = None
    back: Result | None = None
    ping: Result | None = None
    mtu: Result | None = None

    @property
    def rates(self) -> list[Result]:
        """What iperf3 came to on it."""
        return [found for found in (self.there, self.back) if found]

    @property
    def verdict(self) -> Verdict:
        """The worst of them."""
        return worst(*(rate.verdict for rate in self.rates))

    @property
    def target(self) -> str:
        """What it is to reach."""
        return next((rate.target for rate in self.rates if rate.target), "")

    @property
    def untold(self) -> str:
        """Why there is no figure; nothing where there is one."""
        measured = any(rate.measure for rate in self.rates)
        return "" if measured else next((rate.measured for rate in self.rates), "")

    @property
    def ping_ms(self) -> str:
        """As `0.21 ms`."""
        return f"{self.ping.measure.value:g} ms" if self.ping and self.ping.measure else ""

    @property
    def mtu_bytes(self) -> str:
        """As `9000`, or `8192 of 9000` where no larger packet could be sent."""
        if self.mtu is None:
            return ""
        wanted, sent = _number(self.mtu.target), _number(self.mtu.measured)
        part = self.mtu.verdict is Verdict.PASS and sent != wanted
        return f"{sent} of {wanted}" if part else f"{wanted}"


def is_rate(result: Result) -> bool:
    """Whether a result is one of iperf3, which a table shows."""
    return result.way is not None and result.way.what == "rate"


def rows(results: Sequence[Result]) -> list[Row]:
    """One for each link, in the order in which they were measured."""
    found: dict[tuple[str, frozenset[str]], list[Result]] = {}
    for result in results:
        if result.way and result.way.what == "rate":
            ends = frozenset((result.way.one, result.way.two))
            found.setdefault((result.way.link, ends), []).append(result)
    return [_row(of, results) for of in found.values()]


def _number(text: str) -> int:
    return int(text.split(" ")[0]) if text.split(" ")[0].isdecimal() else 0


def _sent(result: Result) -> int:
    return _number(result.measured)


def _row(of: Sequence[Result], results: Sequence[Result]) -> Row:
    first = of[0].way
    assert first is not None
    by_way = {(result.way.one, result.way.two): result for result in of if result.way}

    def either(what: str) -> Result | None:
        ends = {first.one, first.two}
        about = (r for r in results if r.way and r.way.what == what and r.way.link == first.link)
        mine = [r for r in about if r.way and {r.way.one, r.way.two} == ends]
        bad = worst(*(r.verdict for r in mine)) if mine else None
        # Of two ends that are well, the one that proves more.
        return max((r for r in mine if r.verdict is bad), key=_sent, default=None)

    one, two = first.one, first.two
    there, back = by_way.get((one, two)), by_way.get((two, one))
    return Row(first.link, one, two, there, back, either("ping"), either("mtu"))

"""One verification told four ways: as lines, JSON, JUnit's XML and a page. They agree."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from magnusctl.inventory.validate import load
from magnusctl.quote import visible
from magnusctl.report import Result, Verdict, Verified, counts
from magnusctl.report.drawing import BOX_HEIGHT, BOX_WIDTH, cables, places, spark
from magnusctl.report.jsonl import JsonReport
from magnusctl.report.junit import document
from magnusctl.report.links import rows
from magnusctl.report.page import page
from magnusctl.report.text import _PLAIN
from magnusctl.report.verified import lines
from tests.report.verified import FAIL, HOSTILE, PASS, RESULTS, SKIP, UNKNOWN, VERIFIED, WARN

INVENTORY = load([Path(__file__).parents[2] / "inventory" / "magnus.yaml"])
NAMES = [*INVENTORY.hosts]
Told = set[tuple[str, str, str]]
"""Subject, check and verdict of each result."""
TRUTH: Told = {(r.subject, r.check, r.verdict.value) for r in RESULTS}


def html(found: Verified = VERIFIED) -> str:
    past = {("rtx3090", "tokens.primary.decode"): [("t", 50.0), ("t", 51.0)]}
    return page(found, INVENTORY, NAMES, past, "2026-11-27 22:00 UTC")


def text(found: Verified = VERIFIED, *, verbose: bool = True, width: int = 100) -> list[str]:
    return [line for line, _ in lines(found, width, verbose, False)]


# ---- each says all of it, and the same


def test_json_tells_every_result(capsys: pytest.CaptureFixture[str]) -> None:
    JsonReport().results(VERIFIED)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [t for t in told if t["type"] == "check"]
    assert {(t["subject"], t["check"], t["verdict"]) for t in found} == TRUTH
    assert [t["measured"] for t in found] == [r.measured for r in RESULTS]
    measure = next(t["measure"] for t in found if t["check"] == "tokens.primary.first-token")
    assert measure == {"value": 84.0, "unit": "ms", "higher": False, "half": 0.0}
    assert told[-1]["verdicts"] == {v.value: n for v, n in counts(RESULTS).items()}
    assert told[-1]["exit_code"] == 9


def test_junit_tells_every_result() -> None:
    root = ET.fromstring(document(VERIFIED))
    kinds = {"failure": "fail", "error": "unknown", "skipped": "skip"}
    found: Told = set()
    for case in root.iter("testcase"):
        tag = next((child.tag for child in case if child.tag in kinds), "")
        warned = (case.findtext("system-out") or "").startswith("warning:")
        verdict = kinds.get(tag) or ("warn" if warned else "pass")
        found.add((str(case.get("classname")), str(case.get("name")), verdict))
    assert found == TRUTH
    told = counts(RESULTS)
    sums = {"failures": FAIL, "errors": UNKNOWN, "skipped": SKIP}
    for name, verdict in sums.items():
        assert root.get(name) == str(told[verdict])
        of_suites = sum(int(suite.get(name, "0")) for suite in root.iter("testsuite"))
        assert of_suites == told[verdict]
    assert root.get("tests") == str(len(RESULTS))
    simulated = {
        suite.get("name"): suite.find("properties/property[@name='simulated']").get("value")  # type: ignore[union-attr]
        for suite in root.iter("testsuite")
    }
    assert simulated["macmini"] == "true"
    assert simulated["rtx3090"] == "false"


def test_lines_tell_every_result() -> None:
    told, subject, found = text(), "", set()
    signs = {"✓": "pass", "!": "warn", "✗": "fail", "○": "skip", "?": "unknown"}
    for line in told:
        if line[:1].strip():
            subject = line.split()[0]
        match = re.match(r"  ([✓!✗○?]) (.+?)(  |$)", line)
        if match and subject != "links":
            found.add((subject, match[2].strip(), signs[match[1]]))
    assert found == {t for t in TRUTH if not t[0].startswith("link ")}
    table = told[told.index(next(line for line in told if line.startswith("links"))) + 1 :]
    figures = r"rtx3090 - macmini \(10g\) +9\.41 Gbit/s +9\.39 Gbit/s +9\.40 Gbit/s ✗"
    assert re.search(figures, table[0])
    assert "0.2 ms  mtu 9000 ✓" in table[0] + table[1]
    assert any("✗ macmini → rtx3090" in line for line in table)
    unmeasured = r"macmini - m2pro \(thunderbolt\) +○ no iperf3 on m2pro"
    assert any(re.search(unmeasured, line) for line in table)
    words = {FAIL: "failed", UNKNOWN: "unknown", WARN: "warned", PASS: "passed", SKIP: "skipped"}
    for verdict, number in counts(RESULTS).items():
        assert f"{number} {words[verdict]}" in told[-2]
    assert told[-1] == "SIMULATED: macmini"


class _Checks(HTMLParser):
    """Reads the table of every check, and counts what is open."""

    def __init__(self) -> None:
        super().__init__()
        self.subject, self.verdict, self.within, self.cell = "", "", "", 0
        self.found: Told = set()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.within = tag
        if tag == "tr":
            self.cell = 0
        if tag == "td":
            self.cell += 1
            self.verdict = values.get("title") or self.verdict

    def handle_data(self, data: str) -> None:
        if self.within == "summary" and data.strip():
            self.subject = data.strip().removesuffix(" (simulated)")
        if self.within == "td" and self.cell == 2 and self.subject and data.strip():
            self.found.add((self.subject, data.strip(), self.verdict))
        self.within = self.within if data.strip() == "" else ""


def test_the_page_tells_every_result() -> None:
    source = html()
    parser = _Checks()
    parser.feed(source[source.index('id="checks"') :])
    assert parser.found == {t for t in TRUTH if not t[0].startswith("link ")}
    assert "9.41" in source
    assert "9.39" in source
    assert "no iperf3 on m2pro" in source
    for verdict, number in counts(RESULTS).items():
        assert f"<b>{number}</b>" in source, verdict


# ---- the page


def test_what_needs_somebody_comes_first_the_worst_before_the_rest() -> None:
    source = html()
    part = source[source.index('id="trouble"') : source.index('id="map"')]
    order = re.findall(r'<li class="(\w+)">', part)
    assert order == ["fail"] * 4 + ["unknown", "warn"]
    assert "Reseat the card" in part


def test_words_of_a_host_are_no_markup_and_no_control_characters() -> None:
    for told in (html(), document(VERIFIED).decode(), "\n".join(text())):
        assert "\x1b" not in told
        assert "\x07" not in told
        assert "‮" not in told
    assert "<script" not in html()
    ET.fromstring(document(VERIFIED))
    html().encode("utf-8")
    assert visible(HOSTILE) in "\n".join(text(width=400))


def test_the_page_is_whole_in_itself() -> None:
    source = html()
    assert not re.search(r"https?://|//[a-z]|url\(|@import|<script|<link|<img|<iframe", source)


def test_a_simulated_host_and_recorded_answers_are_told_at_the_top() -> None:
    assert "SIMULATED: stand-ins answered for macmini" in html()
    assert "SIMULATED" not in html(Verified(RESULTS))
    assert "recorded answers" in html(Verified(RESULTS, recorded=True))


def test_with_nothing_to_tell_there_is_still_a_page() -> None:
    source = html(Verified(()))
    assert "Hosts and links" in source
    assert "Bandwidth" not in source
    assert "Models" not in source


def test_a_host_name_with_an_unknown_model_is_no_trouble_for_the_page() -> None:
    odd = Result("elsewhere", "tokens.x.decode", PASS, "1 tok/s", measure=None)
    assert "elsewhere" in html(Verified((odd,)))


# ---- lines


def test_without_v_what_passed_is_counted_but_for_numbers() -> None:
    told = text(verbose=False)
    assert not any("cuda.driver" in line for line in told)
    assert any("tokens.primary.decode" in line for line in told)
    assert "  … 4 more pass (-v shows them)" in told


@pytest.mark.parametrize("width", [80, 100])
def test_lines_fit(width: int) -> None:
    for line in text(width=width):
        # A word that cannot be cut, as a path to be typed, is not.
        assert len(line) <= width or "alert" in line, line


def test_checks_with_one_reason_are_one_line() -> None:
    why, remedy = "nothing was recorded of it", "magnusctl probe --record"
    many = tuple(Result("h", f"c{n}", UNKNOWN, why, remedy=remedy) for n in range(5))
    told = text(Verified(many))
    assert sum(why in line for line in told) == 1
    assert sum(remedy in line for line in told) == 1
    assert any("c0, c1, c2, c3, c4" in line for line in told)


def test_a_remedy_of_several_failures_is_told_once() -> None:
    many = tuple(Result("h", f"service {n}", FAIL, "not active", remedy="do it") for n in range(4))
    told = text(Verified(many))
    assert sum("do it" in line for line in told) == 1
    assert sum("✗ service" in line for line in told) == 4


def test_ascii_only_is_ascii_only() -> None:
    for line, _ in lines(Verified(RESULTS[:4] + RESULTS[5:]), 100, True, True):
        line.translate(_PLAIN).encode("ascii")


# ---- pictures


@pytest.mark.parametrize("count", range(1, 13))
def test_no_two_hosts_stand_in_one_place(count: int) -> None:
    boxes, height = places([f"h{n}" for n in range(count)])
    assert len({(box.x, box.y) for box in boxes}) == count
    assert all(66 <= box.x <= 414 and 25 <= box.y <= height - 25 for box in boxes)
    for n, one in enumerate(boxes):
        for two in boxes[n + 1 :]:
            assert abs(one.x - two.x) >= BOX_WIDTH or abs(one.y - two.y) >= BOX_HEIGHT, (one, two)


def test_two_links_between_the_same_hosts_stand_side_by_side() -> None:
    boxes, _ = places(["a", "b"])
    one, two = cables(boxes, {"x": ("a", "b"), "y": ("b", "a"), "z": ("a", "gone")})
    assert (one.y1, two.y1) != (one.y1, one.y1)


@pytest.mark.parametrize(("values", "points"), [([], 0), ([1.0], 0), ([1, 1], 2), ([1, 5, 2], 3)])
def test_a_history_is_a_line_within_its_box(values: list[float], points: int) -> None:
    found = [tuple(map(float, p.split(","))) for p in spark(values, 120, 28).split()]
    assert len(found) == points
    assert all(0 <= x <= 120 and 0 <= y <= 28 for x, y in found)


def test_the_two_ways_of_a_link_are_one_row() -> None:
    first, second = rows(RESULTS)
    assert (first.one, first.two, first.verdict) == ("rtx3090", "macmini", Verdict.FAIL)
    assert second.untold == "no iperf3 on m2pro"
    assert second.verdict is Verdict.SKIP
    assert (first.ping_ms, first.mtu_bytes, first.target) == ("0.2 ms", "9000", "9.40 Gbit/s")

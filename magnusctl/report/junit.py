"""What CI systems read: JUnit's XML, a suite for each host or link, a case for each check.

JUnit knows no warnings and no unknown: a warning passes with its words in the output, and what a
host did not say is an error, as it is for the exit code.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from magnusctl.quote import visible
from magnusctl.report import Result, Verdict, Verified


def document(found: Verified) -> bytes:
    """The whole file."""
    top = ET.Element("testsuites", {"name": "magnusctl verify", **_sums(found.results)})
    top.set("time", f"{found.seconds:.3f}")
    for subject in dict.fromkeys(result.subject for result in found.results):
        mine = [result for result in found.results if result.subject == subject]
        suite = ET.SubElement(top, "testsuite", {"name": visible(subject), **_sums(mine)})
        suite.set("time", "0")
        properties = ET.SubElement(suite, "properties")
        simulated = str(all(map(found.is_simulated, mine))).lower()
        ET.SubElement(properties, "property", name="simulated", value=simulated)
        recorded = str(found.recorded).lower()
        ET.SubElement(properties, "property", name="recorded", value=recorded)
        for result in mine:
            _case(suite, result)
    ET.indent(top)
    data: bytes = ET.tostring(top, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _sums(results: Sequence[Result]) -> dict[str, str]:
    verdicts = [result.verdict for result in results]
    return {
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count(Verdict.FAIL)),
        "errors": str(verdicts.count(Verdict.UNKNOWN)),
        "skipped": str(verdicts.count(Verdict.SKIP)),
    }


def _case(suite: ET.Element, result: Result) -> None:
    names = {"classname": visible(result.subject), "name": visible(result.check)}
    case = ET.SubElement(suite, "testcase", {**names, "time": "0"})
    message, remedy = visible(_message(result)), visible(result.remedy)
    kinds = {Verdict.FAIL: "failure", Verdict.UNKNOWN: "error", Verdict.SKIP: "skipped"}
    if result.verdict in kinds:
        told = ET.SubElement(case, kinds[result.verdict], message=message)
        if result.verdict is not Verdict.SKIP:
            told.set("type", result.verdict.value)
            told.text = f"{message}\n{remedy}".strip()
        return
    warned = f"warning: {message}\n{remedy}" if result.verdict is Verdict.WARN else message
    if warned.strip():
        ET.SubElement(case, "system-out").text = warned.strip()


def _message(result: Result) -> str:
    target = f" (target {result.target})" if result.target else ""
    return f"{result.measured}{target}".strip()

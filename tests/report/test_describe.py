"""Changes in words."""

from __future__ import annotations

import pytest

from magnusctl.report.describe import count, lines, text_diff
from magnusctl.report.text import repeated
from magnusctl.resources.block import Block
from magnusctl.resources.file import File
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.state import Action, Change, Plan, Risk


def told(*changes: Change) -> list[str]:
    return [f"{change.action.value} {line}" for change, line in lines(Plan("tower", changes))]


def new(package: str) -> Change:
    resource = Package(package=package)
    return Change(resource, Action.CREATE, {"ensure": "absent"}, resource.state())


def test_packages_that_go_together_share_a_line() -> None:
    gone = Package(package="c", ensure="absent")
    removed = Change(gone, Action.DELETE, {"ensure": "present"}, gone.state())
    assert told(new("a"), new("b"), removed) == ["+ package    a, b", "- package    c"]


def test_a_value_is_told_before_and_after() -> None:
    key = Sysctl(key="vm.swappiness", value="10")
    (line,) = told(Change(key, Action.UPDATE, {"value": "60"}, key.state()))
    assert line.split() == ["~", "sysctl", "vm.swappiness", "60", "→", "10"]


def test_a_risk_is_marked() -> None:
    file = File(path="/etc/x", mode="0600", risk=Risk.CONNECTIVITY)
    (line,) = told(Change(file, Action.CREATE, {"ensure": "absent"}, file.state()))
    assert line.endswith("0600 root:root   [connectivity]")


@pytest.mark.parametrize(("reload", "word"), [(False, "restarts"), (True, "reloads")])
def test_a_restart_says_why(reload: bool, word: str) -> None:
    service = Service(unit="vllm", reload=reload, inputs="abc")
    change = Change(service, Action.RESTART, {}, service.state(), because=("file:/etc/x",))
    assert f"{word}, because file:/etc/x" in told(change)[0]


def test_lines_stay_within_a_hundred_columns_where_they_can() -> None:
    key = Sysctl(key="net.ipv4.tcp_rmem", value="4096 131072 67108864")
    file = File(path="/" + "x" * 60, mode="0600", risk=Risk.CONNECTIVITY)
    changes = (
        Change(key, Action.UPDATE, {"value": "4096 131072 6291456"}, key.state()),
        Change(file, Action.CREATE, {"ensure": "absent"}, file.state()),
    )
    for line in told(*changes):
        assert all(len(part) <= 100 for part in line.splitlines())


def test_what_a_host_says_cannot_reach_the_terminal_raw() -> None:
    key = Sysctl(key="kernel.x", value="1")
    (line,) = told(Change(key, Action.UPDATE, {"value": "\x1b[2J\u202eevil"}, key.state()))
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert "\\x1b[2J\\u202eevil" in line


def test_a_diff_shows_the_text_of_both_sides() -> None:
    file = File(path="/etc/x", content="a\nc\n")
    change = Change(file, Action.UPDATE, {"content": "old"}, file.state())
    assert text_diff(change, "a\nb\n")[2:] == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]
    assert text_diff(change, None) == ["(the text on the host is not known here)"]


def test_a_diff_of_a_block_leaves_out_the_rest_of_the_file() -> None:
    block = Block(path="/etc/hosts", content="10.0.0.1 mini\n")
    change = Change(block, Action.UPDATE, {"content": "old"}, block.state())
    old = "127.0.0.1 localhost\n# magnus begin\n10.0.0.9 mini\n# magnus end\n"
    assert text_diff(change, old)[2:] == ["@@ -1 +1 @@", "-10.0.0.9 mini", "+10.0.0.1 mini"]


@pytest.mark.parametrize(("number", "text"), [(0, "0 hosts"), (1, "1 host"), (2, "2 hosts")])
def test_counts_have_their_plural(number: int, text: str) -> None:
    assert count(number, "host") == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Apply with:  magnusctl provision        See", "magnusctl provision -i x.yaml        See"),
        ("then:  magnusctl trust mini --replace", "magnusctl trust mini --replace -i x.yaml"),
        ("magnusctl init", "magnusctl init"),
    ],
)
def test_a_command_to_type_next_names_the_inventory_that_was_given(text: str, shown: str) -> None:
    assert repeated(text, ["plan", "-i", "x.yaml", "-l", "mini"]).endswith(shown)
    assert repeated(text, ["plan"]) == text

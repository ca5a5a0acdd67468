"""docs/roles.md is right: its example is run as it stands, and its table is that of the tests."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dev import coverage
from tests.rooted import Project, project
from tests.test_extending import FILE

PAGE = Path(__file__).parent.parent / "docs" / "roles.md"


@pytest.fixture
def page(tmp_path: Path) -> Project:
    """The project of the page; its host is a root on this machine."""
    made = project(tmp_path)
    for name, text in FILE.findall(PAGE.read_text()):
        made.write(name, text)
    here = {"connection": "local", "become": False, "simulated": True, "root": str(made.root)}
    made.write("here.yaml", json.dumps({"hosts": {"tower": here}}))
    return made


def test_the_role_of_the_page_takes_twenty_lines() -> None:
    code = dict(FILE.findall(PAGE.read_text()))["roles/relay.py"]
    assert len(code.strip().splitlines()) <= 22
    assert len([line for line in code.splitlines() if line.strip()]) <= 20


def test_the_roles_of_the_page_are_provisioned_and_restart_with_their_configuration(
    page: Project,
) -> None:
    assert page.run("inventory", "check").returncode == 0
    run = ("-t", "relay,banner", "--overlay", "here.yaml")
    answer = page.run("provision", "--yes", *run)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert (page.root / "etc/issue.net").read_text() == "No entry.\n"
    assert "RELAY_TO=10.0.0.2:443" in (page.root / "etc/relay.conf").read_text()
    assert "0 changes" in page.run("plan", *run).stdout
    page.write("magnus.yaml", (page.folder / "magnus.yaml").read_text().replace("8443", "9443"))
    planned = page.run("plan", *run).stdout
    assert "restarts, because file:/etc/relay.conf" in planned


def test_a_typing_error_in_its_unit_is_refused_before_anything_is_sent(page: Project) -> None:
    template = page.folder / "templates/relay.service.j2"
    template.write_text(template.read_text().replace("ExecStart=", "ExecStrat="))
    answer = page.run("plan", "--overlay", "here.yaml")
    assert answer.returncode == 2
    assert "systemd knows no 'ExecStrat' in [Service]" in answer.stderr


def test_the_table_is_that_of_the_tests() -> None:
    text = PAGE.read_text()
    wanted = coverage.page(text, coverage.table(coverage.cells()))
    assert text == wanted, "run: python -m dev.coverage"


def test_every_role_is_rendered_validated_applied_verified_and_removed_on_linux() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    cells = {(role, kind): line.split(" | ") for role, kind, line in rows}
    assert {role for role, _ in cells} == set(coverage.ROLES)
    empty = [
        (role, column)
        for (role, kind), line in cells.items()
        if kind == "Linux"
        for column, cell in zip(coverage.COLUMNS, line, strict=True)
        if cell == "–"
    ]
    assert empty == LEFT_OPEN


LEFT_OPEN = [("training", "validated")]
"""What no test shows, said here rather than shown as done: the only file of that role is a lock,
which no program judges without fetching what it names."""

"""The examples of docs/extending.md and docs/secrets.md are right: they are run as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from magnusctl.inventory.validate import load
from tests.rooted import Project, project

DOCS = Path(__file__).parent.parent / "docs"
FILE = re.compile(r"^```\w+\n(?:#|\{#) (\S+?)(?: #\})?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DF = """\
#!/bin/sh
echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'
echo 'SIMULATED 100000000 41000000 59000000 41% /'
"""


@pytest.fixture
def page(tmp_path: Path) -> Project:
    """The project that the page describes; its host is a root on this machine."""
    made = project(tmp_path)
    for name, text in FILE.findall((DOCS / "extending.md").read_text()):
        made.write(name, text)
    made.write("host/.standins/df", DF, 0o755)
    here = {"connection": "local", "become": False, "simulated": True, "root": str(made.root)}
    made.write("here.yaml", json.dumps({"hosts": {"tower": here}}))
    return made


def test_the_page_is_a_whole_project(page: Project) -> None:
    found = {str(path.relative_to(page.folder)) for path in page.folder.glob("*/*.*")}
    assert {
        *("roles/journal.yaml", "roles/motd.py", "templates/motd.j2"),
        *("checks/root-disk.yaml", "checks/uptime.py"),
    } <= found
    assert page.run("inventory", "check").returncode == 0


def test_its_roles_are_provisioned(page: Project) -> None:
    answer = page.run("provision", "--yes", "-t", "motd", "--overlay", "here.yaml")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert (page.root / "etc/motd").read_text() == "Welcome to tower (debian-12).\n"
    planned = page.run("plan", "-t", "journal", "--overlay", "here.yaml").stdout
    assert "/etc/systemd/journald.conf.d/10-size.conf" in planned
    assert "systemd-journald" in planned


def test_its_checks_are_asked(page: Project) -> None:
    answer = page.run("verify", "--json", "--overlay", "here.yaml")
    results = {o["check"]: o for o in map(json.loads, answer.stdout.splitlines()) if "check" in o}
    disk, uptime = results["root-disk"], results["uptime"]
    assert (disk["verdict"], disk["measured"]) == ("pass", "41 %")
    assert disk["target"] == "below 90 %"
    assert uptime["verdict"] in ("pass", "fail")
    assert uptime["target"] == "1 min"


def test_the_page_about_secrets_has_a_good_inventory(tmp_path: Path) -> None:
    text = (DOCS / "secrets.md").read_text()
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "magnus.yaml").write_text(block)
    inventory = load([tmp_path / "magnus.yaml"])
    assert len(inventory.secrets) == 6
    assert inventory.hosts["tower"].sudo_password == "sudo"

"""What is generated is as the code says, and what is written is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev import reference
from magnusctl.errors import Exit
from magnusctl.inventory import starter
from magnusctl.inventory.validate import load

ROOT = Path(__file__).parent.parent


def test_the_schema_and_the_reference_are_current() -> None:
    again = "generate it again: make docs"
    assert reference.SCHEMA.read_text() == starter.schema_text(), again
    assert reference.REFERENCE.read_text() == reference.reference(), again


def test_every_exit_code_is_documented() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text()
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert documented == {int(code) for code in Exit}


@pytest.mark.parametrize(
    "example", sorted((ROOT / "inventory").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_example_is_right_and_begins_with_its_schema(example: Path) -> None:
    load([example])
    assert example.read_text().startswith("# yaml-language-server: $schema=./schema.json\n")


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_command_of_the_readme_exists() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "magnusctl", "--help"], capture_output=True, text=True, check=True
    ).stdout
    known = set(re.findall(r"^  ([a-z-]+) ", said, re.MULTILINE))
    text = (ROOT / "README.md").read_text()
    assert set(re.findall(r"^\$? ?magnusctl ([a-z-]+)", text, re.MULTILINE)) <= known

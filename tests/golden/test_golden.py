"""The golden files are what is rendered now, and templates hold nothing but text and variables."""

from __future__ import annotations

import filecmp
import re
from pathlib import Path
from typing import Any

import pytest

from magnusctl.builtin import builtin_folder
from magnusctl.inventory.model import Host
from magnusctl.inventory.starter import example_path, examples
from magnusctl.inventory.validate import load
from tests.golden.render import GOLDEN, render

TEMPLATES = sorted(builtin_folder("templates").glob("*/*.j2"))


def kinds_of_hosts() -> list[Any]:
    """Every host of every example, with the cells of the table that its golden files fill."""
    found = []
    for example in examples():
        for name, host in load([example_path(example)]).hosts.items():
            marks = [pytest.mark.covers(role, kind(host), "rendered") for role in host.roles]
            found.append(pytest.param(example, name, marks=marks, id=f"{example}-{name}"))
    return found


def kind(host: Host) -> str:
    """As the table calls it."""
    return "macOS" if host.macos else "Linux"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All examples, rendered now."""
    folder: Path = tmp_path_factory.mktemp("rendered")
    for example in examples():
        render(example, folder / example)
    return folder


@pytest.mark.parametrize(("example", "host"), kinds_of_hosts())
def test_what_is_rendered_is_what_was_reviewed(fresh: Path, example: str, host: str) -> None:
    now, then = fresh / example / host, GOLDEN / example / host
    names = {str(p.relative_to(f)) for f in (now, then) for p in f.rglob("*") if p.is_file()}
    assert names
    wrong = filecmp.cmpfiles(now, then, sorted(names), shallow=False)[1:]
    assert wrong == ([], []), "look at: python -m tests.golden.render; git diff tests/golden"


# Words that a reader needs as they stand: forms of a file, and numbers that a protocol fixes.
FIXED = re.compile(
    r"version: 2|version=\"1\.0\"|PropertyList-1\.0|Pin-Priority: (-1|1001)|OOMScoreAdjust=-900"
    r"|SuccessExitStatus=143|hugepagesz=2M|sport (67|547)|dport (68|546|5353)|224\.0\.0\.251"
    r"|UMask=0027|EXIT|exit \d|HF_HUB_\w+=1|umask 077"
    r"|\w+=[01]( |$)"
    r"|nvidia-modprobe -u -c=0|= 0;|^1;|\$\d|\{\d(,\d)?|\\\d|>&2|2>&1|2>/dev/null"
    r"|1\.[01]"
    r"|allow_unsupported_sfp=1|modeset=0|-m \d+|put 0|:-0|lambda limit: 0|!= 2|UTF-8|inet6?"
    r"|ipv[46](_addr)?|icmpv?6?|admin4|[A-Za-z_]+\d[A-Za-z\d_]*|sub 1|\$\(\(left - 1\)\)|echo 0"
    r"|\" -gt 0|wrong=[01]|640|E402|AF_INET6|return 0|sleep 1|0,1"
    r"|\b(200|403|50[234])\b|\[0\]|< 1:|_exit\(1\)"
)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_number_of_a_template_is_a_variable(template: Path) -> None:
    for number, line in enumerate(template.read_text().splitlines(), start=1):
        bare = line.split("#")[0] if not line.lstrip().startswith("#!") else ""
        bare = "" if line.lstrip().startswith(("#", "//", "<!--", '"""')) else bare
        bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", bare)
        left = re.findall(r"(?<![\w.])\d+", FIXED.sub("", bare))
        assert not left, f"{template}:{number}: {left} in {line.strip()!r}"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_template_has_no_logic_beyond_loops_and_simple_conditions(template: Path) -> None:
    for statement in re.findall(r"\{%-?\s*(.*?)\s*-?%\}", template.read_text()):
        word = statement.split()[0]
        assert word in {"if", "else", "endif", "for", "endfor", "include"}, statement
        assert not re.search(r"\band\b|\bor\b|\bis\b|[=<>]", statement), statement


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_says_who_wrote_it(template: Path) -> None:
    text = template.read_text()
    parts = template.parent.name == "daemon" and template.name.endswith(".conf.j2")
    whole = template.name not in ("hosts.j2", "api-key.j2") and not parts
    assert not whole or "Written by magnusctl from the inventory" in text

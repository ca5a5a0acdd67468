"""V7: whatever is in names and texts, the files get it byte for byte and the terminal never does.

That every single value survives every shell is shown by tests/shells/test_properties.py; here they
go the whole way: inventory, plan, saved plan, job, journal, history, rollback, text and JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from magnusctl.quote import sh
from tests.faults.shown import objects
from tests.faults.site import Ran, Simulated, Site

ODD = (
    *("'", '"', "''\"'\"''", "$(touch oops)", "`touch oops`", "${HOME} $1 $$", "back\\slash\\"),
    *("\\n\\c\\0", " ", " both ends ", "-rf", "--", "-", "=ls", "A=b", "*", "[a-z]?{1,2}~", "!! #"),
    *("a;b&c|d>e<f(g)", "%s%n%%", "{{ x }} {% y %}", "[red]rich", ":smile:", "\u2063"),
    *("ünïcödé ☃ \U0001f600", "\u202eRTL\u202c", "\u2066iso\u2069", "\u200bzero\ufeff", "\u2028"),
    *("\x85\x9b31m", "\u0430dmin", "e\u0301"),
)
"""What a name may be: everything on one line, also what only looks like something else."""
CONTROLS = (
    *("\r", "cr\r\n", "\t", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x08\x08", "\x7f", "\x01"),
    *("two\nlines", "\n\n", "ends in newline\n", "", "\x0b\x0c\x1c\x1d\x1e"),
)
"""What only a text may have as well."""
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What must never reach a terminal as it is; rich's own colours are taken out before."""
COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TEMPLATE = "{% for value in vars.values() %}{{ value }}\n{% endfor %}"


def resources() -> dict[str, Any]:
    """Files, folders and commands that are called, and hold, what is odd."""
    files = {f"/etc/odd/{name}": {"content": f"{name}\n"} for name in ODD}
    files |= {f"/etc/odd/control{n}": {"content": text} for n, text in enumerate(CONTROLS)}
    files["/etc/odd/rendered"] = {"template": "odd.j2"}
    return {
        "directories": {"/etc/odd": {}, **{f"/srv/{name}": {"mode": "0700"} for name in ODD}},
        "files": files,
        "commands": {
            name: {
                "run": f'printf %s {sh(name)} >"$ROOT"/srv/said.{number}',
                "unless": f'[ "$(cat "$ROOT"/srv/said.{number})" = {sh(name)} ]',
            }
            for number, name in enumerate(ODD)
        },
    }


def everything() -> dict[str, bytes]:
    """What every file must hold, byte for byte."""
    held = {f"/etc/odd/{name}": f"{name}\n".encode() for name in ODD}
    held |= {f"/etc/odd/control{n}": text.encode() for n, text in enumerate(CONTROLS)}
    values = (*ODD, *CONTROLS)
    held["/etc/odd/rendered"] = "".join(f"{value}\n" for value in values).encode()
    return held | {f"/srv/said.{n}": name.encode() for n, name in enumerate(ODD)}


@pytest.fixture
def odd(place: Site) -> Iterator[Simulated]:
    """A host for which all of it is declared."""
    values = {f"value{n}": value for n, value in enumerate((*ODD, *CONTROLS))}
    templates = place.server.folder / "templates"
    templates.mkdir(exist_ok=True)
    (templates / "odd.j2").write_text(TEMPLATE)
    name = f"odd{len(list(place.server.folder.glob('hosts/odd*')))}"
    yield place.host(name, resources(), variables={"custom": values})
    assert not list(place.server.folder.rglob("oops"))
    assert not Path("oops").exists()


def assert_seemly(ran: Ran) -> Ran:
    """Nothing that moves a cursor, turns the writing round or is not seen."""
    for text in (ran.stdout, ran.stderr):
        found = RAW.search(COLOUR.sub("", text))
        assert not found, repr(text[max(0, found.start() - 60) : found.end() + 20])
    return ran


def held(host: Simulated) -> dict[str, bytes]:
    return {path: host.path(path).read_bytes() for path in everything() if host.path(path).exists()}


def test_v7_the_whole_way_and_back(odd: Simulated, tmp_path: Path) -> None:
    for words in (("plan",), ("plan", "--diff"), ("plan", "--script"), ("render", tmp_path / "r")):
        assert assert_seemly(odd.run(*map(str, words))).code == 0
    saved = str(tmp_path / "saved.json")
    assert assert_seemly(odd.run("plan", "-o", saved)).code == 0
    done = assert_seemly(odd.run("provision", "--yes", "--plan", saved))
    assert done.code == 0, done.said
    assert held(odd) == everything()
    assert all(odd.path(f"/srv/{name}").is_dir() for name in ODD)
    assert odd.run("plan", "--detailed-exitcode").code == 0
    (job,) = odd.jobs()
    for past in (("jobs",), ("history",), ("history", odd.name), ("attach", odd.name, job)):
        assert assert_seemly(odd.run(*past)).code == 0
    back = assert_seemly(odd.run("rollback", odd.name, "--yes"))
    assert back.code == 0, back.said
    assert not odd.path("/etc/odd").exists()
    assert not any(odd.path(f"/srv/{name}").exists() for name in ODD)


def test_v7_json_has_every_name_as_it_is(odd: Simulated) -> None:
    names = {f"file:/etc/odd/{name}" for name in ODD} | {f"command:{name}" for name in ODD}
    planned = odd.run("plan", "--json", "--diff")
    changes = objects(planned.stdout, "plan")[0]["changes"]
    assert names <= {change["resource"] for change in changes}
    ran = odd.run("provision", "--yes", "--json")
    assert ran.code == 0, ran.said
    (outcome,) = objects(ran.stdout, "outcome")
    assert {outcome["statuses"][name] for name in names} == {"ok"}
    steps = [name for step in objects(ran.stdout, "step") for name in step["resources"]]
    assert names <= set(steps)
    told = odd.run("attach", odd.name, "--json")
    assert names <= {n for step in objects(told.stdout, "step") for n in step["resources"]}
    for line in (odd.state / "audit.jsonl").read_text().splitlines():
        json.loads(line)
    # One object a line, whatever is in it; and no line end that only some programs know.
    assert all(line.startswith("{") for line in ran.stdout.split("\n")[:-1])


def test_v7_in_a_terminal_nothing_of_it_is_raw(odd: Simulated) -> None:
    with odd.start("provision", "--diff", "--yes", terminal=True, TERM="xterm-256color") as run:
        assert run.wait(90) == 0
        shown = run.stdout
    rest = COLOUR.sub("", shown).replace("\r\n", "\n").replace("\r", "")
    found = RAW.search(rest)
    assert not found, repr(rest[max(0, found.start() - 60) : found.end() + 20])
    assert "\\x1b[31mred" in rest
    assert "\\u202eRTL" in rest
    assert held(odd) == everything()


def test_v7_what_a_failing_step_prints_is_shown_and_not_obeyed(place: Site) -> None:
    text = "".join((*ODD, *CONTROLS)).replace("\n", "")
    run = f"printf '%s\\n' {sh(text)}; exit 3"
    host = place.host("odd-words", {"commands": {"x": {"run": run, "unless": "false"}}})
    ran = assert_seemly(host.run("provision", "--yes"))
    assert ran.code == 5
    assert "odd-words: command:x failed" in ran.stdout
    assert "\\x1b]0;title\\x07" in ran.stdout
    assert "[red]rich" in ran.stdout
    assert assert_seemly(host.run("attach", host.name)).code == 5

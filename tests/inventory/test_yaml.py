"""The reader of YAML: plain data, every value with its place, and no file that can hurt."""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml as pyyaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from magnusctl.errors import InputError
from magnusctl.inventory import marks, yaml
from magnusctl.inventory.load import read_documents
from magnusctl.inventory.marks import Document, Mark, Value
from tests.inventory.helpers import ONE_HOST, loaded, refused

DEPTH = 10_000
BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 7)
)
HARMFUL = {
    "alias bomb": BOMB,
    "flow lists": "a: " + "[" * DEPTH + "]" * DEPTH,
    "flow lists that never end": "a: " + "[" * DEPTH,
    "flow mappings": "a: " + "{b: " * DEPTH + "c" + "}" * DEPTH,
    "block lists": "- " * DEPTH + "a",
    "block mappings": "".join(f"{' ' * n}a:\n" for n in range(1000)),
    "block mappings by question marks": "? " * DEPTH + "a",
    "nested through aliases": "a0: &a0 x\n"
    + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, DEPTH)),
}


def data(text: str) -> Value:
    return yaml.read(text, "f.yaml").data


def said(text: str) -> str:
    with pytest.raises(InputError) as caught:
        yaml.read(text, "f.yaml")
    return str(caught.value)


def seconds(work: Callable[[], object]) -> float:
    """Of the processor: others may want it meanwhile."""
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("True", "True"),
        ("NO", "NO"),
        ("0o17", "0o17"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("10:20:30:40:50:16", "10:20:30:40:50:16"),
        ("12:30", "12:30"),
        ("2024-01-31", "2024-01-31"),
        (".inf", ".inf"),
        (".5", ".5"),
        ("1.", "1."),
        ("٣", "٣"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("''", ""),
        ("10.0.0.1", "10.0.0.1"),
        ("24GiB", "24GiB"),
        ("=", "="),
    ],
)
def test_a_plain_word_is_what_yaml_1_2_says(text: str, value: Value) -> None:
    read = data(f"a: {text}\n")
    assert isinstance(read, dict)
    assert (type(read["a"]), read["a"]) == (type(value), value)


@pytest.mark.parametrize("text", ["0644", "007", "-010", "00"])
def test_a_number_with_a_zero_in_front_is_refused_and_its_quotes_are_shown(text: str) -> None:
    assert f"Put it in quotes: '{text}'" in said(f"a: {text}\n")
    assert data(f"a: '{text}'\n") == {"a": text}


def test_a_long_number_keeps_every_digit(tmp_path: Path) -> None:
    inventory = loaded(tmp_path, f"variables: {{custom: {{id: {10**24 + 1}}}}}\n{ONE_HOST}")
    assert inventory.variables.custom["id"] == 10**24 + 1


def test_a_tab_in_the_indentation_is_refused_with_its_place() -> None:
    assert said("a:\n  \tb: 1\n").startswith("f.yaml:2:3: a tab in the indentation")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: |\n  if x\n  \tthen y\n", "if x\n\tthen y\n"),
        ("a: |\n  x\n  \t\n", "x\n\t\n"),
        ("a: b\n  \t# a comment\n", "b"),
        ("a: b\t# a comment\n", "b"),
        ("a:\tb\n", "b"),
    ],
    ids=[
        "in a block text",
        "in its empty line",
        "comment line",
        "before a comment",
        "after a colon",
    ],
)
def test_a_tab_that_is_no_indentation_is_allowed(text: str, value: str) -> None:
    assert data(text) == {"a": value}


def test_every_value_and_key_has_its_place() -> None:
    document = yaml.read("a:\n  - x\n  - {b: y}\nc: 'z'\n", "f.yaml")
    assert document.keys["a",] == Mark("f.yaml", 1, 1)
    assert document.values["a", 0] == Mark("f.yaml", 2, 5)
    assert document.keys["a", 1, "b"] == Mark("f.yaml", 3, 6)
    assert document.values["a", 1, "b"] == Mark("f.yaml", 3, 9)
    assert document.values["c",] == Mark("f.yaml", 4, 4)


def test_an_alias_stands_for_what_its_anchor_holds() -> None:
    assert data("a: &x [1, 2]\nb: *x\n") == {"a": (1, 2), "b": (1, 2)}


def test_the_carets_stand_under_the_value() -> None:
    line, carets = marks.excerpt("  os: amiga", Mark("f", 7, 7), 5).splitlines()
    assert line.index("amiga") == carets.index("^")
    assert carets.count("^") == len("amiga")
    assert line.startswith("    7 │")


def test_an_excerpt_shows_no_control_character() -> None:
    assert "\x1b" not in marks.excerpt("a: \x1b[31m", Mark("f", 1, 4))


def test_the_carets_of_a_long_line_stand_under_what_is_shown() -> None:
    text = f"a: {'x' * 400}, port: 0"
    line, carets = marks.excerpt(text, Mark("f", 1, len(text))).splitlines()
    assert line[carets.index("^")] == "0"


_WORD = st.from_regex(r"[a-zA-Z][a-zA-Z0-9 ./-]{0,12}[a-z]", fullmatch=True).filter(
    lambda text: text.lower() not in {"yes", "no", "on", "off", "true", "false", "null"}
)
_SCALAR = st.one_of(_WORD, st.integers(-(10**18), 10**18), st.booleans(), st.none(), st.text())


@given(st.dictionaries(_WORD, _SCALAR, max_size=8))
def test_a_mapping_of_scalars_reads_as_pyyaml_reads_it(values: dict[str, object]) -> None:
    text = pyyaml.safe_dump(values, allow_unicode=True)
    if not values:
        assert data(text) == {}
    elif any(isinstance(value, str) and "\0" in value for value in values.values()):
        assert "NUL" in said(text)
    else:
        assert data(text) == pyyaml.safe_load(text)


_PIECES = st.lists(
    st.sampled_from(
        [
            *"[]{}:,-?&*!|>'\"%@`#\n \t~<=",
            "a: ",
            "\n  ",
            "&a",
            "*a",
            "<<: ",
            "---\n",
            "...",
            "!!int ",
            "\\",
            "0644",
            "é",
            "\ufeff",
            "\0",
            "\x85",
            "\u2028",
            "\x1b",
            "\r",
        ]
    )
).map("".join)


@settings(max_examples=300)
@given(st.one_of(_PIECES, st.text()))
@example("\0")
@example("%YAML 1.1")
@example('"\\ud800"')
@example("a: " + "9" * 5000)
@example("a: 1e" + "9" * 400)
@example("\x0b\t")
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InputError):
        assert isinstance(yaml.read(text, "f.yaml"), Document)


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL.keys())
def test_a_harmful_text_is_refused_within_a_second(text: str) -> None:
    assert seconds(lambda: said(text)) < 1


@pytest.mark.parametrize("name", ["alias bomb", "flow lists", "nested through aliases"])
def test_a_harmful_text_is_named(name: str) -> None:
    message = said(HARMFUL[name])
    wanted = "aliases expand to more than" if name == "alias bomb" else "nested deeper than"
    assert wanted in message
    assert message.startswith("f.yaml:")


def test_many_small_aliases_are_allowed() -> None:
    text = "a: &a [1, 2, 3]\n" + "".join(f"b{n}: *a\n" for n in range(1000))
    read = data(text)
    assert isinstance(read, dict)
    assert len(read) == 1001


def test_a_harmful_text_takes_little_memory(tmp_path: Path) -> None:
    (tmp_path / "bomb.yaml").write_text(BOMB)
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from magnusctl.errors import InputError; from magnusctl.inventory.load import"
        " read_documents\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_documents([Path(sys.argv[1])])\n"
        "except InputError: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "bomb.yaml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(result.stdout) * unit < 64 * 1024 * 1024


def test_a_file_of_50_mb_is_refused_by_its_size_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 1000 * 1000)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"big\.yaml: larger than 32 MiB"):
        read_documents([path])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1024 * 1024


def many_hosts(count: int) -> str:
    lines = (f"  h{n}: {{os: debian-12, location: row {n}, user: u{n}}}\n" for n in range(count))
    return "hosts:\n" + "".join(lines)


def test_a_large_file_without_aliases_is_read(tmp_path: Path) -> None:
    text = many_hosts(6000)
    assert len(text) > 300_000
    assert len(loaded(tmp_path, text).hosts) == 6000


def test_a_large_overlay_takes_no_longer_than_its_size_asks(tmp_path: Path) -> None:
    text = many_hosts(1200)
    alone = seconds(lambda: loaded(tmp_path, text))
    assert seconds(lambda: loaded(tmp_path, text, text)) < 5 * alone


@pytest.mark.parametrize("name", ["nowhere", "folder"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as caught:
        read_documents([tmp_path / name])
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert ("magnusctl init" in caught.value.hint) == (name == "nowhere")


def test_an_overlay_of_comments_changes_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, ONE_HOST, "# later\n") == loaded(tmp_path, ONE_HOST)


def test_an_overlay_that_is_a_list_is_refused_in_its_own_name(tmp_path: Path) -> None:
    assert refused(tmp_path, ONE_HOST, "- a\n").startswith("1.yaml:1:1: ")


@pytest.mark.parametrize(
    ("overlay", "place"),
    [
        ("hosts:\n  a: {port: 0}\n", "1.yaml:2:13: 'port'"),
        ("\nhosts:\n  a: {prot: 1}\n", "1.yaml:3:7: unknown key 'prot'"),
        ("hosts:\n  b: {user: me}\n", "1.yaml:2:3: 'os' is missing"),
        ("groups:\n  g: {hosts: [z]}\n", "1.yaml:2:15: group g names the host 'z'"),
        ("hosts:\n  a: {os: debian-12\n", "1.yaml:"),
        ("hosts: {a: {os: x}, a: {os: y}}\n", "1.yaml:1:21: duplicate key 'a'"),
    ],
)
def test_a_fault_of_an_overlay_is_placed_in_the_overlay(
    overlay: str, place: str, tmp_path: Path
) -> None:
    assert refused(tmp_path, ONE_HOST, overlay).startswith(place)


def test_a_fault_below_an_overlay_is_placed_in_the_inventory(tmp_path: Path) -> None:
    message = refused(tmp_path, "hosts:\n  a: {os: amiga}\n", "hosts:\n  a: {port: 22}\n")
    assert message.startswith("0.yaml:2:11: unknown os 'amiga'")
    assert "{os: amiga}" in message


def test_a_replaced_list_leaves_no_place_of_the_old_one(tmp_path: Path) -> None:
    below = "hosts:\n  a:\n    os: debian-12\n    roles:\n      - base\n      - network\n"
    message = refused(tmp_path, below, "hosts: {a: {roles: [base, nett]}}\n")
    assert message.startswith("1.yaml:1:27: unknown role 'nett'")

"""Any path, content and value without a NUL arrives byte for byte, in every shell."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from magnusctl.quote import sh
from magnusctl.resources.command import Command
from magnusctl.state import Probe, digest
from tests.shells.hosts import Host, a_block, a_file, leftovers
from tests.shells.shells import run

pytestmark = pytest.mark.shells

# A shell process costs more than a value: each example is a batch of many values.
BOUNDED = settings(
    max_examples=3,
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
NASTY = (
    "'",
    '"',
    "''\"'\"''",
    "$(touch oops)",
    "`touch oops`",
    "$HOME ${x:?} $1 $$",
    "back\\slash\\",
    "\\n\\c\\0",
    "new\nline",
    "ends in newline\n",
    "\n",
    " ",
    "\t\r",
    "-rf",
    "--",
    "-",
    "*",
    "[a-z]?{1,2}~",
    "~root",
    "!! #",
    "a;b&c|d>e<f(g)",
    "=ls",
    "A=b",
    "%s%n%%",
    "ünïcödé ☃ \U0001f600",
    "\u2028\u202e",
    "\x01\x02\x7f\x1b[31m",
)
NOT_UTF_8 = ("\udcff\udcfe", "\udc80", "a\udc81\udc82\udc88b", "\udcc3(")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    st.binary(max_size=40).map(lambda data: _text(data.replace(b"\0", b""))),
    st.text("'\"\\$`\n \t-!*?[]{}()<>|&;#~=%ax", max_size=20),
    st.sampled_from((*NASTY, *NOT_UTF_8)),
)
contents = st.one_of(values, st.binary(max_size=200).map(_text))


def _is_a_name(text: str) -> bool:
    data = os.fsencode(text)
    return data not in {b"", b".", b".."} and b"/" not in data and len(data) < 200


def _for_this_file_system(text: str) -> bool:
    # A Mac's file system holds no name that is not UTF-8.
    return sys.platform != "darwin" or text.isprintable()


names = values.filter(_is_a_name).filter(_for_this_file_system)
FILES = st.lists(st.tuples(st.lists(names, min_size=1, max_size=3), contents), max_size=12)
FIXED = [
    ([name], f"{name}\n")
    for name in (*NASTY, *NOT_UTF_8)
    if _is_a_name(name) and _for_this_file_system(name)
]


@given(drawn=FILES)
@BOUNDED
def test_any_path_and_content_arrive_byte_for_byte(
    host: Host, drawn: Sequence[tuple[Sequence[str], str]]
) -> None:
    _assert_arrive(host, drawn)


def test_the_worst_paths_arrive_byte_for_byte(host: Host) -> None:
    _assert_arrive(host, FIXED)


NUMBERS = itertools.count()


def _assert_arrive(host: Host, drawn: Sequence[tuple[Sequence[str], str]]) -> None:
    files = [a_file("/".join((f"/{next(NUMBERS)}", *parts)), content) for parts, content in drawn]
    for file in files:
        host.path(file.path).parent.mkdir(parents=True)
    assert {seen.answer for seen in host.observe(files).values()} <= {"absent"}
    job = host.provision(*files)
    assert job.ok, (job.output, job.ran.stderr)
    seen = host.observe(files)
    for file in files:
        assert host.path(file.path).read_bytes() == file.data
        state = seen[file.id].state
        assert state is not None
        assert state["content"] == digest(file.data)
    assert not leftovers(host)
    assert not list(host.root.rglob("oops"))


@given(words=st.lists(values, min_size=1, max_size=60))
@BOUNDED
def test_quoted_words_are_the_words(host: Host, words: Sequence[str]) -> None:
    words = [*words, *NASTY, *NOT_UTF_8]
    script = host.root / "script"
    script.write_bytes(os.fsencode(f"printf '%s\\0' {sh(*words)}\n"))
    ran = run([*host.shell.words, str(script)])
    assert ran.stdout == b"".join(os.fsencode(word) + b"\0" for word in words)


@given(lines=st.lists(values.map(lambda text: text.replace("\n", "")), min_size=1, max_size=60))
@BOUNDED
def test_any_line_is_framed_and_read_back(host: Host, lines: Sequence[str]) -> None:
    probe = Probe("lines", sh("printf", "%s\\n", *lines), len(lines), list)
    # Text and bytes are one thing to a shell: what is no UTF-8 must come back as the same bytes.
    assert [os.fsencode(line) for line in host.ask(probe).lines(probe)] == [
        os.fsencode(line) for line in lines
    ]


def _utf_8(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "replace")


@given(drawn=st.lists(values, min_size=1, max_size=6, unique=True))
@BOUNDED
def test_any_label_and_value_of_a_command_is_itself(host: Host, drawn: Sequence[str]) -> None:
    commands = []
    for value in drawn:
        out = f"out.{next(NUMBERS)}"
        write = f'{sh("printf", "%s", value)} >"$ROOT/{out}"'
        label = f"{_utf_8(value)} {out}"
        commands.append(Command(label=label, run=write, unless=f'[ -e "$ROOT/{out}" ]'))
    job = host.provision(*commands)
    assert job.ok, job.output
    for command, value in zip(commands, drawn, strict=True):
        out = command.label.rpartition(" ")[2]
        assert (host.root / out).read_bytes() == os.fsencode(value)


def test_a_label_may_hold_bytes_that_are_no_utf_8(host: Host) -> None:
    made = '"$ROOT/made"'
    assert host.provision(Command(label="\udcff", run=f": >{made}", unless=f"[ -e {made} ]")).ok


LINES = st.lists(values.map(lambda text: text.replace("\n", "")), max_size=12)


@given(drawn=st.lists(st.tuples(LINES, LINES), min_size=1, max_size=6))
@BOUNDED
def test_any_block_leaves_any_rest_of_the_file_as_it_was(
    host: Host, drawn: Sequence[tuple[Sequence[str], Sequence[str]]]
) -> None:
    before, put, remove = {}, [], []
    for theirs, ours in drawn:
        name = f"/etc/{next(NUMBERS)}"
        before[name] = os.fsencode("".join(f"{line}\n" for line in theirs))
        host.write(name, before[name])
        put.append(a_block(name, _utf_8("".join(f"{line}\n" for line in ours))))
        remove.append(a_block(name, ensure="absent"))
    assert host.provision(*put).ok
    for block in put:
        ours_now = f"# magnus begin\n{block.content}# magnus end\n".encode()
        assert host.path(block.path).read_bytes() == before[block.path] + ours_now
    assert host.provision(*remove).ok
    assert {name: host.path(name).read_bytes() for name in before} == before

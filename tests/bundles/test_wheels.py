"""What a lock pins is found on the pages of an index, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl.bundles.wheels import Pin, chosen, links, pins
from magnusctl.errors import InputError

A, B, C = "a" * 64, "b" * 64, "c" * 64
TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "locks"


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        (f"a==1 --hash=sha256:{A}", Pin("a", "1", frozenset({A}))),
        (f"A_b.C==1.0+cu1 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n", None),
        (f"# words\nx[y,z]==2 ; sys_platform == 'linux' --hash=sha256:{A}  # via w\n", None),
    ],
)
def test_a_line_is_a_pin(lock: str, expected: Pin | None) -> None:
    (found,) = pins(lock, "x.txt")
    assert expected in (None, found)
    assert found.name == found.name.lower()
    assert A in found.hashes


def test_markers_make_a_pin_conditional() -> None:
    lock = f"x==2 ; sys_platform == 'linux' --hash=sha256:{A}\ny==2 --hash=sha256:{B}\n"
    assert [one.conditional for one in pins(lock, "x.txt")] == [True, False]


@pytest.mark.parametrize(
    "line",
    [
        "a==1",
        f"a>=1 --hash=sha256:{A}",
        "a==1 --hash=md5:abc",
        f"a==1 --hash=sha256:{A[:-1]}",
        "-r other.txt",
        "--index-url https://packages.invalid/simple",
        f"a @ https://packages.invalid/a.whl --hash=sha256:{A}",
    ],
)
def test_what_pins_nothing_is_refused(line: str) -> None:
    with pytest.raises(InputError, match="cannot be put into a bundle"):
        pins(line, "x.txt")


@pytest.mark.parametrize("name", ["vllm", "mlx", "train"])
def test_our_own_locks_are_read_whole(name: str) -> None:
    text = (TEMPLATES / f"{name}.txt").read_text()
    found = pins(text, name)
    assert len(found) == text.count("==") - text.splitlines()[0].count("==")
    assert sum(len(one.hashes) for one in found) == text.count("--hash=")


def test_both_kinds_of_pages_name_the_same_links() -> None:
    base = "https://packages.invalid/simple/a/"
    file = "a-1-py3-none-any.whl"
    html = f'<a href="../../f/{file}#sha256={A}">x</a><a href="{file}">no digest</a><a>none</a>'
    page = (
        f'{{"files": [{{"filename": "{file}", "url": "../../f/{file}", "hashes": '
        f'{{"sha256": "{A}"}}}}, {{"filename": "a-1.tar.gz", "url": "s", "hashes": '
        f'{{"sha256": "{B}"}}}}, 7, {{}}]}}'
    )
    found = links(page, "application/vnd.pypi.simple.v1+json", base)
    assert found == links(html, "text/html", base)
    assert [one.url for one in found] == [f"https://packages.invalid/f/{file}"]


@pytest.mark.parametrize("name", ["../../x.whl", "/x.whl", "a b.whl", "x.tar.gz", "-\x1b[0m.whl"])
def test_no_name_of_a_page_becomes_a_path(name: str) -> None:
    import json

    page = json.dumps({"files": [{"filename": name, "url": "u", "hashes": {"sha256": A}}]})
    assert links(page, "application/json", "https://packages.invalid/") == ()


@pytest.mark.parametrize("page", ["", "[]", "{}", "[" * 100_000])
def test_a_page_that_is_no_json_is_told(page: str) -> None:
    with pytest.raises(InputError, match="no JSON"):
        links(page, "application/json", "https://packages.invalid/")


def test_wheels_of_musl_stay_where_there_is_another() -> None:
    base, kind = "https://packages.invalid/", "text/html"
    many, musl = (
        "a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
        "a-1-cp312-cp312-musllinux_1_2_x86_64.whl",
    )
    page = f'<a href="{musl}#sha256={A}"></a><a href="{many}#sha256={B}"></a>'
    found = links(page, kind, base)
    assert [one.name for one in chosen(Pin("a", "1", frozenset({A, B, C})), found)] == [many]
    assert [one.name for one in chosen(Pin("a", "1", frozenset({A})), found)] == [musl]
    assert chosen(Pin("a", "1", frozenset({C})), found) == ()

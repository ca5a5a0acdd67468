"""A file comes whole and as declared, in as many requests as that takes, or not at all."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from magnusctl.bundles.fetch import Wanted, fetch, page, shown
from magnusctl.errors import ConflictError, InputError, MagnusError, PreconditionError, Unreachable
from tests.bundles.mirror import Mirror, mirror, sha256

DATA = random.Random(5).randbytes(3 << 20)
PATH = "/a/file.tar.gz"


@pytest.fixture
def server() -> Iterator[Mirror]:
    with mirror() as found:
        yield found


def fetched(server: Mirror, folder: Path, **given: object) -> bytes:
    values = {"url": f"{server.url}{PATH}", "sha256": sha256(DATA), **given}
    return fetch(Wanted(**values), folder, lambda text: None).read_bytes()  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [None, len(DATA)])
def test_what_is_cut_is_gone_on_with(server: Mirror, tmp_path: Path, size: int | None) -> None:
    server.put(PATH, DATA)
    server.cuts[PATH] = [1 << 20, 1 << 19]
    assert fetched(server, tmp_path, size=size) == DATA
    assert server.requests(PATH) == [0, 1 << 20, (1 << 20) + (1 << 19)]


def test_what_is_there_is_not_asked_for(server: Mirror, tmp_path: Path) -> None:
    server.put(PATH, DATA)
    for _ in range(2):
        assert fetched(server, tmp_path) == DATA
    assert server.requests(PATH) == [0]


def test_a_file_in_the_cache_with_other_bytes_is_fetched_anew(
    server: Mirror, tmp_path: Path
) -> None:
    server.put(PATH, DATA)
    (tmp_path / sha256(DATA)).write_bytes(DATA[:-1] + b"x")
    assert fetched(server, tmp_path) == DATA


@pytest.mark.parametrize("size", [None, len(DATA)])
def test_a_part_that_is_whole_already_is_taken(
    server: Mirror, tmp_path: Path, size: int | None
) -> None:
    server.put(PATH, DATA)
    (tmp_path / f"{sha256(DATA)}.part").write_bytes(DATA)
    assert fetched(server, tmp_path, size=size) == DATA


def test_a_part_of_another_file_is_no_beginning_of_this_one(server: Mirror, tmp_path: Path) -> None:
    server.put(PATH, DATA)
    (tmp_path / f"{sha256(DATA)}.part").write_bytes(b"other bytes")
    assert fetched(server, tmp_path) == DATA


def test_other_bytes_are_refused_and_leave_nothing(server: Mirror, tmp_path: Path) -> None:
    server.put(PATH, DATA[:-1] + b"x")
    with pytest.raises(ConflictError, match="is declared"):
        fetched(server, tmp_path)
    assert server.requests(PATH) == [0, 0]
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1])
def test_another_size_is_refused_before_it_is_read(
    server: Mirror, tmp_path: Path, size: int
) -> None:
    server.put(PATH, DATA)
    with pytest.raises(ConflictError, match="are declared"):
        fetched(server, tmp_path, size=size)
    assert not [*tmp_path.iterdir()]


def test_what_is_not_there_says_so(server: Mirror, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="answers 404"):
        fetched(server, tmp_path)


def test_nobody_there_is_told_after_a_bounded_time(tmp_path: Path) -> None:
    with mirror() as gone:
        pass
    with pytest.raises(Unreachable, match="cannot be fetched"):
        fetched(gone, tmp_path)


@pytest.mark.parametrize("url", ["file:///etc/hosts", "ftp://127.0.0.1/a"])
def test_only_the_web_is_fetched_from(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only http"):
        fetch(Wanted(url, "0" * 64), tmp_path, lambda text: None)


def test_a_token_does_not_follow_to_another_origin(server: Mirror, tmp_path: Path) -> None:
    with mirror() as elsewhere:
        server.moved[PATH] = elsewhere.put("/there", DATA)
        assert fetched(server, tmp_path, token="hf_of-nobody") == DATA
    assert [login for _, _, login in server.asked] == ["Bearer hf_of-nobody"]
    assert [login for _, _, login in elsewhere.asked] == [""]


def test_a_token_follows_within_its_origin(server: Mirror, tmp_path: Path) -> None:
    server.moved[PATH] = server.put("/renamed", DATA)
    assert fetched(server, tmp_path, token="hf_of-nobody") == DATA
    assert [login for _, _, login in server.asked] == ["Bearer hf_of-nobody"] * 2


def test_a_login_in_a_url_is_sent_and_never_shown(server: Mirror, tmp_path: Path) -> None:
    server.put(PATH, DATA)
    url = f"{server.url}{PATH}".replace("//", "//me:p%40ss@", 1)
    assert fetched(server, tmp_path, url=url) == DATA
    assert server.asked[0][2] == "Basic bWU6cEBzcw=="
    assert "p%40ss" not in shown(url)


def test_a_page_that_is_not_there_is_none(server: Mirror) -> None:
    assert page(f"{server.url}/simple/nothing/", "text/html") is None


def test_a_refused_login_names_what_to_do() -> None:
    from magnusctl.bundles.fetch import _refused

    found: MagnusError = _refused(403, Wanted("https://hub.invalid/a", "0" * 64, token="t"))
    assert isinstance(found, PreconditionError)
    assert "HF_TOKEN" in found.hint

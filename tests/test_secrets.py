"""Secrets: where they come from, what is said when they do not, and that nothing shows them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from magnusctl import secrets
from magnusctl.errors import InputError
from magnusctl.quote import Secret
from tests.secret_helpers import CANARY, kept, program, refused, run, write

# ---- the type


def test_the_resolver_is_asked_once_however_many_hosts_need_the_value(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    program(tmp_path, "op", f"echo x >>{asked}; sleep 0.2; echo {CANARY}")
    secret = kept(tmp_path, "{op: 'op://vault/item/field'}")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: secret.reveal(), range(16))) == {CANARY}
    assert asked.read_text() == "x\n"


def test_nothing_is_asked_before_the_value_is_needed(tmp_path: Path) -> None:
    assert repr(kept(tmp_path, "{env: NOBODY_SETS_THIS}")) == "(secret one)"


def test_two_secrets_of_one_name_are_the_same() -> None:
    one, again, other = (Secret(name, lambda: CANARY) for name in ("one", "one", "other"))
    assert one == again
    assert len({one, again, other}) == 2
    assert one != "one"


@pytest.mark.parametrize(
    "spec", [CANARY, f"[{CANARY}]", f"{{env: [{CANARY}]}}", f"{{env: 'A={CANARY}'}}", "{env: 51}"]
)
def test_what_is_written_in_the_place_of_a_secret_is_not_repeated(
    spec: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        kept(tmp_path, spec)
    assert str(caught.value).startswith(f"{tmp_path}/0.yaml:1:")
    assert CANARY not in str(caught.value)
    assert "51" not in str(caught.value).replace(str(tmp_path), "")


# ---- where they come from


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ("x", "x"),
        ("x\n", "x"),
        ("x\n\n", "x\n"),
        (" x ", " x "),
        ("a\nb\n", "a\nb"),
        ("ü", "ü"),
        (b"\xff\n", "\udcff"),
        ("x\r\n", "x\r"),
    ],
)
def test_one_newline_at_the_end_is_not_part_of_the_value(
    stored: str | bytes, value: str, tmp_path: Path
) -> None:
    write(tmp_path / "key", stored)
    assert kept(tmp_path, "{file: key}").reveal() == value


def test_a_variable_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGNUS_ONE", CANARY)
    assert kept(tmp_path, "{env: MAGNUS_ONE}").reveal() == CANARY


def test_a_path_is_relative_to_the_inventory_or_to_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write(tmp_path / "home" / "key", "of the home")
    write(tmp_path / "keys" / "key", "of the project")
    assert kept(tmp_path, "{file: ~/key}").reveal() == "of the home"
    assert kept(tmp_path, "{file: keys/key}").reveal() == "of the project"
    assert kept(tmp_path, f"{{file: {tmp_path}/keys/key}}").reveal() == "of the project"


def test_a_stand_in_is_given_the_reference_and_nothing_to_read(tmp_path: Path) -> None:
    said = tmp_path / "said"
    note = f'echo "$*" >{said}; cat >>{said}; env >>{said}; '
    program(tmp_path, "sops", f"{note} echo {CANARY}")
    write(tmp_path / "all.yaml", "encrypted")
    secret = kept(tmp_path, "{sops: all.yaml, key: database.passwords.0}")
    assert secret.reveal() == CANARY
    first, *rest = said.read_text().splitlines()
    assert first == f'--decrypt --extract ["database"]["passwords"][0] {tmp_path}/all.yaml'
    assert CANARY not in "\n".join(rest)
    program(tmp_path, "op", f"{note} echo {CANARY}")
    assert kept(tmp_path, "{op: 'op://vault/item/field'}").reveal() == CANARY
    assert said.read_text().startswith("read op://vault/item/field\n")


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    if not shutil.which("age"):
        pytest.skip("age is not installed")
    run("age-keygen", "-o", str(tmp_path / "identity"))
    public = run("age-keygen", "-y", str(tmp_path / "identity")).strip()
    run("age", "-r", public, "-o", str(tmp_path / "one.age"), said=f"{CANARY}\n")
    return tmp_path / "identity"


def test_a_file_of_age(tmp_path: Path, identity: Path) -> None:
    assert CANARY.encode() not in (tmp_path / "one.age").read_bytes()
    assert kept(tmp_path, "{age: one.age, identity: identity}").reveal() == CANARY


def test_a_file_of_age_that_another_identity_opens(tmp_path: Path, identity: Path) -> None:
    run("age-keygen", "-o", str(tmp_path / "other"))
    error = refused(tmp_path, "{age: one.age, identity: other}")
    assert error.message == "secret one: age ended with exit code 1"
    assert "Is the identity one that it was encrypted for?" in error.hint


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A password store with one entry; gpg's sockets need a short path."""
    if not (shutil.which("pass") and shutil.which("gpg")):
        pytest.skip("pass and gpg are not installed")
    folder = Path(tempfile.mkdtemp(prefix="magnus-pass-"))
    monkeypatch.setenv("GNUPGHOME", str(folder))
    monkeypatch.setenv("PASSWORD_STORE_DIR", str(folder / "store"))
    alone = ("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key")
    run(*alone, "me@example.org", "future-default", "default", "never")
    run("pass", "init", "me@example.org")
    run("pass", "insert", "-m", "cluster/token", said=f"{CANARY}\n")
    yield folder
    run("gpgconf", "--kill", "gpg-agent")
    # The agent takes its sockets away by itself, perhaps just now.
    shutil.rmtree(folder, ignore_errors=True)


def test_an_entry_of_pass(tmp_path: Path, store: Path) -> None:
    assert kept(tmp_path, "{pass: cluster/token}").reveal() == CANARY
    error = refused(tmp_path, "{pass: cluster/other}")
    assert error.message == "secret one: pass ended with exit code 1"
    assert "pass ls" in error.hint


def test_a_key_of_gpg_that_is_not_there_is_a_locked_vault(tmp_path: Path, store: Path) -> None:
    run("gpgconf", "--kill", "gpg-agent")
    shutil.rmtree(store / "private-keys-v1.d")
    assert "its gpg key unlocked?" in refused(tmp_path, "{pass: cluster/token}").hint


# ---- what is said when they do not


def locked(folder: Path) -> None:
    program(folder, "op", f"echo {CANARY}; echo '[ERROR] you are not signed in' >&2; exit 1")


FAULTS: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("{env: NOBODY_SETS_THIS}", lambda _: None, "variable NOBODY_SETS_THIS is not set", "export"),
    ("{env: MAGNUS_EMPTY}", lambda _: None, "it is empty", ""),
    ("{file: key}", lambda _: None, "key cannot be read: No such file", ""),
    ("{file: key}", lambda f: (f / "key").mkdir(), "key cannot be read: Is a directory", ""),
    ("{file: key}", lambda f: write(f / "key", ""), "it is empty", ""),
    ("{file: key}", lambda f: write(f / "key", "\n"), "it is empty", ""),
    ("{file: key}", lambda f: write(f / "key", f"{CANARY}\0"), "it holds a NUL byte", ""),
    ("{file: key}", lambda f: write(f / "key", "x" * (1 << 21)), "longer than 1 MiB", ""),
    ("{file: key}", lambda f: write(f / "key", CANARY, 0o640), "others than", "chmod 600"),
    ("{file: key}", lambda f: write(f / "key", CANARY, 0o604), "others than", "chmod 600"),
    ("{file: ~nobody-here/x}", lambda _: None, "no user of that name", ""),
    ("{age: a, identity: b}", lambda _: None, "a cannot be read: No such file", ""),
    ("{sops: a, key: k}", lambda _: None, "a cannot be read: No such file", ""),
    ("{op: 'op://v/i/f'}", locked, "op ended with exit code 1", "Is 1Password unlocked"),
    ("{op: 'op://v/i/f'}", lambda f: program(f, "op", ":"), "it is empty", ""),
    ("{op: 'op://v/i/f'}", lambda f: program(f, "op", "kill -9 $$"), "exit code -9", ""),
]


@pytest.mark.parametrize(("spec", "prepare", "said", "hint"), FAULTS)
def test_what_cannot_be_had_is_named_and_not_shown(
    spec: str,
    prepare: Callable[[Path], object],
    said: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAGNUS_EMPTY", "")
    prepare(tmp_path)
    error = refused(tmp_path, spec)
    assert said in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("age", "{age: file, identity: file}"),
        ("sops", "{sops: file, key: k}"),
        ("op", "{op: 'op://v/i/f'}"),
        ("pass", "{pass: x}"),
    ],
)
def test_a_program_that_is_missing_is_named_with_how_to_get_it(
    name: str, spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "file", "x")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    error = refused(tmp_path, spec)
    assert error.message == f"secret one: the program {name} is not here"
    assert error.hint.startswith("Install it: ")


def test_a_vault_that_waits_for_nobody_is_given_up_with_all_that_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "WAIT_S", 5)
    program(tmp_path, "op", f"echo {CANARY}; sleep 61.5 & echo $! >{tmp_path}/child; wait")
    error = refused(tmp_path, "{op: 'op://v/i/f'}")
    assert error.message == "secret one: op gave no answer within 5 s"
    assert "unlock" in error.hint
    child = int((tmp_path / "child").read_text())
    _, alive = psutil.wait_procs([p for p in psutil.process_iter() if p.pid == child], timeout=5)
    assert not alive

"""Files that hold secrets: the bytes have the value, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from magnusctl.converge import text_probe
from magnusctl.errors import InputError
from magnusctl.quote import Secret, placeholder, quoted, revealed
from magnusctl.report.describe import text_diff
from magnusctl.resources import LATER, seal, settled
from magnusctl.resources.command import Command
from magnusctl.resources.file import File, apply
from magnusctl.state import ABSENT, Action, Change
from tests.rooted import Project, project
from tests.secret_helpers import held, holding

CANARY = 'canary"5e1f'
SECRETS = "secrets: {api_key: {env: MAGNUS_TEST_KEY}}\n"
FILES = """\
resources:
  files:
    /etc/app.conf: {template: app.j2, mode: '0600'}
    /etc/app.key: {secret: api_key, mode: '0400'}
  commands:
    reload: {run: 'true', restart_on: ['file:/etc/app.key']}
"""
TEMPLATE = "key = {{ secret('api_key') | quoted }}\nname = {{ name }}\n"


def test_the_bytes_have_the_value_and_the_text_has_none() -> None:
    resource = holding(held(CANARY))
    assert resource.data == f"key = {CANARY}\n".encode()
    assert resource.content == "key = \u2063(secret api_key)\u2063\n"
    (step,) = apply([Change(resource, Action.CREATE, ABSENT, resource.state())])
    assert list((step.payload or {}).values()) == [resource.data]
    assert "canary" not in f"{step} {step.script}"


@pytest.mark.parametrize("value", ["plain", 'a"b', "a\\b", "a\nb", "ü", "\udcff"])
def test_a_quoted_secret_is_a_string_of_json(value: str) -> None:
    text = quoted(f"<{placeholder('api_key')}>")
    assert json.loads(revealed(text, [held(value)])) == f"<{value}>"


def test_a_placeholder_for_a_secret_that_is_not_there_never_becomes_bytes() -> None:
    with pytest.raises(KeyError):
        _ = File(path="/etc/x", content=placeholder("other"), mode="0600").data


def test_a_diff_does_not_show_the_text_and_the_host_is_not_asked_for_it() -> None:
    plain, secret = File(path="/etc/plain"), holding(held(CANARY))
    change = Change(secret, Action.UPDATE, {"content": "old"}, secret.state())
    assert text_diff(change, "old") == ["(it holds secrets: its text is not shown)"]
    assert text_probe([plain, secret]).script == "ask_text /etc/plain"


def test_what_a_validator_says_of_a_file_with_secrets_is_not_repeated() -> None:
    for secrets, silent in (((), False), ((held(CANARY),), True)):
        resource = File(path="/etc/x", validator="sshd", mode="0600", secrets=secrets)
        (step,) = apply([Change(resource, Action.CREATE, ABSENT, resource.state())])
        assert (">/dev/null 2>&1" in step.script) == silent


def test_what_restarts_on_a_secret_file_knows_its_inputs_when_they_are_needed() -> None:
    asked: list[str] = []

    def sealed(value: str) -> Command:
        secret = Secret("api_key", lambda: asked.append(value) or value)  # type: ignore[func-returns-value]
        key = holding(secret)
        _, command = seal((key, Command(label="c", run="true", restart_on=(key.id,))))
        assert (command.inputs, asked) == (LATER, [])
        command = settled(command)
        assert asked.pop() == value
        assert isinstance(command, Command)
        return command

    assert sealed("one").inputs != sealed("two").inputs
    assert sealed("one").inputs == sealed("one").inputs != LATER


# ---- templates and modes


@pytest.fixture
def ours(tmp_path: Path) -> Project:
    made = project(tmp_path)
    made.inventory(FILES, SECRETS)
    made.write("templates/app.j2", TEMPLATE)
    return made


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("one\n{{ secret('api_kye') }}\n", "templates/app.j2:2: there is no secret 'api_kye'"),
        ("{{ secret('zzz') }}\n", "Secrets: api_key"),
        ("{{ secret('api_kye') }}\n", "did you mean 'api_key'?"),
        ("{{ secret('api_key') | upper }}\n", "app.j2: a secret was altered by a filter"),
        ("{{ secret('api_key') | tojson }}\n", "a secret was altered by a filter"),
        ("{{ secret('api_key') | urlencode }}\n", "a secret was altered by a filter"),
        ("{{ secret('api_key')[1:] }}\n", "a secret was altered by a filter"),
        ("{{ secret('api_key') | length }}\n", "a secret was altered by a filter"),
    ],
)
def test_a_template_that_cannot_have_its_secret_is_refused(
    template: str, said: str, ours: Project
) -> None:
    ours.write("templates/app.j2", template)
    assert said in ours.refused()


@pytest.mark.parametrize("mode", ["0644", "0640", "0604", "0610"])
def test_a_file_with_a_secret_is_for_its_owner_alone(mode: str, ours: Project) -> None:
    ours.inventory(FILES.replace("0600", mode), SECRETS)
    said = ours.refused()
    assert said.startswith("a: /etc/app.conf holds (secret api_key), so only its owner may read")
    assert f"Its mode is {mode}" in said
    with pytest.raises(InputError):
        File(path="/x", mode=mode, secrets=(held(CANARY),))


def test_a_secret_is_in_no_other_resource(ours: Project) -> None:
    ours.inventory("roles: [other]", SECRETS)
    ours.write(
        "roles/other.py",
        "from magnusctl.resources.command import Command\n"
        "def resources(context):\n"
        "    yield Command(label='x', run=context.render('app.j2'), unless='false')\n",
    )
    said = ours.refused()
    assert "command:x has the secret api_key in 'run'" in said
    assert "in the text of a file only" in said


# ---- the whole way


def everything_but(folder: Path, *known: Path) -> bytes:
    return b"".join(
        path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path not in known
    )


def test_only_the_files_on_the_host_hold_the_value(ours: Project) -> None:
    conf, key = ours.root / "etc/app.conf", ours.root / "etc/app.key"
    said = []
    for words in (
        ("inventory", "check"),
        ("inventory", "show", "--json"),
        ("render", "out"),
        ("plan", "--diff"),
        ("plan", "--diff", "--json"),
        ("plan", "--script"),
        ("provision", "--yes", "--json"),
        ("verify", "--json"),
        ("probe", "--record", "answers"),
    ):
        answer = ours.run(*words, MAGNUS_TEST_KEY=CANARY)
        said.append(answer.stdout + answer.stderr)
        assert "Traceback" not in said[-1]
    assert conf.read_text() == 'key = "canary\\"5e1f"\nname = a\n'
    assert key.read_text() == f"{CANARY}\n"
    assert [path.stat().st_mode & 0o777 for path in (conf, key)] == [0o600, 0o400]
    written = everything_but(ours.folder, conf, key)
    assert b"canary" not in written
    assert b"(secret api_key)" in written  # what was rendered is among it
    assert "canary" not in "".join(said)
    assert "its text is not shown" in "".join(said)
    assert b"canary" in everything_but(ours.folder)


def test_checking_and_rendering_ask_for_no_secret(ours: Project) -> None:
    assert ours.run("inventory", "check").returncode == 0
    assert ours.run("render", "out").returncode == 0
    rendered = (ours.folder / "out/a/etc/app.conf").read_text()
    assert rendered == 'key = "(secret api_key)"\nname = a\n'


def test_a_secret_that_cannot_be_had_stops_the_plan_before_any_host_is_asked(
    ours: Project,
) -> None:
    for words in (("plan",), ("provision", "--yes"), ("verify",)):
        answer = ours.run(*words)
        assert answer.returncode == 2
        assert answer.stdout == ""
        assert answer.stderr.count("variable MAGNUS_TEST_KEY is not set") == 1


def test_a_new_value_changes_the_files_and_runs_what_reads_them(ours: Project) -> None:
    assert ours.run("provision", "--yes", MAGNUS_TEST_KEY="one").returncode == 0
    assert "0 changes" in ours.run("plan", MAGNUS_TEST_KEY="one").stdout
    said = ours.run("plan", MAGNUS_TEST_KEY="two").stdout
    assert "~ file       /etc/app.conf" in said
    assert "~ file       /etc/app.key" in said
    assert "because file:/etc/app.key" in said

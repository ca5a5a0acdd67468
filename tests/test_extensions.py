"""A project's own roles and checks: they work like those that come with magnusctl."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from magnusctl.inventory.rolenames import ROLE_NAMES
from magnusctl.resources.file import File
from magnusctl.roles import ROLES
from magnusctl.state import Resource
from tests.rooted import HEAD, Project, project

MOTD = """\
from magnusctl.resources.file import File

def resources(context):
    yield File(path="/etc/motd", content=f"{context.name}\\n")
"""


@pytest.fixture
def ours(tmp_path: Path) -> Project:
    return project(tmp_path)


def desired(ours: Project, tags: str = "*") -> tuple[Resource, ...]:
    (machine,) = ours.opened(tags).machines
    return machine.desired


# ---- roles


def test_the_names_of_the_built_in_roles_are_theirs() -> None:
    assert tuple(ROLES) == ROLE_NAMES


def test_a_role_in_python_yields_resources_that_carry_its_name(ours: Project) -> None:
    ours.inventory("roles: [motd]")
    ours.write("roles/motd.py", MOTD)
    assert desired(ours) == (File(path="/etc/motd", content="a\n", role="motd"),)
    assert [path.name for path in (ours.folder / "roles").iterdir()] == ["motd.py"]


def test_a_role_in_yaml_is_the_section_resources(ours: Project) -> None:
    ours.inventory("roles: [motd]")
    ours.write("templates/motd.j2", "{{ name }}\n")
    ours.write(
        "roles/motd.yaml",
        "groups: {ops: {}}\nfiles: {/etc/motd: {template: motd.j2}}\nsysctls: {vm.swappiness: 5}\n",
    )
    found = desired(ours)
    assert [resource.id for resource in found] == [
        *("group:ops", "file:/etc/motd", "sysctl:vm.swappiness"),
    ]
    assert {resource.role for resource in found} == {"motd"}


def test_an_empty_role_in_yaml_yields_nothing(ours: Project) -> None:
    ours.inventory("roles: [motd]")
    ours.write("roles/motd.yaml", "# later\n")
    assert desired(ours) == ()


def test_a_role_is_provisioned_like_any_other(ours: Project) -> None:
    ours.inventory("roles: [motd]")
    ours.write("roles/motd.py", MOTD)
    assert ours.run("provision", "--yes").returncode == 0
    assert (ours.root / "etc/motd").read_text() == "a\n"
    assert "0 changes" in ours.run("plan").stdout
    assert "motd" in ours.run("inventory", "show").stdout


def test_a_tag_is_a_role_of_the_project_too(ours: Project) -> None:
    ours.inventory("roles: [motd]\nresources: {files: {/etc/other: {content: x}}}")
    ours.write("roles/motd.py", MOTD)
    assert [resource.id for resource in desired(ours, "motd")] == ["file:/etc/motd"]
    assert [resource.id for resource in desired(ours, "resources")] == ["file:/etc/other"]
    said = ours.run("plan", "-t", "nothing").stderr
    assert (
        "Tags: base, network, storage, cuda, inference, training, trading, motd, resources" in said
    )


def test_no_two_hosts_share_what_a_role_leaves_in_its_module(ours: Project) -> None:
    two = HEAD.format(root=ours.root) + "    roles: [count]\n"
    ours.write("magnus.yaml", two + two.partition("\n")[2].replace("  a:", "  b:"))
    ours.write(
        "roles/count.py",
        "from dataclasses import dataclass\n"
        + MOTD.replace("context.name", "len(seen)").replace("yield", "seen.append(1)\n    yield")
        + "seen = []\n@dataclass\nclass Kept:\n    one: 'int'\n",
    )
    texts = [file.content for m in ours.opened().machines for file in m.desired]  # type: ignore[attr-defined]
    assert texts == ["1\n", "1\n"]


def test_a_role_may_print_and_the_output_stays_what_it_is(ours: Project) -> None:
    ours.inventory("roles: [motd]")
    ours.write("roles/motd.py", MOTD + "    print('here')\n")
    answer = ours.run("inventory", "check", "--json")
    assert json.loads(answer.stdout)["resources"] == {"a": 1}
    assert "here" in answer.stderr


PYTHON_FAULTS = [
    ("x = (\n", "roles/own.py:1: SyntaxError: '(' was never closed"),
    ("\0", "roles/own.py: SyntaxError: source code string cannot contain null bytes"),
    ("import nothing_here\n", "roles/own.py:1: ModuleNotFoundError: No module named"),
    ("raise SystemExit('bye')\n", "roles/own.py:1: SystemExit: bye"),
    ("def resource(context): ...\n", "roles/own.py: it has no 'resources'"),
    ("resources = 5\n", "roles/own.py: 'resources' must be a function, not 5"),
    ("def resources(): ...\n", "roles/own.py: TypeError: resources() takes 0 positional"),
    ("def resources(context):\n    return\n", "roles/own.py: resources() yields nothing"),
    ("def resources(context):\n    yield 1 / 0\n", "roles/own.py:2: ZeroDivisionError: division"),
    (
        "def resources(context):\n    yield from deep()\ndef deep():\n    yield {}['x']\n",
        "roles/own.py:4: KeyError: 'x'",
    ),
    (
        "def resources(context):\n    yield '/etc/motd'\n",
        "2: role own: it yields '/etc/motd', which",
    ),
    (
        "def resources(context):\n    context.host.variables = 1\n    yield 1\n",
        "roles/own.py:2: ValidationError: ",
    ),
    (
        "def resources(context):\n    yield context.render('no.j2')\n",
        "roles/own.py:2: there is no template 'no.j2'",
    ),
]


@pytest.mark.parametrize(("text", "said"), PYTHON_FAULTS)
def test_a_fault_of_a_role_in_python_has_its_line(text: str, said: str, ours: Project) -> None:
    ours.inventory("roles: [own]")
    ours.write("roles/own.py", text)
    assert said in ours.refused()


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ("File(path=5)", "file: 'path' must be text, not 5"),
        ("File(path='etc/x')", "file: 'path' is 'etc/x': expected an absolute path"),
        ("File(path='/a/../b')", "file: 'path' is '/a/../b': expected a plain path"),
        ("File(path='/x', mode=0o644)", "file: 'mode' must be text, not 420"),
        ("File(path='/x', mode='644')", "a mode is four octal digits in quotes"),
        ("File(path='/x', content=b'x')", "file: 'content' must be text, not b'x'"),
        ("File(path='/x', content='a\\0')", "file: 'content' holds a NUL byte"),
        ("File(path='/x', after=['file:/y'])", "'after' must be a tuple of text, not ['file:/y']"),
        ("File(path='/x', after=(1,))", "file: 'after' must be a tuple of text, not (1,)"),
        ("File(path='/x', risk='none')", "file: 'risk' must be Risk, not 'none'"),
        ("Service(unit='x', enabled='yes')", "must be True or False or None, not 'yes'"),
        ("Interface(mac='m', address='a', mtu=True)", "'mtu' must be a whole number, not True"),
        ("Service(unit='')", "service: its name is empty"),
        ("Service(unit='ssh\\nx')", "service: 'unit' is 'ssh\\nx': expected a unit name"),
        ("Service(unit='--no-block')", "'unit' is '--no-block': expected a unit name"),
        ("File(path='/x', owner='--help')", "'owner' is '--help': expected a login name"),
        ("File(path='/x', ensure='maybe')", "'ensure' is 'maybe': Input should be 'present'"),
        ("File(path='/x', validator='none')", "the validators are apt, chrony, netplan"),
        ("File(path='/x', content='\\ud800')", "it holds half a character"),
        ("Command(label='x', run='true')", "command: it needs 'unless' or 'restart_on'"),
        ("Command(label='x', run='', unless='x', seconds=-5)", "'seconds' is -5: Input should be"),
        (
            "Resource()",
            "it yields a resource of the kind ''; the kinds are archive, artifact, block, command",
        ),
    ],
)
def test_a_resource_with_a_wrong_value_is_refused(resource: str, said: str, ours: Project) -> None:
    ours.inventory("roles: [own]")
    ours.write(
        "roles/own.py",
        "from magnusctl.resources.command import Command\n"
        "from magnusctl.resources.file import File\n"
        "from magnusctl.resources.interface import Interface\n"
        "from magnusctl.resources.service import Service\n"
        f"from magnusctl.state import Resource\ndef resources(context):\n    yield {resource}\n",
    )
    answer = ours.refused()
    assert answer.startswith("roles/own.py:7: role own: ")
    assert said in answer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file: {}\n", "roles/own.yaml:1:1: unknown key 'file'"),
        ("file: {}\n", "did you mean 'files'?"),
        ("files:\n  /x: {content: 5}\n", "roles/own.yaml:2:17: 'content' must be text, not 5"),
        ("files:\n  /x: {}\n", "roles/own.yaml:2:3: /x needs either 'content' or 'template'"),
        ("files:\n  /x: {secret: one}\n", "2:16: /x names the secret 'one', which does not"),
        ("a: &a [*a]\n", "roles/own.yaml:1:"),
        ("[]\n", "roles/own.yaml:1:1: a role must be keys and values, not a list"),
    ],
)
def test_a_fault_of_a_role_in_yaml_has_its_place(text: str, said: str, ours: Project) -> None:
    ours.inventory("roles: [own]")
    ours.write("roles/own.yaml", text)
    assert said in ours.refused()


def test_a_traceback_is_shown_only_when_it_is_asked_for(ours: Project) -> None:
    ours.inventory("roles: [own]")
    ours.write("roles/own.py", "def resources(context):\n    yield 1 / 0\n")
    answer = ours.run("inventory", "check")
    assert answer.returncode == 2
    place = f"{ours.folder}/roles/own.py:2"
    assert f"{place}: ZeroDivisionError: division by zero" in answer.stderr
    assert "Traceback" not in answer.stderr
    for answer in (
        ours.run("--debug", "inventory", "check"),
        ours.run("inventory", "check", MAGNUS_DEBUG="1"),
    ):
        assert "    yield 1 / 0\n" in answer.stderr


@pytest.mark.parametrize("name", ["base", "trading", "resources"])
def test_a_role_cannot_have_the_name_of_one_that_there_is(name: str, ours: Project) -> None:
    ours.write(f"roles/{name}.yaml", "")
    said = ours.refused()
    assert f"roles/{name}.yaml: '{name}' is the name of one that comes with magnusctl" in said


def test_a_role_is_in_one_file(ours: Project) -> None:
    ours.write("roles/own.py", MOTD)
    ours.write("roles/own.yaml", "")
    assert "roles/own.yaml: 'own' is also in own.py" in ours.refused()


def test_what_is_no_role_is_let_alone(ours: Project) -> None:
    for name in ("_shared.py", "README.md", "common/tasks/main.yml", "two words.py", "x.yml"):
        ours.write(f"roles/{name}", "not [ python: nor } yaml")
    ours.write("roles/unused.py", "raise SystemExit")
    assert desired(ours) == ()


@pytest.mark.parametrize(("role", "meant"), [("moth", "motd"), ("netwrok", "network")])
def test_the_nearest_role_is_named_whoever_it_is_of(role: str, meant: str, ours: Project) -> None:
    ours.inventory(f"roles: [{role}]")
    ours.write("roles/motd.py", MOTD)
    said = ours.refused()
    assert said.startswith(f"magnus.yaml:8:13: unknown role '{role}'")
    assert f"did you mean '{meant}'?" in said


def test_an_inventory_in_its_folder_has_the_roles_above_it(ours: Project) -> None:
    ours.inventory("roles: [motd]")
    (ours.folder / "inventory").mkdir()
    (ours.folder / "magnus.yaml").rename(ours.folder / "inventory" / "magnus.yaml")
    ours.write("roles/motd.py", MOTD)
    assert ours.run("inventory", "check").returncode == 0

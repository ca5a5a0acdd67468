"""The rules that keep the design straight: imports go one way, pure modules do no I/O."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "magnusctl"

# From the bottom up: a module imports from its own layer or from one further down.
LAYERS = (
    ("errors", "state", "quote", "whole", "builtin", "parsers", "fit", "gguf", "causes"),
    ("inventory", "report", "catalogue"),
    ("plan", "resources", "render", "secrets", "userfile", "windows", "modellock", "hub"),
    (
        *("answers", "bootstrap", "undo", "roles", "checks", "extensions", "facts", "rendered"),
        *("placement", "remedies", "engines", "releases"),
    ),
    ("script", "stages", "job", "records", "ended", "ending"),
    (
        "transport",
        "report.describe",
        "report.text",
        "report.progress",
        "report.live",
        "report.jsonl",
        "report.past",
        "report.verified",
        "report.fitted",
        "report.links",
        "report.drawing",
        "report.page",
        "report.junit",
        "disruptions",
        "protection",
    ),
    ("audit", "errand", "place", "asking", "following", "savedplan", "parallel"),
    (
        "converge",
        "leftalone",
        "run",
        "rebooting",
        "provision",
        "fleet",
        "verify",
        "linktests",
        "speaking",
        "measures",
        "proof",
        "trust",
        "rollback",
        "attending",
        *("fitting", "fitbatch", "recordedmemory", "pushing"),
    ),
    ("demo", "deploying", "bundles"),
    ("cli", "__main__"),
)
PURE = (
    "errors",
    "state",
    "quote",
    "plan",
    "facts",
    "windows",
    "disruptions",
    "protection",
    "report",
    "report.describe",
    "report.past",
    "report.verified",
    "report.fitted",
    "report.deployed",
    "report.links",
    "report.drawing",
    "report.page",
    "report.junit",
    "causes.*",
    "engines.*",
    "releases.*",
    "fit.*",
    "gguf.facts",
    "gguf.fields",
    "gguf.headers",
    "gguf.quants",
    "catalogue.entries",
    "placement.*",
    "remedies",
    "parsers.*",
    "answers",
    "bootstrap",
    "undo",
    "stages",
    "job",
    "records",
    "ended",
    "ending",
    "inventory.model",
    "inventory.fields",
    "inventory.units",
    "inventory.windows",
    "inventory.protection",
    "inventory.checkspec",
    "inventory.providers",
    "inventory.rolenames",
    "inventory.secrecy",
    "inventory.ranges",
    "inventory.select",
    "inventory.show",
    "inventory.yaml",
    "inventory.marks",
    "inventory.syntax",
    "inventory.findings",
    "inventory.references",
    "inventory.variables",
    "inventory.specs",
    "transport.known_hosts",
    "checks.*",
    "roles.*",
    "resources.*",
)
IMPURE_IMPORTS = {
    *("paramiko", "fabric", "subprocess", "socket", "typer", "rich", "threading", "os", "sys"),
    *("time", "pathlib", "secrets", "random", "tempfile", "shutil", "select"),
}
HEAVY = {"fabric", "paramiko", "jinja2", "pydantic", "rich", "yaml", "jc", "huggingface_hub"}


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__") or "__init__"
        found[name] = path
    return found


def layer(module: str) -> int:
    for depth in range(module.count(".") + 1):
        name = module.rsplit(".", depth)[0]
        for number, names in enumerate(LAYERS):
            if name in names:
                return number
    raise AssertionError(f"{module} belongs to no layer: add it to LAYERS")


def imports(path: Path) -> Iterator[str]:
    """Every imported name, those inside functions too, but not those for type checkers only."""
    tree = ast.parse(path.read_text())
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            skipped |= {child for statement in node.body for child in ast.walk(statement)}
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(name: str, known: dict[str, Path]) -> str | None:
    """The module of ours that an imported name means."""
    if not name.startswith("magnusctl"):
        return None
    short = name.removeprefix("magnusctl").lstrip(".")
    while short and short not in known:
        short = short.rpartition(".")[0]
    return short or None


MODULES = modules()


@pytest.mark.parametrize("module", [name for name in MODULES if name != "__init__"])
def test_imports_go_down_only(module: str) -> None:
    for name in imports(MODULES[module]):
        target = own(name, MODULES)
        if target:
            assert layer(target) <= layer(module), f"{module} imports {target}, which is above it"


def is_pure(module: str) -> bool:
    return module in PURE or any(
        pattern.endswith(".*") and f"{module}.".startswith(pattern[:-1]) for pattern in PURE
    )


@pytest.mark.parametrize("module", [name for name in MODULES if is_pure(name)])
def test_pure_modules_do_no_io(module: str) -> None:
    found = {name.split(".")[0] for name in imports(MODULES[module])}
    assert not found & IMPURE_IMPORTS
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}
    # Times are values like any other; what time it is, is not.
    methods = {
        node.func.attr
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not methods & {"now", "utcnow", "today"}


def test_every_pure_name_exists() -> None:
    for name in PURE:
        assert name.removesuffix(".*") in MODULES


@pytest.mark.parametrize("module", MODULES)
def test_files_stay_small(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) <= 300


def loaded_by(*arguments: str) -> set[str]:
    code = (
        "import sys\nsys.argv = ['magnusctl', *sys.argv[1:]]\n"
        "import os\nos._exit = lambda code: (_ for _ in ()).throw(SystemExit(code))\n"
        "import magnusctl.__main__ as m\n"
        "try: m.main()\nexcept SystemExit: pass\n"
        "print('LOADED', *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(answer.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ()])
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not loaded_by(*arguments) & HEAVY


def test_checking_an_inventory_loads_no_ssh() -> None:
    example = str(PACKAGE.parent / "inventory" / "magnus.yaml")
    loaded = loaded_by("inventory", "check", "-i", example)
    assert "pydantic" in loaded
    assert not loaded & {"fabric", "paramiko"}

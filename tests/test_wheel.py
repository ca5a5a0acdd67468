"""The wheel carries everything: installed alone, it renders every role of every example."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.installed import UV_PROGRAM, kept

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "inventory").glob("*.yaml"))


def run(*command: str | Path, cwd: Path) -> str:
    clean = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8"}
    for name in ("PIP_INDEX_URL", "PIP_CERT", "UV_DEFAULT_INDEX", "SSL_CERT_FILE", "UV_CACHE_DIR"):
        if name in os.environ:
            clean[name] = os.environ[name]
    # A home of its own has no cache: what was fetched once is not fetched by every run.
    clean = {"UV_CACHE_DIR": str(kept() / "uv"), "UV_HTTP_TIMEOUT": "180", **clean}
    answer = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with only the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    if not UV_PROGRAM.exists():
        pytest.skip("uv is not in this environment: make test installs it")
    run(UV_PROGRAM, "build", "-q", "--wheel", "--out-dir", folder, ROOT, cwd=folder)
    wheel = next(folder.glob("*.whl"))
    run(UV_PROGRAM, "venv", "-q", "--python", sys.executable, "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    run(UV_PROGRAM, "pip", "install", "-q", "--python", python, wheel, cwd=folder)
    return folder


def test_every_role_of_every_example_renders(installed: Path) -> None:
    program = installed / "env" / "bin" / "magnusctl"
    assert EXAMPLES
    for example in EXAMPLES:
        out = installed / "out" / example.stem
        said = run(program, "render", out, "-i", example, cwd=installed)
        assert "wrote" in said
    sshd = installed / "out/magnus/rtx3090/etc/ssh/sshd_config.d/10-magnus.conf"
    assert "AllowGroups magnus-ssh" in sshd.read_text()
    assert (installed / "out/magnus/linode/etc/security/limits.d/90-magnus-trading.conf").exists()


def test_the_demo_runs_from_the_wheel(installed: Path) -> None:
    said = run(installed / "env" / "bin" / "magnusctl", "demo", cwd=installed)
    assert "0 changes: 4 hosts as declared." in said
    assert "SIMULATED" in said


def test_nothing_of_the_checkout_is_needed(installed: Path) -> None:
    names = zipfile.ZipFile(next(installed.glob("*.whl"))).namelist()
    assert "magnusctl/prelude.sh" in names
    assert "magnusctl/templates/base/sshd.conf.j2" in names
    assert "magnusctl/examples/magnus.yaml" in names
    assert not [name for name in names if name.startswith("tests/")]

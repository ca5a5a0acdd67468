"""Lock the Python environments of engines: `python -m dev.locks [NAME...]`.

Each lock is for one platform and one Python: the wheels that uv would take there, by their hashes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCKS = Path(__file__).parent.parent / "templates" / "locks"
PYTHON = "3.12"


@dataclass(frozen=True)
class Environment:
    """What is wanted, and for which platform."""

    wanted: tuple[str, ...]
    platform: str
    target: str = ""
    """macOS: the oldest version that wheels are for."""


ENVIRONMENTS = {
    "vllm": Environment(("vllm==0.32.0",), "x86_64-manylinux_2_39"),
    "mlx": Environment(("mlx-lm==0.32.2",), "aarch64-apple-darwin", "15.0"),
    "train": Environment(
        ("trl==1.16.0", "peft==0.21.2", "transformers==5.23.0", "bitsandbytes==0.50.2", "torch"),
        "x86_64-manylinux_2_39",
    ),
}


def compiled(environment: Environment) -> dict[str, Any]:
    """What uv resolves, as a pylock document."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, found = Path(folder, "wanted.in"), Path(folder, "pylock.found.toml")
        wanted.write_text("".join(f"{line}\n" for line in environment.wanted))
        command = ["uv", "pip", "compile", "-q", "--no-config", "--only-binary", ":all:"]
        command += ["--python-version", PYTHON, "--python-platform", environment.platform]
        target = {"MACOSX_DEPLOYMENT_TARGET": environment.target} if environment.target else {}
        command += [str(wanted), "-o", str(found)]
        subprocess.run(command, check=True, env={**os.environ, **target})
        return tomllib.loads(found.read_text())


def lock(environment: Environment) -> str:
    """The lock as uv and pip read it."""
    lines = [
        f"# {', '.join(environment.wanted)} for {environment.platform}, Python {PYTHON}.",
        "# Made by dev/locks.py. Nothing without a hash of this file is installed.",
    ]
    for package in compiled(environment)["packages"]:
        hashes = sorted(f"--hash=sha256:{w['hashes']['sha256']}" for w in package["wheels"])
        lines += [f"{package['name']}=={package['version']} \\"]
        lines += [f"    {one} \\" for one in hashes[:-1]] + [f"    {hashes[-1]}"]
    return "\n".join([*lines, ""])


def main() -> None:
    """Write the locks that are named, or all."""
    for name in sys.argv[1:] or ENVIRONMENTS:
        (LOCKS / f"{name}.txt").write_text(lock(ENVIRONMENTS[name]))


if __name__ == "__main__":
    main()

"""Secrets of an inventory from text, and the programs that keep them."""

from __future__ import annotations

import os
import subprocess
import traceback
from pathlib import Path

import pytest

from magnusctl import secrets
from magnusctl.errors import Exit, InputError
from magnusctl.quote import Secret, placeholder
from magnusctl.resources.file import File
from tests.inventory.helpers import loaded

CANARY = "canary-5e1f"


def kept(folder: Path, spec: str) -> Secret:
    """The secret `one` of an inventory in this folder."""
    inventory = loaded(folder, f"secrets: {{one: {spec}}}\nhosts: {{a: {{os: debian-12}}}}\n")
    return secrets.secrets_of(inventory, folder)["one"]


def refused(folder: Path, spec: str) -> InputError:
    with pytest.raises(InputError) as caught:
        kept(folder, spec).reveal()
    error = caught.value
    assert error.exit_code == Exit.INPUT
    assert error.message.startswith("secret one: ")
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    said = "".join(told.format())
    assert "magnusctl/secrets.py" in said
    assert CANARY not in f"{said}{error!r}{error.__context__!r}{error.__cause__!r}"
    return error


def write(path: Path, data: str | bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    path.chmod(mode)
    return path


def run(*words: str, said: str = "", **environment: str) -> str:
    answer = subprocess.run(
        words,
        input=said,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    return answer.stdout


def program(folder: Path, name: str, text: str) -> None:
    """A stand-in: what runs under the program's name is called SIMULATED."""
    path = write(folder / "bin" / f"SIMULATED-{name}", f"#!/bin/sh\n{text}\n", 0o700)
    (folder / "bin" / name).symlink_to(path)


def held(value: str) -> Secret:
    return Secret("api_key", lambda: value)


def holding(secret: Secret) -> File:
    content = f"key = {placeholder('api_key')}\n"
    return File(path="/etc/x", content=content, mode="0600", secrets=(secret,))

"""P14: a server that knows no strict key exchange, as OpenSSH before 9.6, is named by verify."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from magnusctl.demo.stage import Stage
from tests.demo.conftest import Run

WARNS = "no strict key exchange with rtx3090 (Terrapin)"
# Python reads it when it starts: the server is then one that does not offer it.
OLD = """
import functools
import paramiko
old = functools.partialmethod(paramiko.Transport.__init__, strict_kex=False)
paramiko.Transport.__init__ = old
"""


@pytest.fixture
def old(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that are started from now on are old ones."""
    folder = tmp_path_factory.mktemp("old")
    Path(folder, "sitecustomize.py").write_text(OLD)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def verified(magnusctl: Run) -> list[dict[str, str]]:
    """The checks of rtx3090; this side is the Paramiko of today."""
    said = magnusctl("verify", "-l", "rtx3090", "--json", PYTHONPATH="").stdout
    return [line for line in map(json.loads, said.splitlines()) if line["type"] == "check"]


@pytest.mark.usefixtures("old")
def test_p14_a_server_without_strict_key_exchange_is_named(on: Stage, magnusctl: Run) -> None:
    found = [check for check in verified(magnusctl) if check["check"] == "ssh"]
    assert [(check["verdict"], check["measured"]) for check in found] == [("warn", WARNS)]
    assert "Upgrade OpenSSH" in found[0]["remedy"]
    assert on.root("rtx3090").exists()


def test_p14_of_a_server_of_today_nothing_is_said(magnusctl: Run) -> None:
    checks = verified(magnusctl)
    assert checks
    assert not [check for check in checks if check["check"] == "ssh"]

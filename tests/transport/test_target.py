"""Where a host is reached: the user's ssh_config means what it means to ssh."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from magnusctl.errors import InputError
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.validate import load
from magnusctl.transport.keys import usable
from magnusctl.transport.target import Target, target

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh here")

CONFIG = """\
Include {folder}/more
Host gpu
  HostName 192.0.2.7
  Port 2200
  User me
  HostKeyAlias the-gpu
  UserKnownHostsFile {folder}/one {folder}/two
Host behind
  ProxyJump ann@bastion:2022
Host behind-alias
  ProxyJump stone
Host stone
  HostName 192.0.2.33
  Port 2033
  ProxyCommand nc -q0 %h %p
Host odd
  IdentityFile {folder}/id_%h_%r
  IdentityFile ${{MAGNUS_KEYS}}/key
  RevokedHostKeys {folder}/%n.revoked
  IdentityAgent none
  User ann
Host ring-a
  ProxyJump ring-b
Host ring-b
  ProxyJump ring-a
Host *
  IdentitiesOnly yes
"""


def inventory(folder: Path, **ssh: Any) -> Inventory:
    (folder / "more").write_text("Host included\n  HostName 192.0.2.9\n")
    (folder / "config").write_text(CONFIG.format(folder=folder))
    lines = [f"      {key}: {value}\n" for key, value in ssh.items()]
    plain = f"    os: debian-12\n    ssh:\n      config: {folder}/config\n"
    names = ("gpu", "behind", "behind-alias", "included", "odd", "ring-a", "ring-b")
    hosts = "".join(f"  {name}:\n{plain}{''.join(lines)}" for name in names)
    hosts += f"  plain:\n{plain}"
    path = folder / "magnus.yaml"
    path.write_text(f"hosts:\n{hosts}")
    return load([path])


@needs_ssh
def test_the_ssh_config_of_the_user_counts(tmp_path: Path) -> None:
    found = target(inventory(tmp_path), "gpu")
    assert (found.address, found.port, found.user) == ("192.0.2.7", 2200, "me")
    assert found.key_name == "the-gpu"
    assert found.known_hosts[:2] == (tmp_path / "one", tmp_path / "two")
    assert not found.agent


@needs_ssh
def test_includes_are_followed(tmp_path: Path) -> None:
    assert target(inventory(tmp_path), "included").address == "192.0.2.9"


@needs_ssh
def test_a_proxy_jump_becomes_a_hop(tmp_path: Path) -> None:
    hop = target(inventory(tmp_path), "behind").jump
    assert hop
    assert (hop.address, hop.user, hop.port) == ("bastion", "ann", 2022)


@needs_ssh
def test_a_hop_is_looked_up_in_the_same_config(tmp_path: Path) -> None:
    hop = target(inventory(tmp_path), "behind-alias").jump
    assert hop
    assert (hop.address, hop.port) == ("192.0.2.33", 2033)
    assert hop.proxy_command == "nc -q0 192.0.2.33 2033"


@needs_ssh
def test_tokens_and_variables_mean_what_they_mean_to_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGNUS_KEYS", str(tmp_path))
    for name in ("id_odd_ann", "key"):
        (tmp_path / name).touch()
    found = target(inventory(tmp_path), "odd")
    assert found.identities == (tmp_path / "id_odd_ann", tmp_path / "key")
    assert found.revoked_keys == tmp_path / "odd.revoked"


@needs_ssh
def test_no_agent_is_not_the_usual_agent(tmp_path: Path) -> None:
    hosts = inventory(tmp_path)
    assert target(hosts, "odd").agent_socket is None
    assert target(hosts, "gpu").agent_socket == ""
    assert list(usable(target(hosts, "odd"), [])) == []


@needs_ssh
def test_a_jump_of_the_inventory_beats_the_config(tmp_path: Path) -> None:
    hop = target(inventory(tmp_path, jump="plain"), "behind").jump
    assert hop
    assert hop.host == "plain"


@needs_ssh
def test_several_jumps_are_a_chain(tmp_path: Path) -> None:
    hop: Target | None = target(inventory(tmp_path, jump="'a@one,b@two:2022'"), "gpu").jump
    assert hop
    assert (hop.address, hop.port) == ("two", 2022)
    assert hop.jump
    assert hop.jump.address == "one"


@needs_ssh
def test_jumps_in_a_circle_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="circle: ring-a → ring-b → ring-a"):
        target(inventory(tmp_path), "ring-a")


def test_without_a_config_only_the_inventory_counts(tmp_path: Path) -> None:
    path = tmp_path / "magnus.yaml"
    path.write_text(
        "hosts:\n  gpu: {os: debian-12, address: 192.0.2.1, port: 9, user: u, ssh: {config: none,"
        f" identity: {tmp_path}/key, known_hosts: {tmp_path}/known}}}}\n"
    )
    found = target(load([path]), "gpu")
    assert (found.address, found.port, found.user) == ("192.0.2.1", 9, "u")
    assert found.identities == (tmp_path / "key",)
    assert found.known_hosts == (tmp_path / "known",)

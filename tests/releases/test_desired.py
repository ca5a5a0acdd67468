"""A release as resources, for each engine and each kind of host of the examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from magnusctl.quote import secrets_in
from magnusctl.releases.desired import start_seconds
from magnusctl.releases.record import parse
from magnusctl.resources.file import File
from magnusctl.resources.release import Release
from tests.deploying.scenes import (
    ALL,
    INVENTORY,
    LLAMA,
    MLX,
    OLLAMA,
    PLIST,
    UNIT,
    VLLM,
    file_of,
    prepared,
    ready,
    unit_of,
)

KEY = "sk-never-shown"
LINUX_FRONT = [
    "command:nginx starts no web server of its own",
    "package:curl",
    "package:nginx",
    "directory:/etc/magnus",
    "directory:/etc/magnus/front",
    "file:/etc/magnus/front/nginx.conf",
    "file:/etc/magnus/front/{model}.server",
    "file:/etc/systemd/system/magnus-front.service",
    "service:magnus-front",
]
MAC_FRONT = [
    "package:nginx",
    "directory:/etc/magnus",
    "directory:/etc/magnus/front",
    "directory:/var/magnus/front",
    "file:/etc/magnus/front/nginx.conf",
    "file:/etc/magnus/front/{model}.server",
    "file:/Library/LaunchDaemons/net.magnus.front.plist",
    "launchd:net.magnus.front",
]
KEPT = [
    "directory:/var/lib/magnus/models",
    "directory:/var/lib/magnus/models/{model}",
    "directory:/var/lib/magnus/models/{model}/r1",
]
LAST = [
    "file:/var/lib/magnus/models/{model}/r1/how",
    "file:/var/lib/magnus/models/{model}/r1/record",
    "release:{model}",
]
IDS: dict[tuple[str, str], list[str]] = {
    VLLM: [
        *LINUX_FRONT,
        "directory:/srv/models/store",
        "artifact:{artifact}",
        *KEPT,
        "directory:/etc/magnus/releases",
        "file:/etc/magnus/releases/{model}-r1.yaml",
        "file:/etc/magnus/releases/{model}-r1.env",
        f"file:{UNIT}",
        *LAST,
    ],
    LLAMA: [
        *LINUX_FRONT,
        "directory:/srv/models/store",
        "artifact:{artifact}",
        *KEPT,
        f"file:{UNIT}",
        *LAST,
    ],
    MLX: [
        *MAC_FRONT,
        "directory:/var/magnus/store",
        "artifact:{artifact}",
        *KEPT,
        f"file:{PLIST}",
        *LAST,
    ],
    OLLAMA: [
        *LINUX_FRONT,
        *KEPT,
        "directory:/etc/magnus/releases",
        "command:ollama pulls llama3.2:3b",
        "file:/etc/magnus/releases/{model}-r1.modelfile",
        *LAST,
    ],
}
# Bytes at a quarter of the disk's rate, twice, and what the engine compiles.
SECONDS = {VLLM: 460, LLAMA: 484, MLX: 159, OLLAMA: 68}
COMMON = {"KIND": "chat", "SPEAK": "120", "LOG": "-", "PLIST": "-", "DRIVER": "-", "MODELFILE": "-"}
OWN = {"ADDRESS": "127.0.0.1", "PORT": "18100"}
HOW: dict[tuple[str, str], Mapping[str, str]] = {
    VLLM: {
        **COMMON,
        **OWN,
        "UNIT": "magnus-release-primary-r1.service",
        "PROGRAM": "/opt/magnus/venvs/vllm/bin/vllm",
        "FRONT": "10.0.0.2:8000",
        "MODEL": "primary",
        "HEALTH": "/health",
        "KEY": "env:/etc/magnus/releases/primary-r1.env",
        "MEMORY": "cuda",
        "RESIDENT": "8500000000",
        "FLOOR": "45.00",  # the target of the inventory
        "SECONDS": "460",
    },
    LLAMA: {
        **COMMON,
        **OWN,
        "UNIT": "magnus-release-mixtral-r1.service",
        "PROGRAM": "/opt/magnus/llama.cpp/llama-server",
        "FRONT": "127.0.0.1:9931",
        "MODEL": "mixtral",
        "HEALTH": "/health",
        "KEY": "plain:/etc/magnus/llamacpp/api-key",
        "MEMORY": "process",
        "RESIDENT": "22525000000",
        "FLOOR": "0.00",  # nobody knows how fast eight shared cores are
        "SECONDS": "484",
    },
    MLX: {
        **COMMON,
        **OWN,
        "UNIT": "net.magnus.release.complex.r1",
        "PLIST": PLIST,
        "PROGRAM": "/opt/magnus/venvs/mlx/bin/python",
        "FRONT": "10.0.0.1:8081",
        "MODEL": "complex",
        "HEALTH": "/v1/models",
        "KEY": "-",
        "MEMORY": "process",
        "RESIDENT": "26350000000",
        "FLOOR": "2.90",  # 0.4 of 7.26
        "SECONDS": "159",
        "LOG": "/var/log/magnus/net.magnus.release.complex.r1.log",
    },
    OLLAMA: {
        **COMMON,
        "ADDRESS": "127.0.0.1",
        "PORT": "11434",
        "UNIT": "ollama.service",
        "PROGRAM": "/opt/magnus/ollama/bin/ollama",
        "DRIVER": "ollama",
        "MODELFILE": "/etc/magnus/releases/fast-r1.modelfile",
        "FRONT": "127.0.0.1:9100",
        "MODEL": "fast:r1",
        "HEALTH": "/api/version",
        "KEY": "-",
        "MEMORY": "cuda",
        "RESIDENT": "1709808537",
        "FLOOR": "88.62",
        "SECONDS": "68",
    },
}
every = pytest.mark.parametrize("case", ALL, ids="-".join)


@pytest.fixture(autouse=True)
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets of the examples have a value that no text may hold."""
    monkeypatch.setenv("MAGNUS_VLLM_KEY", KEY)
    monkeypatch.setenv("MAGNUS_LLAMA_KEY", KEY)


@every
def test_a_release_stands_on_these_in_this_order(case: tuple[str, str]) -> None:
    found = ready(case)
    artifact = found.artifact.path if found.artifact else ""
    wanted = [one.format(model=case[1], artifact=artifact) for one in IDS[case]]
    assert [one.id for one in found.machine.desired] == wanted


@every
def test_nothing_is_switched_before_all_that_it_stands_on_is_there(case: tuple[str, str]) -> None:
    *others, release = ready(case).machine.desired
    assert isinstance(release, Release)
    known = [one.id for one in others]
    assert set(release.after) <= {*known}
    front = "launchd:net.magnus.front" if case == MLX else "service:magnus-front"
    needed = {one for one in known[known.index(front) :] if not one.startswith("directory:")}
    assert set(release.after) == needed


@every
def test_the_front_is_read_anew_when_a_file_of_it_changes(case: tuple[str, str]) -> None:
    desired = {one.id: one for one in ready(case).machine.desired}
    front = desired["launchd:net.magnus.front" if case == MLX else "service:magnus-front"]
    for path in ("nginx.conf", f"{case[1]}.server"):
        assert f"file:/etc/magnus/front/{path}" in front.restart_on
    assert "package:nginx" in front.after


@every
def test_a_host_is_told_how_to_start_judge_and_stop_a_release(case: tuple[str, str]) -> None:
    file = file_of(ready(case), f"/var/lib/magnus/models/{case[1]}/r1/how")
    lines = [line.partition("=") for line in file.content.splitlines()]
    assert {key: value for key, _, value in lines} == HOW[case]
    assert len(lines) == len(HOW[case])
    assert (file.mode, file.group) == ("0600", "wheel" if case == MLX else "root")


@every
def test_a_host_keeps_the_record_itself(case: tuple[str, str]) -> None:
    file = file_of(ready(case), f"/var/lib/magnus/models/{case[1]}/r1/record")
    assert parse(file.content) == ready(case).chosen.record


@every
def test_a_start_may_take_as_long_as_its_bytes_need(case: tuple[str, str]) -> None:
    wish = ready(case).wish
    assert start_seconds(wish) == SECONDS[case]
    slower = replace(wish, disk_bytes_s=wish.disk_bytes_s / 4)
    bytes_s = 2 * wish.record.weights / wish.disk_bytes_s
    assert start_seconds(slower) - start_seconds(wish) == pytest.approx(3 * bytes_s, abs=1)
    release = ready(case).machine.desired[-1]
    assert isinstance(release, Release)
    # The step is not killed while the gate may still be judging, and the old one draining.
    assert release.seconds > SECONDS[case] + 2 * 120 + release.drain_s


@every
def test_no_secret_is_in_a_text_and_none_in_an_argument(case: tuple[str, str]) -> None:
    for one in ready(case).machine.desired:
        assert KEY not in repr(one)
        if not isinstance(one, File):
            continue
        assert KEY not in one.content
        with_secret = "/etc/magnus/releases/primary-r1.env"
        assert secrets_in(one.content) == (("vllm-key",) if one.path == with_secret else ())


def test_the_key_of_vllm_comes_in_a_file_that_only_root_reads() -> None:
    file = file_of(ready(VLLM), "/etc/magnus/releases/primary-r1.env")
    assert file.mode == "0600"
    assert f"VLLM_API_KEY={KEY}".encode() in file.data.replace(b'"', b"")
    assert "EnvironmentFile=/etc/magnus/releases/primary-r1.env\n" in unit_of(VLLM).content


def test_the_key_of_llamacpp_comes_as_a_credential() -> None:
    content = unit_of(LLAMA).content
    assert "LoadCredential=api-key:/etc/magnus/llamacpp/api-key\n" in content
    assert "--api-key-file %d/api-key" in content
    assert "--api-key " not in content


def test_what_the_hub_wants_to_see_is_only_where_it_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGNUS_HUB", "hf_never_shown")
    text = (INVENTORY / "magnus.yaml").read_text()
    for old, new in (
        ("secrets:\n", "secrets:\n  hub: {env: MAGNUS_HUB}\n"),
        ("api_key: vllm-key}", "api_key: vllm-key, hub_token: hub}"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "magnus.yaml"
    path.write_text(text)
    found = prepared(path, "primary")
    token = file_of(found, "/etc/magnus/hub-token")
    assert (token.mode, token.data) == ("0600", b"hf_never_shown\n")
    assert all("hf_never_shown" not in repr(one) for one in found.machine.desired)
    artifact = found.artifact
    assert artifact
    assert artifact.token == "/etc/magnus/hub-token"
    ids = [one.id for one in found.machine.desired]
    assert ids.index(token.id) < ids.index(artifact.id)
    plain = ready(VLLM)
    assert "file:/etc/magnus/hub-token" not in [one.id for one in plain.machine.desired]
    assert plain.artifact
    assert plain.artifact.token == ""

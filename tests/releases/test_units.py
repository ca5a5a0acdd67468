"""What supervisors and nginx are given for a release, before those that will read it."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from magnusctl.errors import InputError
from magnusctl.resources.artifact import Artifact
from magnusctl.resources.known import require_known
from tests.deploying.scenes import ALL, LLAMA, MLX, OLLAMA, VLLM, file_of, ready, unit_of
from tests.golden import judges
from tests.golden.render import GOLDEN

FRONTS = {
    VLLM: "10.0.0.2:8000",
    LLAMA: "127.0.0.1:9931",
    MLX: "10.0.0.1:8081",
    OLLAMA: "127.0.0.1:9100",
}


@pytest.mark.parametrize("case", [VLLM, LLAMA], ids="-".join)
def test_a_unit_listens_on_loopback_only_and_starts_what_it_should(case: tuple[str, str]) -> None:
    content = unit_of(case).content
    artifact = ready(case).artifact
    assert isinstance(artifact, Artifact)
    assert f"ConditionPathExists={artifact.path}\n" in content
    assert "User=magnus-llm\n" in content
    (start,) = [line for line in content.splitlines() if line.startswith("ExecStart=")]
    if case == LLAMA:
        assert "--host 127.0.0.1 --port 18100 --ctx-size 8192 --parallel 1" in start
        assert "CPUAffinity=1-7\n" in content  # cores: 7, and core 0 is the system's
    else:
        config = file_of(ready(case), "/etc/magnus/releases/primary-r1.yaml").content
        assert "host: 127.0.0.1" in config.replace('"', "")
        assert "port: 18100" in config
        assert "gpu-memory-utilization: 0.87" in config
        assert "Requires=magnus-gpu-nodes.service\n" in content


@pytest.mark.parametrize("case", [VLLM, LLAMA, MLX], ids="-".join)
def test_what_reads_a_unit_knows_every_key_of_it(case: tuple[str, str]) -> None:
    file = unit_of(case)
    require_known(file)
    fault = ("<key>Umask</key>", "<key>Unmask</key>") if case == MLX else ("Type=", "Typ=")
    with pytest.raises(InputError, match=r"knows no|Unmask"):
        require_known(replace(file, content=file.content.replace(*fault)))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="not here: systemd-analyze")
@pytest.mark.parametrize("case", [VLLM, LLAMA], ids="-".join)
@pytest.mark.parametrize("name", ["magnus-release-{model}-r1", "magnus-front"])
def test_systemd_takes_the_unit_beside_those_of_its_host(
    case: tuple[str, str], name: str, tmp_path: Path
) -> None:
    host = ready(case).machine.name
    there = tmp_path / "golden" / case[0] / host
    shutil.copytree(GOLDEN / case[0] / host, there)
    path = f"/etc/systemd/system/{name.format(model=case[1])}.service"
    file = there / path.lstrip("/")
    # Whether nginx is on this machine says nothing about the unit.
    content = file_of(ready(case), path).content.replace("/usr/sbin/nginx", "/bin/true")
    file.write_text(content)
    assert judges.unit(file, tmp_path / "good") == ""
    file.write_text(content.replace("Description=", "Descriptoin="))
    assert judges.unit(file, tmp_path / "bad") != ""


def test_launchd_is_told_to_keep_the_server_and_to_keep_the_mac_awake() -> None:
    job = plistlib.loads(unit_of(MLX).content.encode())
    words = job["ProgramArguments"]
    assert job["Label"] == "net.magnus.release.complex.r1"
    assert words[:3] == ["/usr/bin/caffeinate", "-s", "/opt/magnus/venvs/mlx/bin/python"]
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--port") + 1] == "18100"
    assert job["EnvironmentVariables"]["MAGNUS_MODEL"] == "complex"
    assert (job["UserName"], job["KeepAlive"]) == ("_magnus", True)
    front = plistlib.loads(
        file_of(ready(MLX), "/Library/LaunchDaemons/net.magnus.front.plist").content.encode()
    )
    nginx = ["/opt/homebrew/bin/nginx", "-c", "/etc/magnus/front/nginx.conf", "-g", "daemon off;"]
    assert front["ProgramArguments"] == nginx


def test_ollama_is_told_its_context_for_each_name() -> None:
    file = file_of(ready(OLLAMA), "/etc/magnus/releases/fast-r1.modelfile")
    assert file.content == "FROM llama3.2:3b\nPARAMETER num_ctx 16384\n"
    assert not [one for one in ready(OLLAMA).machine.desired if one.id.endswith("-r1.service")]


@pytest.mark.parametrize("case", ALL, ids="-".join)
def test_a_front_has_its_port_and_one_name_that_a_switch_changes(case: tuple[str, str]) -> None:
    content = file_of(ready(case), f"/etc/magnus/front/{case[1]}.server").content
    assert f"  listen {FRONTS[case]};\n" in content
    assert f"  include /etc/magnus/front/{case[1]}.upstream*;\n" in content
    assert f'add_header X-Magnus-Release "{case[1]} $number" always;' in content
    main = file_of(ready(case), "/etc/magnus/front/nginx.conf").content
    assert "include /etc/magnus/front/*.server;" in main
    assert main.count("{") == main.count("}")
    assert content.count("{") == content.count("}")


@pytest.mark.skipif(not shutil.which("nginx"), reason="not here: nginx")
@pytest.mark.parametrize("upstream", ["", "set $release 127.0.0.1:18100;\nset $number r1;\n"])
def test_nginx_takes_the_front(upstream: str, tmp_path: Path) -> None:
    for name in ("nginx.conf", "mixtral.server"):
        content = file_of(ready(LLAMA), f"/etc/magnus/front/{name}").content
        for folder in ("/etc/magnus/front", "/run/magnus-front"):
            content = content.replace(folder, str(tmp_path))
        (tmp_path / name).write_text(content)
    if upstream:
        (tmp_path / "mixtral.upstream").write_text(upstream)
    assert _nginx_says(tmp_path) == 0
    (tmp_path / "mixtral.upstream").write_text("set $release;\n")
    assert _nginx_says(tmp_path) != 0


def _nginx_says(folder: Path) -> int:
    words = ["nginx", "-t", "-q", "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    return subprocess.run(words, capture_output=True, timeout=30, check=False).returncode

"""What a host fetches and unpacks: judged by its digest before anything of it is used."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

import pytest

from magnusctl.quote import sh
from magnusctl.resources.archive import Archive
from magnusctl.resources.file import File
from magnusctl.resources.service import Service
from tests.shells.hosts import Host, fewer_shells
from tests.shells.shells import TIMEOUT_S

pytestmark = [
    pytest.mark.shells,
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
]
FILES = (
    *("prelude.sh", "process.sh", "lock.sh", "job.sh", "steps.sh", "files.sh", "room.sh"),
    *("resources/archive.sh", "resources/archive.apply.sh"),
)


def tar(path: Path, text: str, mode: Literal["w", "w:gz"] = "w:gz") -> str:
    """A tar with `top/bin/tool`; its digest."""
    with tarfile.open(path, mode) as archive:
        info = tarfile.TarInfo("top/bin/tool")
        info.size, info.mode = len(text), 0o755
        archive.addfile(info, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def put(
    host: Host, to: Path, digest: str, strip: int, url: str, path: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `put_archive` with no root in between, as on a real host."""
    state = host.path("/state")
    state.mkdir(exist_ok=True)
    where = f"PATH={sh(path)}" if path else ""
    text = f"ROOT= STATE={sh(str(state))} {where}\n{sh('put_archive', to, digest, strip, url)}\n"
    words = host.inline("job-a", FILES, text)
    return subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def test_an_archive_is_unpacked_and_told_by_its_digest(host: Host, tmp_path: Path) -> None:
    to, url = host.path("/opt/tool"), (tmp_path / "a.tar.gz").as_uri()
    digest = tar(tmp_path / "a.tar.gz", "one")
    done = put(host, to, digest, 1, url)
    assert done.returncode == 0, done.stderr
    assert (to / "bin/tool").read_text() == "one"
    assert host.call("ask_archive", "/opt/tool", files=FILES[-2:]) == [f"{digest} 1 {url}"]
    assert not list(host.path("/state/downloads").iterdir())


@fewer_shells
def test_a_host_with_nothing_to_fetch_with_is_told_just_that(host: Host, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("mkdir", "rm"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    url = (tmp_path / "a.tar.gz").as_uri()
    digest = tar(tmp_path / "a.tar.gz", "one")
    done = put(host, host.path("/opt/tool"), digest, 1, url, str(tools))
    assert done.returncode == 1
    assert done.stderr == f"magnus: neither curl nor wget is here to fetch {url} with\n"


@fewer_shells
def test_other_bytes_than_declared_are_not_used(host: Host, tmp_path: Path) -> None:
    to, path = host.path("/opt/tool"), tmp_path / "a.tar.gz"
    good = tar(path, "one")
    assert put(host, to, good, 1, path.as_uri()).returncode == 0
    other = tar(path, "two")
    done = put(host, to, "0" * 64, 1, path.as_uri())
    assert done.returncode == 1
    assert f"has the SHA-256 {other}, and {'0' * 64} is declared" in done.stderr
    assert (to / "bin/tool").read_text() == "one"
    assert sorted(p.name for p in to.parent.iterdir()) == ["tool"]


@fewer_shells
def test_an_archive_without_anything_below_its_first_folders_is_refused(
    host: Host, tmp_path: Path
) -> None:
    to, path = host.path("/opt/tool"), tmp_path / "a.tar.gz"
    done = put(host, to, tar(path, "one"), 3, path.as_uri())
    assert done.returncode == 1
    assert "holds nothing below its first 3 folders" in done.stderr
    assert not to.exists()


@fewer_shells
def test_the_old_folder_of_a_cut_between_two_moves_comes_back(host: Host, tmp_path: Path) -> None:
    to, path = host.path("/opt/tool"), tmp_path / "a.tar.gz"
    assert put(host, to, tar(path, "one"), 1, path.as_uri()).returncode == 0
    to.rename(f"{to}.magnus.old")
    assert put(host, to, "0" * 64, 1, path.as_uri()).returncode == 1
    assert (to / "bin/tool").read_text() == "one"


@fewer_shells
def test_what_a_cut_left_is_gone_on_with(host: Host, tmp_path: Path) -> None:
    to, path = host.path("/opt/tool"), tmp_path / "a.tar.gz"
    digest = tar(path, "x" * 5000)
    half = host.path("/state/downloads") / digest
    half.parent.mkdir(parents=True)
    half.write_bytes(path.read_bytes()[:20])
    assert put(host, to, digest, 1, path.as_uri()).returncode == 0
    assert (to / "bin/tool").stat().st_size == 5000


@fewer_shells
@pytest.mark.skipif(not shutil.which("unzip"), reason="unzip is not installed")
def test_a_wheel_is_a_zip(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "tool-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tool.data/scripts/tool", "zip")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    done = put(host, host.path("/opt/tool"), digest, 0, path.as_uri())
    assert done.returncode == 0, done.stderr
    assert host.path("/opt/tool/tool.data/scripts/tool").read_text() == "zip"


@fewer_shells
@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not installed")
def test_a_tar_may_be_packed_by_zstd(host: Host, tmp_path: Path) -> None:
    tar(tmp_path / "a.tar", "z", "w")
    subprocess.run(["zstd", "-q", str(tmp_path / "a.tar")], check=True, timeout=60)
    path = tmp_path / "a.tar.zst"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert put(host, host.path("/opt/tool"), digest, 0, path.as_uri()).returncode == 0
    assert host.path("/opt/tool/top/bin/tool").read_text() == "z"


@fewer_shells
def test_a_folder_that_came_otherwise_is_neither_replaced_nor_removed(
    host: Host, tmp_path: Path
) -> None:
    host.write("/opt/tool/mine", "precious")
    digest = tar(tmp_path / "a.tar.gz", "one")
    done = put(host, host.path("/opt/tool"), digest, 1, (tmp_path / "a.tar.gz").as_uri())
    assert done.returncode == 1
    assert "no archive was unpacked to it" in done.stderr
    assert host.path("/opt/tool/mine").read_text() == "precious"


@fewer_shells
def test_a_simulated_archive_is_made_drifts_and_goes_back(linux: Host) -> None:
    wanted = Archive(path="/opt/tool", url="https://example.org/a.tar.gz", sha256="a" * 64)
    assert linux.provision(wanted).ok
    assert "SIMULATED" in linux.path("/opt/tool/SIMULATED").read_text()
    assert not linux.plan(wanted)
    (change,) = linux.plan(Archive(path="/opt/tool", url=wanted.url, sha256="b" * 64)).changes
    assert change.differs == ("sha256",)
    assert linux.provision(Archive(path="/opt/tool", ensure="absent")).ok
    assert not linux.path("/opt/tool").exists()


@fewer_shells
def test_a_service_waits_for_what_it_needs(linux: Host) -> None:
    linux.write("/etc/systemd/system/llm.service", "[Service]\nExecStart=/bin/true\n")
    wanted = Service(unit="llm", needs="/srv/model")
    job = linux.provision(wanted)
    assert job.ok, job.output
    assert linux.path("/.simulated/units/llm.service").read_text() == "enabled inactive\n"
    assert not linux.plan(wanted)
    linux.write("/srv/model/weights", "")
    (change,) = linux.plan(wanted).changes
    assert change.differs == ("running",)
    assert linux.provision(wanted).ok
    assert linux.path("/.simulated/units/llm.service").read_text() == "enabled active\n"


@fewer_shells
def test_a_service_that_runs_is_not_stopped_when_what_it_needs_is_gone(linux: Host) -> None:
    linux.write("/etc/systemd/system/llm.service", "[Service]\nExecStart=/bin/true\n")
    linux.write("/srv/model/weights", "")
    conf = File(path="/etc/llm.conf", content="a\n")
    wanted = Service(unit="llm", needs="/srv/model/weights", restart_on=(conf.id,))
    assert linux.provision(conf, wanted).ok
    linux.path("/srv/model/weights").unlink()
    job = linux.provision(File(path="/etc/llm.conf", content="b\n"), wanted)
    assert not job.ok
    said = "/srv/model/weights is not there: llm.service goes on as it was started"
    assert job.output["service:llm"][0].endswith(said)
    assert linux.path("/.simulated/units/llm.service").read_text() == "enabled active\n"


@fewer_shells
def test_each_service_waits_for_its_own(linux: Host) -> None:
    for name in ("one", "two", "three"):
        linux.write(f"/etc/systemd/system/{name}.service", "[Service]\nExecStart=/bin/true\n")
    linux.write("/srv/two", "")
    wanted = [
        Service(unit="one", needs="/srv/one"),
        Service(unit="two", needs="/srv/two"),
        Service(unit="three"),
    ]
    seen = linux.observe(wanted)
    ups = [seen[service.id].answer.split(" ")[2] for service in wanted]
    assert ups == ["waits", "down", "down"]

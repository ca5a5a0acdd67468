"""Two projects, one with a network and one without, a simulated hub, and a simulated mirror."""

from __future__ import annotations

import io
import json
import random
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bundles.mirror import Mirror, sha256, wheel
from tests.lab.hub import Hub
from tests.rooted import Project, project

MODEL = "deepseek-r1-distill-llama-70b"
REPOSITORY = "bartowski/DeepSeek-R1-Distill-Llama-70B-GGUF"
WEIGHTS = "DeepSeek-R1-Distill-Llama-70B-Q4_K_M.gguf"
VLLM_MODEL = "qwen2.5-7b"
VLLM_REPOSITORY = "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4"
VLLM_WORDS = ("--quant", "gptq-int4")
DATA = random.Random(11).randbytes(3 << 20)
ARCHIVE = "llama-simulated.tar.gz"
UV = wheel("uv", "0.13.8")
PACKAGES = (wheel("tiny_one", "1.0"), wheel("tiny_two", "2.0"))
HOST = """\
roles: [inference]
engine: {engine}
hardware: {{memory: 128GiB, cores: 16}}
variables:
  inference:
{inference}
"""


@dataclass(frozen=True)
class Scene:
    """Where bundles are made, and where they are taken in."""

    near: Project
    far: Project
    hub: Hub
    mirror: Mirror

    def create(self, *words: str, model: str = MODEL) -> subprocess.CompletedProcess[str]:
        """Run bundle create where there is a network."""
        command = ("bundle", "create", model, "--on", "a", "-o", "a.tar", *words)
        return self.near.run(*command, HF_ENDPOINT=self.hub.url, HF_TOKEN="", HF_HUB_OFFLINE="")

    def made(self, *words: str, model: str = MODEL) -> Path:
        """A bundle that was made."""
        done = self.create(*words, model=model)
        assert done.returncode == 0, done.stderr
        return self.near.folder / "a.tar"

    def apply(self, bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run bundle apply where there is none."""
        return self.far.run("bundle", "apply", str(bundle), *words)

    def applied(self, bundle: Path, *words: str) -> str:
        """What is said of a bundle that was taken in."""
        done = self.apply(bundle, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout


def scene(folder: Path, hub: Hub, mirror: Mirror, engine: str) -> Scene:
    """A host with an engine, whose parts are on the mirror."""
    for name in ("near", "far"):
        (folder / name).mkdir()
    found = Scene(project(folder / "near"), project(folder / "far"), hub, mirror)
    hub.add(REPOSITORY, {WEIGHTS: DATA, "README.md": b"no part of it\n"})
    hub.add(VLLM_REPOSITORY, {"config.json": b"{}\n", "model.safetensors": DATA})
    for one in (found.near, found.far):
        # The other side has the same lock.
        one.write("templates/locks/tiny.txt", _lock())
        one.inventory(HOST.format(engine=engine, inference=_inference(engine, mirror)))
    return found


def _lock() -> str:
    lines = (
        f"{name.split('-')[0]}=={name.split('-')[1]} --hash=sha256:{sha256(data)}\n"
        for name, data in PACKAGES
    )
    return "# Two packages, simulated.\n" + "".join(lines)


def _inference(engine: str, mirror: Mirror) -> str:
    if engine == "llamacpp":
        url = mirror.put(f"/{ARCHIVE}", archive())
        source = {"url": url, "sha256": sha256(archive()), "strip": 1}
        return f"    llamacpp: {{archive: {json.dumps(source)}}}"
    index = mirror.index(*PACKAGES)
    source = {"url": mirror.put(f"/uv/{UV[0]}", UV[1]), "sha256": sha256(UV[1])}
    return f"    uv: {json.dumps(source)}\n    index: {index}\n    vllm: {{lock: tiny.txt}}"


def archive() -> bytes:
    """What an engine is unpacked from; the same bytes every time."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        entry = tarfile.TarInfo("llama/llama-server")
        entry.size = 8
        tar.addfile(entry, io.BytesIO(b"program\n"))
    return data.getvalue()


def members(bundle: Path) -> Mapping[str, bytes]:
    """What a tar holds, by name and in its order."""
    found = {}
    with tarfile.open(bundle) as tar:
        for entry in tar:
            file = tar.extractfile(entry)
            assert file is not None
            found[entry.name] = file.read()
    return found


def tar_of(path: Path, *parts: tuple[tarfile.TarInfo | str, bytes]) -> Path:
    """Write a tar of one's own choice."""
    with tarfile.open(path, "w") as tar:
        for entry, data in parts:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = len(data) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(data))
    return path

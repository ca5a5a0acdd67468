"""What is offered in the place of what does not fit: each fits, and is told with its figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl.fit.devices import GIB
from magnusctl.fitting import Question, device_named, on_device
from magnusctl.remedies import MOST, Remedy
from tests.fit.fleets import example, judged, small

RTX3090 = device_named("RTX 3090", 24 * GIB)


def offered(model: str, **words: str | int) -> list[Remedy]:
    """The remedies for one card of 24 GiB."""
    return list(on_device(Question(model, **words), RTX3090).remedies)  # type: ignore[arg-type]


def test_nothing_is_offered_for_what_fits() -> None:
    assert offered("qwen2.5-14b") == []


def test_a_model_that_is_a_little_too_large() -> None:
    found = {one.text: one for one in offered("qwen2.5-32b")}
    assert list(found) == [
        "here, with a fp8 cache",
        "here, with a shorter context",
        "here, llamacpp Q4_K_M",
        "here, qwen2.5-14b AWQ-int4-g128",
    ]
    assert found["here, with a fp8 cache"].context == 8192
    assert 7000 < found["here, with a shorter context"].context < 8192


def test_a_cache_of_fewer_bits_is_offered_for_a_long_context() -> None:
    found = offered("qwen2.5-32b", engine="llamacpp", context=24576)
    assert found[0].text == "here, with a q8_0 cache"
    assert found[0].context == 24576


def test_the_largest_of_the_smaller_forms_is_offered() -> None:
    found = offered("qwen2.5-14b", engine="llamacpp", quant="q8_0", context=32768, sequences=2)
    # Without --engine and --quant there would be others: of Q5_K_M and Q4_K_M the larger fits.
    assert [one.text for one in found if " as " in one.text] == ["here, as Q5_K_M"]


def test_layers_on_the_card_need_memory_beside_it() -> None:
    inventory = example("magnus")
    found = judged(inventory, "llama-3.3-70b", on="rtx3090", engine="llamacpp").remedies
    (split,) = (one for one in found if "layers" in one.text)
    assert split.gpu_layers == pytest.approx(43, abs=1)
    assert split.needed <= split.usable
    assert split.decode_tps
    assert 1 < split.decode_tps < 4
    # Nobody said how much memory is beside a card that no inventory knows.
    assert not [one for one in offered("llama-3.3-70b") if "layers" in one.text]


def test_other_hosts_are_named(tmp_path: Path) -> None:
    found = judged(small(tmp_path), "llama-3.3-70b", on="card").remedies
    assert found[0].text == "on mac, mlx MLX-3bit-g64"
    assert found[0].needed <= found[0].usable


def test_a_protected_host_is_not_offered(tmp_path: Path) -> None:
    found = judged(small(tmp_path), "llama-3.3-70b", on="card").remedies
    assert "trader" not in [one.host for one in found]


def test_a_model_in_the_way_is_named_with_its_memory(tmp_path: Path) -> None:
    models = "models:\n  big: {host: card, model: qwen2.5-7b, memory: 20GiB}\n"
    found = judged(small(tmp_path, models), "qwen2.5-14b", on="card").remedies
    assert "here, without big (20.0 GiB)" in [one.text for one in found]


def test_the_smallest_that_is_enough_goes(tmp_path: Path) -> None:
    models = (
        "models:\n"
        "  some: {host: card, model: qwen2.5-7b, memory: 11GiB}\n"
        "  more: {host: card, model: llama-3.1-8b, memory: 12GiB}\n"
    )
    found = judged(small(tmp_path, models), "llama-3.2-3b", on="card").remedies
    evicting = [one.text for one in found if one.text.startswith("here, without")]
    assert evicting == ["here, without some (11.0 GiB)"]


@pytest.mark.parametrize("model", ["llama-3.3-70b", "deepseek-r1", "mixtral-8x7b", "qwen2.5-32b"])
@pytest.mark.parametrize("context", [4096, 32768])
@pytest.mark.parametrize("host", ["rtx3090", "macmini"])
def test_every_remedy_fits_by_its_own_figures(model: str, context: int, host: str) -> None:
    found = judged(example("magnus"), model, on=host, context=context).remedies
    assert len(found) <= MOST
    assert len({one.text for one in found}) == len(found)
    for one in found:
        assert one.needed <= one.usable, one.text
        assert one.decode_tps
        assert one.context >= 1024


def test_an_encoder_is_offered_its_own_length_and_no_chat_model() -> None:
    found = offered("finbert", context=4096)
    assert [(one.text, one.context) for one in found] == [("here, with a shorter context", 512)]

"""The token probe against a server whose clock is known, over real connections."""

from __future__ import annotations

import itertools
import json
import statistics
import threading

import pytest

from magnusctl import speaking
from magnusctl.checks import servers
from magnusctl.checks.servers import Server
from magnusctl.checks.speech import Sample, Spoken, Wanted, judged, spread, whole
from magnusctl.errors import HostError, MagnusError
from magnusctl.parsers.vllm_models import Model
from magnusctl.quote import Secret
from magnusctl.report import Verdict
from magnusctl.transport.local import LocalTransport
from tests.speech.server import Pace, serving

HERE = LocalTransport("here")


def server(port: int, engine: str = "vllm", key: Secret | None = None) -> Server:
    return Server("here", "primary", engine, "127.0.0.1", port, ("tiny",), key, Wanted())


PACE = Pace(role=100, first=300)


@pytest.fixture(scope="module")
def spoken() -> Spoken:
    with serving(PACE) as port:
        return speaking.spoken(server(port), HERE)


def truth() -> dict[str, float]:
    """What the server knows of the answers that count: when it really sent the words of each.

    Of 20 answers the first two and the four before the last eight are to warm up; 30 chunks carry
    32 tokens.
    """
    alone = PACE.sent[2:7]
    many = PACE.sent[11:]
    first, last = (statistics.median(pair[n] for pair in alone) for n in (0, 1))
    step = statistics.median((end - start) / 31 for start, end in alone)
    return {
        "decode": 1000 / step,
        "first-token": first,
        "inter-token": step,
        "prefill": 40 / first * 1000,
        "end-to-end": last / 1000,
        "first-token-at-4": statistics.median(pair[0] for pair in many),
    }


@pytest.mark.parametrize(
    ("what", "unit"),
    [
        ("decode", "tok/s"),
        ("first-token", "ms"),
        ("inter-token", "ms"),
        ("prefill", "tok/s"),
        ("end-to-end", "s"),
        ("first-token-at-4", "ms"),
    ],
)
def test_what_is_measured_is_what_the_server_did(spoken: Spoken, what: str, unit: str) -> None:
    found = {result.check: result for result in judged(spoken, Wanted())}
    measure = found[f"tokens.primary.{what}"].measure
    assert measure is not None
    assert measure.unit == unit
    assert measure.value == pytest.approx(truth()[what], rel=0.1)


def test_there_are_enough_samples_alone_and_four_at_once(spoken: Spoken) -> None:
    assert len(spoken.one) >= 5
    assert len(spoken.many) >= 5
    assert spoken.at_once == 4
    overlaps = [
        sum(other.began_s < s.over_s and s.began_s < other.over_s for other in spoken.many)
        for s in spoken.many
    ]
    assert max(overlaps) >= 4
    alone = sorted(spoken.one, key=lambda s: s.began_s)
    assert all(one.over_s <= two.began_s for one, two in itertools.pairwise(alone))


def test_no_prompt_is_asked_twice_and_its_length_and_the_answers_are_fixed() -> None:
    pace = Pace(tokens=64, gap=1)
    with serving(pace) as port:
        speaking.spoken(server(port), HERE)
    prompts = [body["messages"][0]["content"] for body in pace.seen]
    assert len({prompt[:9] for prompt in prompts}) == len(prompts)
    assert len({len(prompt) for prompt in prompts}) == 1
    counted = [body["max_tokens"] for body in pace.seen]
    # Warm-ups are shorter, and none of them is counted.
    assert counted == [16, 16, *[64] * 5, *[16] * 4, *[64] * 8]
    assert all(body["ignore_eos"] and body["stream_options"]["include_usage"] for body in pace.seen)


def test_a_slow_model_is_asked_for_less() -> None:
    pace = Pace(tokens=4, gap=400)
    with serving(pace) as port:
        found = speaking.spoken(server(port), HERE)
    assert found.asked_tokens == 16


def test_the_key_is_shown_to_the_server_and_to_nobody_else() -> None:
    pace = Pace(tokens=4)
    with serving(pace) as port:
        speaking.speaks(server(port, key=Secret("k", lambda: "s3cret")), HERE)
    assert pace.keys == ["Bearer s3cret"]


@pytest.mark.parametrize(
    ("ill", "said"),
    [
        ("loading", "503: its model is not loaded yet"),
        ("no-key", "401: it wants a key, and the inventory names none"),
        ("no-model", "it has no such model loaded; it lists: none"),
        ("cut", "cut off"),
        ("error", "it broke off: the engine is dead"),
        ("silent", "holds no word"),
    ],
)
def test_a_server_that_says_it_is_well_and_does_not_speak_is_told_apart(
    ill: str, said: str
) -> None:
    with serving(Pace(ill=ill)) as port, pytest.raises(HostError) as caught:
        speaking.speaks(server(port), HERE)
    assert said in caught.value.message


def test_an_answer_that_ends_with_its_connection_is_heard_out() -> None:
    pace = Pace(ill="old", tokens=8)
    with serving(pace) as port:
        asked = Server("here", "m", "mlx", "127.0.0.1", port, ("default_model",), None, Wanted())
        assert speaking.speaks(asked, HERE).tokens == 4
    assert pace.seen[0]["model"] == "default_model"


def test_a_server_with_another_model_is_named() -> None:
    with serving(Pace(models=("other", "third"))) as port, pytest.raises(MagnusError) as caught:
        speaking.speaks(server(port), HERE)
    assert "it lists: other, third" in caught.value.message


def test_where_nothing_listens_nothing_speaks() -> None:
    with serving(Pace()) as port:
        pass
    with pytest.raises(HostError) as caught:
        speaking.speaks(server(port), HERE)
    assert f"nothing answers on 127.0.0.1:{port} there: connection refused" in caught.value.message


def test_an_endless_answer_is_ended() -> None:
    before = threading.active_count()
    with serving(Pace(tokens=64, gap=50)) as port, pytest.raises(HostError) as caught:
        speaking._answer(server(port), HERE, "tiny", 64, 0.3)
    assert "did not come to an end in time" in caught.value.message
    assert threading.active_count() <= before + 1


def test_without_a_count_of_the_server_no_speed_is_told() -> None:
    with serving(Pace(ill="no-usage", tokens=8)) as port:
        found = speaking.spoken(server(port), HERE)
    results = {r.check.rpartition(".")[2]: r for r in judged(found, Wanted(decode=1))}
    for what in ("decode", "inter-token", "prefill", "total-at-4"):
        assert results[what].verdict is Verdict.UNKNOWN, what
        assert results[what].measure is None
    assert results["first-token"].verdict is Verdict.PASS


# ---- what is judged, by numbers alone


def sample(decode: float, first_s: float = 0.05, tokens: int | None = 11) -> Sample:
    last = first_s + 10 / decode
    return Sample(first_s, last, 0.0, last, tokens, 100, 20)


def said(decodes: list[float], first_s: float = 0.05) -> Spoken:
    one = [sample(decode, first_s) for decode in decodes]
    return Spoken("h", "m", one, one, 4, 11)


@pytest.mark.parametrize(
    ("decode", "wanted", "verdict", "words"),
    [
        (50, Wanted(), Verdict.PASS, ""),
        (50, Wanted(decode=45), Verdict.PASS, ""),
        (40, Wanted(decode=45), Verdict.FAIL, "is it hot"),
        (6.5, Wanted(decode=15, predicted=6.9), Verdict.FAIL, "lets expect about 7 tok/s"),
        (50, Wanted(predicted=60), Verdict.PASS, ""),
        (20, Wanted(predicted=60), Verdict.WARN, "Far below"),
    ],
)
def test_decode_is_judged_by_its_target_and_by_what_is_likely(
    decode: float, wanted: Wanted, verdict: Verdict, words: str
) -> None:
    result = next(iter(judged(said([decode] * 5), wanted)))
    assert result.check == "tokens.m.decode"
    assert result.verdict is verdict
    assert words in result.remedy
    assert bool(result.remedy) == (verdict is not Verdict.PASS)


@pytest.mark.parametrize(
    ("first_s", "wanted_s", "verdict"),
    [(0.08, 0.1, Verdict.PASS), (0.12, 0.1, Verdict.FAIL), (0.12, None, Verdict.PASS)],
)
def test_the_first_token_is_judged(first_s: float, wanted_s: float, verdict: Verdict) -> None:
    results = [*judged(said([50] * 5, first_s), Wanted(first_s=wanted_s))]
    assert results[1].check == "tokens.m.first-token"
    assert results[1].verdict is verdict


def test_what_came_from_a_cache_is_no_prefill() -> None:
    assert sample(50).prefill == pytest.approx(80 / 0.05)


@pytest.mark.parametrize(
    ("numbers", "median", "half"),
    [([5.0], 5, 0), ([1, 2, 3, 4, 5], 3, 1), ([2, 2, 2, 2, 90], 2, 0)],
)
def test_one_bad_sample_moves_neither_the_median_nor_its_spread(
    numbers: list[float], median: float, half: float
) -> None:
    found = spread(numbers)
    assert found is not None
    assert (found.median, found.half) == (median, half)


@pytest.mark.parametrize("numbers", [[], [None], [1.0, None]])
def test_a_sample_that_is_not_told_is_not_left_out(numbers: list[float | None]) -> None:
    assert spread(numbers) is None


def test_an_answer_in_one_piece_is_told_apart_from_one_without_a_count() -> None:
    one = Sample(0.5, 0.5, 0.0, 0.5, 16, 10)
    results = [*judged(Spoken("h", "m", [one] * 5, [one] * 8, 4, 16), Wanted())]
    assert "came in one piece" in results[0].measured
    assert results[0].verdict is Verdict.UNKNOWN


def test_an_answer_that_ends_early_is_told() -> None:
    assert whole(Spoken("h", "m", [sample(50)] * 5, [], 4, 64)).measured == (
        "5 answers of 11 tokens; 64 were asked for"
    )


@pytest.mark.parametrize("key", ["s3cret\r", "s3cret\n", "schlüssel", "a\0b"])
def test_a_key_that_no_header_can_hold_is_not_shown(key: str) -> None:
    with serving(Pace()) as port, pytest.raises(HostError) as caught:
        speaking.speaks(server(port, key=Secret("vllm-key", lambda: key)), HERE)
    assert "(secret vllm-key) holds what no header can" in caught.value.message
    assert key.strip() not in str(caught.value)


@pytest.mark.parametrize("tokens", [None, 0, 1])
def test_one_token_has_no_speed(tokens: int | None) -> None:
    assert sample(50, tokens=tokens).decode is None


# ---- what a server calls its model


@pytest.mark.parametrize(
    ("engine", "names", "listed", "found"),
    [
        ("vllm", ("primary", "/srv/m"), ["primary"], "primary"),
        ("vllm", ("primary", "/srv/m"), ["/srv/m"], "/srv/m"),
        ("vllm", ("primary",), ["other"], None),
        ("mlx", ("default_model",), ["/var/magnus/hf/x"], "default_model"),
        ("mlx", ("default_model",), [], None),
        ("ollama", ("qwen2.5:7b", "fast"), ["qwen2.5:7b"], "qwen2.5:7b"),
        ("ollama", ("nomic", "fast"), ["nomic:latest"], "nomic:latest"),
        ("llamacpp", ("local", "/srv/x.gguf"), ["local"], "local"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(
    engine: str, names: tuple[str, ...], listed: list[str], found: str | None
) -> None:
    asked = Server("h", "m", engine, "127.0.0.1", 1, names, None, Wanted())
    assert servers.named(asked, [Model(id=one) for one in listed]) == found


@pytest.mark.parametrize("engine", ["vllm", "mlx", "ollama", "llamacpp"])
def test_only_engines_that_know_it_are_told_to_go_on(engine: str) -> None:
    asked = Server("h", "m", engine, "127.0.0.1", 1, ("x",), None, Wanted())
    body = servers.body(asked, "x", "hello", 8)
    assert ("ignore_eos" in body) == (engine in ("vllm", "llamacpp"))
    assert json.loads(json.dumps(body))["stream"] is True


def test_no_key_is_in_what_is_asked() -> None:
    asked = Server("h", "m", "vllm", "a", 1, ("x",), Secret("k", lambda: "s3cret"), Wanted())
    assert "s3cret" not in repr(asked) + json.dumps(servers.body(asked, "x", "p", 1))

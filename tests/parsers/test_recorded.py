"""Every recorded output gives the facts that its manifest names; cut or spoilt, none raises."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from magnusctl.parsers import FAMILIES, facts

RECORDED = Path(__file__).parent.parent / "recorded"
ENTRIES: list[dict[str, Any]] = yaml.safe_load((RECORDED / "MANIFEST.yaml").read_text())["files"]


def read(entry: dict[str, Any]) -> str:
    data: bytes = (RECORDED / entry["path"]).read_bytes()
    return data.decode("utf-8", "surrogateescape")


SAMPLED = {"dpkg/ubuntu-18.04-dpkg-l-codes.txt": ("installed", "removed_with_config")}
"""Lists of which the manifest names only some."""


UNTOLD = {
    "mlx-lm/benchmark-llmfit-1.txt": (("model",), "the text names no model"),
    "mlx-lm/benchmark-llmfit-3.txt": (("model",), "the text names no model"),
    "openai-sse/llama-server-done-timings.txt": (("usage", "prompt_tokens"), "the text says 13"),
}
"""What the manifest says of a file that does not say it, or says otherwise."""


def told(entry: dict[str, Any]) -> dict[str, Any]:
    """What the manifest expects, without what the file itself does not tell."""
    expected: dict[str, Any] = copy.deepcopy(entry["expected"])
    *path, last = UNTOLD.get(entry["path"], (("",), ""))[0]
    within = expected
    for key in path:
        within = within[key]
    within.pop(last, None)
    return expected


def missing(expected: Any, found: Any, at: str = "") -> Iterator[str]:
    """Where `found` does not hold what is expected; it may hold more keys than that."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            if key not in found and str(key) not in found:
                yield f"{at}.{key}: not told"
            else:
                yield from missing(value, found.get(key, found.get(str(key))), f"{at}.{key}")
    elif isinstance(expected, list) and isinstance(found, list | tuple):
        if len(expected) != len(found):
            yield f"{at}: {len(found)} of {len(expected)}: {found!r}"
        for number, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from missing(one, other, f"{at}[{number}]")
    elif isinstance(expected, float) and isinstance(found, int | float):
        if found != pytest.approx(expected, rel=1e-6):
            yield f"{at}: {found!r}, not {expected!r}"
    elif expected != found or type(expected) is not type(found):
        yield f"{at}: {found!r}, not {expected!r}"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["path"]))
def test_the_facts_of_the_manifest_are_found(entry: dict[str, Any]) -> None:
    found = json.loads(json.dumps(facts(entry["family"], read(entry))))
    for key in SAMPLED.get(entry["path"], ()):
        named = entry["expected"][key]
        found[key] = [one for one in found[key] if one in named]
    assert not [*missing(told(entry), found)]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["path"]))
def test_a_cut_output_never_raises(entry: dict[str, Any]) -> None:
    text = read(entry)
    for part in range(0, len(text), max(1, len(text) // 40)):
        json.dumps(facts(entry["family"], text[:part]))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "text",
    ["", "\n", "\0", "\udcff", "command not found", "{}", "[]", "null", "0", '{"a": [1', "a: b: c",
     '{"data": 1, "end": [], "blockdevices": {}, "models": "x"}', "=", "|||||\n|--|", "- " * 9000],
)  # fmt: skip
def test_what_is_no_output_never_raises(family: str, text: str) -> None:
    json.dumps(facts(family, text))


def test_every_recorded_family_has_a_parser_and_every_parser_a_recording() -> None:
    assert {entry["family"] for entry in ENTRIES} == set(FAMILIES)

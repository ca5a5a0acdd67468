"""Sizes of GGUF files as the hub lists them, by the recipe of their label: 10^9 bytes, rounded.

Lists of bartowski's repositories of these models. A file is larger by its header, some MB of words
that no recipe knows, and never smaller.
"""

from __future__ import annotations

import pytest

from magnusctl.fit.recipes import recipe
from magnusctl.fit.shape import Unknown
from magnusctl.fit.weights import weights_of
from tests.fit.shapes import shape

LISTED = {
    "llama-3.3-70b": {
        **{"IQ1_M": 16.75, "IQ2_XXS": 19.10, "IQ2_XS": 21.14, "IQ2_S": 22.24, "IQ2_M": 24.12},
        **{"IQ3_XXS": 27.47, "IQ3_XS": 29.31, "IQ3_M": 31.94, "IQ4_XS": 37.90, "IQ4_NL": 40.05},
        **{"Q2_K": 26.38, "Q2_K_L": 27.40, "Q3_K_S": 30.91, "Q3_K_M": 34.27, "Q3_K_L": 37.14},
        **{"Q3_K_XL": 38.06, "Q4_K_S": 40.35, "Q4_K_M": 42.52, "Q4_K_L": 43.30},
        **{"Q5_K_S": 48.66, "Q5_K_M": 49.95, "Q6_K": 57.89, "Q8_0": 74.98},
    },
    "qwen2.5-32b": {
        **{"IQ2_XXS": 9.03, "IQ2_XS": 9.96, "IQ2_S": 10.39, "IQ2_M": 11.26, "IQ3_XXS": 12.84},
        **{"IQ3_XS": 13.71, "IQ3_M": 14.81, "IQ4_XS": 17.69, "Q2_K": 12.31, "Q3_K_M": 15.94},
        **{"Q3_K_L": 17.25, "Q3_K_XL": 17.93, "Q4_K_M": 19.85},
    },
    # Eight experts; as made since the recipe knows them (the first files, of 2023, are smaller).
    "mixtral-8x7b": {
        **{"Q2_K": 17.31, "IQ3_M": 21.43, "Q3_K_M": 22.55, "Q4_K_M": 28.45},
        **{"Q5_K_M": 33.23, "Q6_K": 38.38},
    },
    # Many experts, and two heads that share.
    "qwen3-30b-a3b": {"IQ2_M": 10.17, "Q3_K_M": 14.71, "Q4_K_M": 18.56},
    # Queries, keys and values in one tensor.
    "phi-4": {"Q4_K_M": 9.05, "Q8_0": 15.58, "IQ3_M": 6.91, "Q3_K_L": 7.93},
}
CASES = [(name, label, size) for name, all_ in LISTED.items() for label, size in all_.items()]


@pytest.mark.parametrize(("name", "label", "size"), CASES)
def test_a_file_is_as_large_as_listed(name: str, label: str, size: float) -> None:
    found = weights_of(shape(name), "gguf", label).file / 1e9
    assert found == pytest.approx(size, rel=0.001, abs=0.01)


@pytest.mark.parametrize(
    ("one", "other"), [("FP16", "F16"), ("q4_k", "Q4_K_M"), ("UD-Q4_K_XL", "Q4_K_M")]
)
def test_other_names_of_the_same(one: str, other: str) -> None:
    assert recipe(one) == recipe(other)


@pytest.mark.parametrize("label", ["", "Q9_K", "Q4", "UD-"])
def test_what_is_not_known_is_not_guessed(label: str) -> None:
    with pytest.raises(Unknown, match="is not known"):
        recipe(label)

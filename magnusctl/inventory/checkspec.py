"""A check of a project, as its file declares it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from magnusctl.inventory.fields import Line, matching
from magnusctl.inventory.strict import Model
from magnusctl.inventory.units import Seconds

LONGEST_S = 60
"""A host that is silent for longer counts as gone."""


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return value


def _short(value: float) -> float:
    if not 1 <= value <= LONGEST_S:
        raise ValueError(f"expected 1s to {LONGEST_S}s")
    return value


class CheckSpec(Model):
    """What to run on which hosts, and what it must print."""

    hosts: Line = "*"
    run: Annotated[str, matching(r"(?s).*\S.*", "a shell text")]
    expect: Annotated[str, AfterValidator(_pattern)]
    unit: Line = ""
    target: Line = ""
    remedy: Line = ""
    timeout: Annotated[Seconds, AfterValidator(_short)] = 20.0

"""What --json showed of a job, beside what its journal says."""

from __future__ import annotations

import json
from typing import Any


def objects(text: str, kind: str) -> list[dict[str, Any]]:
    """The objects of one type among the lines that --json prints."""
    found = (json.loads(line) for line in text.splitlines())
    return [one for one in found if one["type"] == kind]


def steps_shown(text: str) -> list[str]:
    """What --json told of the steps, as the journal writes it: `ok 3`."""
    return [f"{_words(one['status'])} {one['number']}" for one in objects(text, "step")]


def _words(status: str) -> str:
    return {"reverted": "undone", "skipped": "skip"}.get(status, status)


def steps_written(journal: list[str]) -> list[str]:
    """What a journal says of the ends of steps."""
    ends = ("ok", "failed", "conflict", "skip", "cancelled", "undone")
    words = (line.split(" ") for line in journal)
    return [f"{word[0]} {word[1]}" for word in words if word[0] in ends and len(word) > 1]

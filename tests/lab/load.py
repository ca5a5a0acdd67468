"""Requests at a steady rate, each over a connection of its own, while something is switched.

Run as a program on a host's own network: `python -m tests.lab.load URL MODEL RATE STOP-FILE`. It
ends once that file is there, or after five minutes, and tells what came of every request as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

LONGEST_S = 300.0
_ANSWER_S = 20.0


def _one(url: str, model: str, number: int, told: list[tuple[str, str]]) -> None:
    body = {"model": model, "prompt": f"{number}: one two", "max_tokens": 8, "temperature": 0}
    request = urllib.request.Request(
        f"{url}/v1/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Connection": "close"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:
            said = json.load(answer)
            release = answer.headers.get("X-Magnus-Release", "")
        good = said["usage"]["completion_tokens"] == 8
        told.append(("" if good else f"short: {said}"[:300], release))
    except (OSError, ValueError, KeyError) as error:
        told.append((f"{type(error).__name__}: {error}"[:300], ""))


def load(url: str, model: str, rate: float, stop: Path) -> dict[str, object]:
    """Ask until `stop` is there; what failed, and which releases answered in which order."""
    told: list[tuple[str, str]] = []
    threads: list[threading.Thread] = []
    began = time.monotonic()
    while not stop.exists() and time.monotonic() - began < LONGEST_S:
        thread = threading.Thread(target=_one, args=(url, model, len(threads), told))
        thread.start()
        threads.append(thread)
        time.sleep(max(0.0, began + len(threads) / rate - time.monotonic()))
    for thread in threads:
        thread.join(_ANSWER_S)
    return {
        "asked": len(threads),
        "answered": len(told),
        "seconds": round(time.monotonic() - began, 2),
        "failed": [why for why, _ in told if why],
        "releases": sorted({release for _, release in told if release}),
    }


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]))))

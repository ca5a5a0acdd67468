"""How long `magnusctl --help` takes beside an interpreter that does nothing.

`python -m benchmarks.startup [--runs N]`
"""

import argparse
import subprocess
import sys
import time
from statistics import median

_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "magnusctl --help": ["-m", "magnusctl", "--help"],
}
_SECONDS = 30


def wall(words: list[str]) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=True,
    )
    return time.perf_counter() - start


def main() -> int:
    """Both in turn, so that the load of the machine is the same for both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup")
    parser.add_argument("--runs", type=int, default=20)
    runs = max(1, min(parser.parse_args().runs, 1000))
    walls: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for words in _COMMANDS.values():
        wall(words)  # the first run reads from the disk, and may compile
    for _ in range(runs):
        for name, words in _COMMANDS.items():
            walls[name].append(wall(words))
    for name, taken in walls.items():
        print(
            f"{name:<18}{median(taken) * 1000:7.1f} ms"
            f"   ({min(taken) * 1000:.1f}-{max(taken) * 1000:.1f})"
        )
    base, ours = (median(taken) for taken in walls.values())
    print(f"{'ratio':<18}{ours / base:7.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

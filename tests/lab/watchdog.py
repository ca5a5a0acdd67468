"""Takes a lab down when its owner is gone, however it went: `python -m tests.lab.watchdog ID`."""

import os
import select
import sys
import time

from tests.lab import state

_GRACE = 0.3


def main(lab_id: str) -> None:
    """Wait for the end of the owner's pipe, or of the owner, and take the lab down.

    The pipe tells at once; the process is asked about too, for a child that the owner forked
    may still hold the pipe's other end.
    """
    record = next((r for r in state.records() if r.id == lab_id), None)
    while record is not None and record.alive():
        readable, _, _ = select.select([sys.stdin.fileno()], [], [], 1.0)
        if readable and not os.read(sys.stdin.fileno(), 1):
            break
    if record is not None and not record.alive():
        # What the owner had started last (a mount, a namespace) gets the time to be there.
        time.sleep(_GRACE)
    if record is not None:
        state.take_down(record)


if __name__ == "__main__":
    main(sys.argv[1])

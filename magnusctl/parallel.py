"""Many hosts at once: every host has a result, failures included."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from magnusctl.errors import Interrupted, MagnusError, fault_words

T = TypeVar("T")


def each(
    names: Iterable[str],
    work: Callable[[str], T],
    workers: int,
    done: Callable[[str, T | MagnusError], None] = lambda name, result: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> dict[str, T | MagnusError]:
    """Do `work` for every name, `workers` at a time; `done` is called here as each one ends.

    An expected error is a result, and so is a bug: it must not take the other results with it
    (with MAGNUS_DEBUG it is raised). The threads are daemons, so that Ctrl-C ends this process at
    once; what runs on a host goes on there.
    On Ctrl-C `interrupted` is asked whether to go on waiting; if not, raises Interrupted.
    """
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    ended: queue.SimpleQueue[tuple[str, T | BaseException]] = queue.SimpleQueue()
    order = list(names)
    for name in order:
        todo.put(name)

    def worker() -> None:
        while True:
            try:
                name = todo.get_nowait()
            except queue.Empty:
                return
            try:
                ended.put((name, work(name)))
            except BaseException as error:  # a bug is raised again below, in the main thread
                ended.put((name, error))

    for _ in range(max(1, min(workers, len(order)))):
        threading.Thread(target=worker, daemon=True).start()
    results: dict[str, T | MagnusError] = {}
    while len(results) < len(order):
        try:
            name, result = ended.get()
        except KeyboardInterrupt:
            if interrupted():
                continue
            raise _interrupted([n for n in order if n not in results]) from None
        results[name] = _expected(name, result)
        done(name, results[name])
    return {name: results[name] for name in order}


def _expected(name: str, result: T | BaseException) -> T | MagnusError:
    if not isinstance(result, BaseException) or isinstance(result, MagnusError):
        return result
    if os.environ.get("MAGNUS_DEBUG"):
        raise result
    return MagnusError(
        f"a fault of magnusctl itself: {fault_words(result)}",
        host=name,
        hint="Please report it, with what MAGNUS_DEBUG=1 shows.",
    )


def _interrupted(open_ends: list[str]) -> Interrupted:
    return Interrupted(
        f"interrupted; not finished: {', '.join(open_ends)}",
        detail="A job that began goes on to its end on its host; no step is cut.",
        hint="See what stands with:  magnusctl plan",
    )

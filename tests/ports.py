"""Ports for servers that a test starts."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket
import threading

_EACH = 2000
_FIRST = 20_000 + _EACH * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_SHIFT = random.randrange(_EACH)
_NUMBERS = itertools.count()
_LOCK = threading.Lock()


def free_port() -> int:
    """One that nobody listens on, on loopback; each is given once.

    They are below those that the system gives to whoever asks for any, and each worker has its
    own: until its server listens, nobody else gets it by chance.
    """
    with _LOCK:
        for _ in range(100):
            port = _FIRST + (_SHIFT + next(_NUMBERS)) % _EACH
            with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
                return port
    raise OSError("no port of a hundred is free")

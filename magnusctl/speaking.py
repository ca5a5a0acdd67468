"""Asks a server to speak, over a connection that its host opens, and times each word."""

from __future__ import annotations

import http.client
import io
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from magnusctl.checks import servers
from magnusctl.checks.servers import Server
from magnusctl.checks.speech import LEAST_SAMPLES, Sample, Spoken
from magnusctl.errors import HostError, MagnusError
from magnusctl.parallel import each
from magnusctl.parsers import openai_sse, vllm_models
from magnusctl.transport import Transport, Wire

AT_ONCE, ROUNDS = 4, 2
"""Conversations at the same time, and answers in each."""
TOKENS, FEW_TOKENS = 64, 16
SLOW = 12.0
"""Tokens/s below which answers are shorter, so that a large model does not take minutes."""
ANSWER_S, LOAD_S = 120.0, 600.0
"""Seconds for an answer, and for the first one, for which a model may be loaded from its disk."""
_LONGEST_LINE = 1 << 20
_MUTE = re.compile("does not support (?:chat|completions)", re.IGNORECASE)


class Silent(HostError):
    """A server that did not speak, and why."""


class Absent(Silent):
    """A server that has not been given its model yet."""


class Mute(Silent):
    """A server whose model is none to talk with, as one for embeddings."""


def spoken(
    server: Server, transport: Transport, at: Callable[[int, int], None] = lambda number, of: None
) -> Spoken:
    """Measure one server; `at` hears which answer of how many it is at. Raises MagnusError where it
    does not speak.

    The first answers are not counted: they load, compile and fill caches.
    """
    model, of = _listed(server, transport), LEAST_SAMPLES + ROUNDS * AT_ONCE
    warm = _answer(server, transport, model, FEW_TOKENS, LOAD_S)
    _answer(server, transport, model, FEW_TOKENS)
    tokens = TOKENS if (warm.decode or SLOW) >= SLOW else FEW_TOKENS
    one = []
    for number in range(LEAST_SAMPLES):
        at(number + 1, of)
        one.append(_answer(server, transport, model, tokens))
    at(LEAST_SAMPLES + 1, of)
    _together(server, transport, model, FEW_TOKENS, 1)
    many = _together(server, transport, model, tokens, ROUNDS)
    return Spoken(server.host, server.name, one, many, AT_ONCE, tokens)


def speaks(server: Server, transport: Transport) -> Sample:
    """One short answer: that a server says it is well is no sign of it. Raises MagnusError."""
    return _answer(server, transport, _listed(server, transport), 4)


def _together(
    server: Server, transport: Transport, model: str, tokens: int, rounds: int
) -> list[Sample]:
    """Several at once, each as soon as its former one is over."""

    def work(_: str) -> list[Sample]:
        return [_answer(server, transport, model, tokens) for _ in range(rounds)]

    found = each(map(str, range(AT_ONCE)), work, AT_ONCE)
    for samples in found.values():
        if isinstance(samples, MagnusError):
            raise samples
    return [s for samples in found.values() if isinstance(samples, list) for s in samples]


def _listed(server: Server, transport: Transport) -> str:
    """What the server calls its model. Raises Silent."""
    connection = _Connection(server, transport, ANSWER_S)
    try:
        connection.request("GET", "/v1/models", headers=_headers(server))
        with connection.getresponse() as answer:
            text = answer.read(1 << 20).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise _silent(server, f"no answer to /v1/models: {_words(error)}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise _silent(server, _refusal(server, answer.status, text))
    models = vllm_models.parse(text)
    name = servers.named(server, models or ())
    if name is None and server.engine == "ollama":
        raise Absent("its model is not there yet", host=server.host, hint=server.fetch)
    if name is None:
        ids = ", ".join(model.id for model in models or ()) or "none"
        raise _silent(server, f"it has no such model loaded; it lists: {ids[:100]}")
    return name


def _answer(
    server: Server, transport: Transport, model: str, tokens: int, seconds: float = ANSWER_S
) -> Sample:
    """One streamed answer. Raises Silent for one that did not come whole."""
    body = servers.body(server, model, servers.prompt(random.randrange(10**8)), tokens)
    data = json.dumps(body).encode()
    connection = _Connection(server, transport, seconds)
    try:
        connection.connect()
        began = time.monotonic()
        connection.request("POST", "/v1/chat/completions", data, _headers(server))
        with connection.getresponse() as answer:
            if answer.status != 200:
                text = answer.read(1 << 16).decode("utf-8", "replace")
                kind = Mute if _MUTE.search(text) else Silent
                raise kind(_refusal(server, answer.status, text), host=server.host)
            return _timed(server, began, _lines(answer))
    except (OSError, http.client.HTTPException) as error:
        raise _silent(server, f"the answer broke off: {_words(error)}") from None
    finally:
        connection.close()


def _lines(answer: http.client.HTTPResponse) -> Iterator[tuple[float, str]]:
    """Each line of a stream, with the time at which it came."""
    while line := answer.readline(_LONGEST_LINE):
        yield time.monotonic(), line.decode("utf-8", "replace").rstrip("\r\n")


def _timed(server: Server, began: float, lines: Iterator[tuple[float, str]]) -> Sample:
    first = last = over = 0.0
    done, usage = False, None
    for at, line in lines:
        event = openai_sse.event(line)
        if event is None:
            continue
        if event.error:
            raise _silent(server, f"it broke off: {event.error[:100]}")
        if event.text or event.reasoning:
            first, last = first or at, at
        usage = event.usage or usage
        done, over = done or event.kind == "done" or bool(event.finish_reason), at
    if not first:
        raise _silent(server, "its answer holds no word")
    if not done:
        raise _silent(server, "its answer has no end: it was cut off")
    told = (usage.completion_tokens, usage.prompt_tokens) if usage else (None, None)
    cached = (usage.cached_tokens if usage else None) or 0
    return Sample(first - began, last - began, began, over, told[0], told[1], cached)


def _headers(server: Server) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Connection": "close"}
    if server.key is not None:
        key = server.key.reveal()
        if not (key.isascii() and key.isprintable()):
            # http.client would say so itself, and show the key.
            raise _silent(server, f"{server.key} holds what no header can: a line end, or no ASCII")
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not come to an end in time"
    return str(error) or "nothing came any more"


_REFUSALS = {
    401: "it does not take the key that the inventory names",
    403: "it does not take the key that the inventory names",
    404: "it knows no such model, or no chat",
    503: "its model is not loaded yet, or it has too much to do",
}


def _refusal(server: Server, status: int, text: str) -> str:
    said = " ".join(text.split())[:100]
    if status in (401, 403) and server.key is None:
        return f"{status}: it wants a key, and the inventory names none ('api_key')"
    return f"{status}: {_REFUSALS.get(status, said or 'nothing more was said')}"


def _silent(server: Server, why: str) -> Silent:
    return Silent(why, host=server.host)


class _Connection(http.client.HTTPConnection):
    """HTTP over a connection that a host opens for us."""

    def __init__(self, server: Server, transport: Transport, seconds: float) -> None:
        super().__init__(server.address, server.port, timeout=seconds)
        self._server, self._transport, self._seconds = server, transport, seconds

    def connect(self) -> None:
        """Open it, once."""
        if self.sock is None:
            wire = self._transport.dial(self._server.address, self._server.port, self._seconds)
            self.sock = _Sock(wire, time.monotonic() + self._seconds)


class _Raw(io.RawIOBase):
    """What a wire brings, as a file; with it goes the wire."""

    def __init__(self, wire: Wire, until: float) -> None:
        self._wire, self._until = wire, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            # A server that says a little for ever is as bad as one that says nothing.
            raise TimeoutError
        self._wire.settimeout(left)
        data = self._wire.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._wire.close()
        super().close()


class _Sock:
    """As much of a socket as http.client uses: a channel of ssh is none.

    As a socket's, its files outlive it: an answer that ends with the connection (mlx_lm.server) is
    read after http.client has let go of the socket.
    """

    def __init__(self, wire: Wire, until: float) -> None:
        self._wire, self._until = wire, until
        self._has_files = False

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        self._has_files = True
        return io.BufferedReader(_Raw(self._wire, self._until))

    def sendall(self, data: bytes) -> None:
        self._wire.sendall(data)

    def close(self) -> None:
        if not self._has_files:
            self._wire.close()
